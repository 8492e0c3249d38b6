#include "http/shown_url.hpp"

#include <algorithm>

#include "leat/log/printable.hpp"

namespace leat::http {
namespace {

constexpr auto none = std::string_view::npos;

/// Where the host, or who wants to be shown to it, begins: behind "http://", or what is left of it.
std::size_t authority_of(std::string_view url) noexcept {
    const auto colon = url.find(':');
    const bool scheme = url.starts_with("http:") || url.starts_with("https:") || (colon < url.find_first_of("/?#@") && url.substr(colon).starts_with("://"));
    return std::min(url.find_first_not_of('/', scheme ? colon + 1 : 0), url.size());
}

/// "host", "host:80", "[::1]:80"; a user and a password look different, unless the password is a number.
bool is_host_and_port(std::string_view text) noexcept {
    if (const auto end = text.find(']'); text.starts_with('[') && end != none) text.remove_prefix(end + 1);
    const auto colon = text.find(':');
    return colon == none || text.find_first_not_of("0123456789", colon + 1) == none;
}

}  // namespace

std::optional<url_identity> identity_in(std::string_view url) noexcept {
    const std::size_t begin = authority_of(url);
    const std::string_view rest = url.substr(begin);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    auto at = authority.rfind('@');
    // A '/' or a '#' in a password, where "%2F" or "%23" is needed, ends the host's part early.
    if (at == none && !is_host_and_port(authority)) at = rest.rfind('@');
    if (at == none) return std::nullopt;
    const auto colon = authority.find(':');
    const text_place whole{begin, at};
    if (colon >= at || colon + 1 == at) return url_identity{whole, {begin, std::min(colon, at)}};
    return url_identity{whole, {begin + colon + 1, at - colon - 1}};
}

std::string shown_url(std::string_view url, std::size_t limit) {
    std::string shown{url};
    if (const auto found = identity_in(url)) shown.replace(found->whole.begin, found->whole.size, "***");
    return printable(shown, limit);
}

}  // namespace leat::http
