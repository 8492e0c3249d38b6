#include "terminal/width.hpp"

#include <algorithm>
#include <iterator>

#include "log/utf8.hpp"
#include "terminal/width_table.hpp"

namespace tool {
namespace {

template <std::size_t N>
bool among(const width_range (&table)[N], char32_t c) noexcept {
    auto after = std::upper_bound(std::begin(table), std::end(table), c, [](char32_t code, const width_range& r) { return code < r.first; });
    return after != std::begin(table) && c <= std::prev(after)->last;
}

std::size_t columns_of(char32_t c) noexcept {
    if (c < 0x300) return 1;
    if (among(zero_width_characters, c)) return 0;
    return among(wide_characters, c) ? 2 : 1;
}

}  // namespace

std::size_t columns_of(std::string_view text) noexcept {
    std::size_t sum = 0;
    while (!text.empty()) {
        const auto c = leat::utf8::decode(text);
        sum += columns_of(c.code);
        text.remove_prefix(c.size);
    }
    return sum;
}

std::string cut_to(std::string_view text, std::size_t columns, bool unicode) {
    std::size_t used = 0;
    std::size_t keep = 0;  // bytes that fit with the mark behind them
    std::size_t at = 0;
    while (at < text.size()) {
        const auto c = leat::utf8::decode(text.substr(at));
        used += columns_of(c.code);
        if (used > columns) {
            std::string cut{text.substr(0, keep)};
            if (columns > 0) cut += unicode ? "…" : ".";
            return cut;
        }
        at += c.size;
        if (used + 1 <= columns) keep = at;
    }
    return std::string{text};
}

std::string fit_to(std::string_view text, std::size_t columns, bool unicode) {
    std::string fitted = cut_to(text, columns, unicode);
    const std::size_t used = columns_of(fitted);
    return fitted.append(columns > used ? columns - used : 0, ' ');
}

}  // namespace tool
