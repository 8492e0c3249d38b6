#include "suggestion.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tool {
namespace {

/// How many letters are to be added, left out, changed, or exchanged with their neighbours.
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before, last(to.size() + 1), row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        before = std::exchange(last, row);
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (from[i - 1] == to[j - 1] ? 0u : 1u)});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
    std::string best;
    if (word.size() > 40) return best;
    std::size_t least = std::max<std::size_t>(word.size() / 4, 1) + 1;
    for (const std::string& name : names) {
        // Half a name is as good as a misspelt one.
        const std::size_t far = word.size() > 3 && name.starts_with(word) ? 1 : distance(word, name);
        if (far >= least) continue;
        least = far;
        best = name;
    }
    return best;
}

}  // namespace tool
