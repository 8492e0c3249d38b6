// What the tests of downloads share: bodies whose bytes tell where they are, lists of URLs, and what lies in a directory.
#pragma once
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace leat::testing {

/// Everything in a directory, hidden names too.
inline std::set<std::string> names_in(const std::string& directory) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) names.insert(entry.path().filename());
    return names;
}

/// A body of that size; two with another first letter differ in every byte.
inline std::string sized(std::size_t size, char first = 'a') {
    std::string made(size, '\0');
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>(first + (i * 7 + i / 1000) % 26);
    return made;
}

/// Variadic, since g++ 12 compiles no braced list for a vector inside co_await.
template <class... Text>
std::vector<std::string> urls_of(const Text&... urls) {
    return {std::string{urls}...};
}

}  // namespace leat::testing
