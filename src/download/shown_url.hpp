#pragma once
#include <algorithm>
#include <string>
#include <string_view>

#include "leat/log/printable.hpp"

namespace leat::detail {

/// A URL for the log: free of control characters, not long, and without who it says to be.
inline std::string shown_url(std::string_view url) {
    std::string shown{url};
    const auto slashes = url.find("//");
    const auto start = slashes == std::string_view::npos ? 0 : slashes + 2;
    const auto at = url.substr(0, std::min(url.find_first_of("/?#", start), url.size())).rfind('@');
    if (at != std::string_view::npos && at >= start) shown.replace(start, at - start, "***");
    return printable(shown, 300);
}

}  // namespace leat::detail
