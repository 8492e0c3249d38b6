#include "get/shown.hpp"

namespace tool {
namespace {

struct place {
    std::size_t begin = 0;
    std::size_t size = 0;
};

/// Where the password is; of size 0 if nowhere.
place password_in(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    const std::size_t begin = scheme + 3;
    const std::size_t end = std::min(url.find_first_of("/?#\\", begin), url.size());
    const auto at = url.substr(begin, end - begin).rfind('@');
    if (at == std::string_view::npos) return {};
    const auto colon = url.substr(begin, at).find(':');
    if (colon == std::string_view::npos) return {};
    return {begin + colon + 1, at - colon - 1};
}

}  // namespace

std::string without_password(std::string_view url) {
    const place found = password_in(url);
    std::string shown{url};
    if (found.size > 0) shown.replace(found.begin, found.size, "***");
    return shown;
}

std::string error_of(const leat::file_report& file) {
    std::string text = file.error;
    const place found = password_in(file.url);
    if (found.size == 0) return text;
    const std::string shown = without_password(file.url);
    for (std::size_t at = 0; (at = text.find(file.url, at)) != std::string::npos; at += shown.size()) text.replace(at, file.url.size(), shown);
    return text;
}

std::string_view state_of(const leat::file_report& file) noexcept {
    if (!file.ok()) return "failed";
    if (file.skipped) return "skipped";
    return file.verified ? "verified" : "complete";
}

}  // namespace tool
