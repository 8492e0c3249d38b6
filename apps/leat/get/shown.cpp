#include "get/shown.hpp"

#include <algorithm>

#include "leat/log/printable.hpp"

namespace tool {
namespace {

struct place {
    std::size_t begin = 0;
    std::size_t size = 0;
};

bool is_port(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

/// Where the host, or who wants to be shown to it, begins: behind "http://", or what is left of it.
std::size_t authority_of(std::string_view url) {
    std::size_t begin = 0;
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos && scheme < url.find_first_of("/?#@")) begin = scheme + 1;
    for (const std::string_view name : {"http:", "https:"})
        if (begin == 0 && url.starts_with(name)) begin = name.size();
    return std::min(url.find_first_not_of('/', begin), url.size());
}

/// Where the password is, or what stands for one; of size 0 if nowhere. URLs that are wrong are shown as well, and passwords may be in them.
place password_in(std::string_view url) {
    const std::size_t begin = authority_of(url);
    const std::string_view authority = url.substr(begin, url.find_first_of("/?#\\", begin) - begin);
    const auto colon = authority.find(':');
    auto at = authority.rfind('@');
    // One with a '/' or a '#' that should have been "%2F" or "%23".
    if (at == std::string_view::npos && colon != std::string_view::npos && !authority.starts_with('[') && !is_port(authority.substr(colon + 1)))
        at = url.substr(begin).rfind('@');
    if (at == std::string_view::npos) return {};
    // A user without a password is a token.
    if (colon >= at || colon + 1 == at) return {begin, std::min(colon, at)};
    return {begin + colon + 1, at - colon - 1};
}

void replace_all(std::string& in, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = in.find(what, at)) != std::string::npos; at += by.size()) in.replace(at, what.size(), by);
}

}  // namespace

std::string without_password(std::string_view url) {
    const place found = password_in(url);
    std::string shown{url};
    if (found.size > 0) shown.replace(found.begin, found.size, "***");
    return shown;
}

std::string error_of(const leat::file_report& file) { return error_of(file.url, file.error); }

std::string error_of(const std::string& url, std::string text) {
    if (password_in(url).size == 0) return text;
    const std::string shown = without_password(url);
    replace_all(text, url, shown);
    replace_all(text, leat::printable(url), leat::printable(shown));
    return text;
}

std::string_view state_of(const leat::file_report& file) noexcept {
    if (!file.ok()) return "failed";
    if (file.skipped) return "skipped";
    return file.verified ? "verified" : "complete";
}

}  // namespace tool
