#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "leat/log/printable.hpp"

namespace leat::http {

/// A URL for a log or an error's text: free of control characters, at most about `limit` bytes, and without who it says to be. It may be no URL at all: whoever
/// mistypes one has a password in it all the same.
inline std::string shown_url(std::string_view url, std::size_t limit = 300) {
    const auto colon = url.find(':');
    const bool scheme = url.starts_with("http:") || url.starts_with("https:") || (colon != std::string_view::npos && url.substr(colon).starts_with("://"));
    const auto begin = std::min(url.find_first_not_of('/', scheme ? colon + 1 : 0), url.size());
    const auto end = std::min(url.find_first_of("/?#", begin), url.size());
    auto at = url.substr(0, end).rfind('@');
    // A '/' or a '#' in a password, where "%2F" or "%23" is needed, ends the host's part early.
    const auto port = url.find(':', begin);
    if ((at == std::string_view::npos || at < begin) && port < end && url.find_first_not_of("0123456789", port + 1) < end) at = url.rfind('@');
    std::string shown{url};
    if (at != std::string_view::npos && at >= begin) shown.replace(begin, at - begin, "***");
    return printable(shown, limit);
}

}  // namespace leat::http
