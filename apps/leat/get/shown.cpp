#include "get/shown.hpp"

#include "http/shown_url.hpp"
#include "leat/log/printable.hpp"

namespace tool {
namespace {

void replace_all(std::string& in, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = in.find(what, at)) != std::string::npos; at += by.size()) in.replace(at, what.size(), by);
}

}  // namespace

std::string without_password(std::string_view url) {
    std::string shown{url};
    // Of size 0: nobody is named.
    if (const auto found = leat::http::identity_in(url); found && found->secret.size > 0) shown.replace(found->secret.begin, found->secret.size, "***");
    return shown;
}

std::string error_of(const leat::file_report& file) { return error_of(file.url, file.error); }

std::string error_of(const std::string& url, std::string text) {
    if (const std::string shown = without_password(url); shown != url) {
        replace_all(text, url, shown);
        replace_all(text, leat::printable(url), leat::printable(shown));
    }
    return text;
}

std::string_view state_of(const leat::file_report& file) noexcept {
    if (!file.ok()) return "failed";
    if (file.skipped) return "skipped";
    return file.verified ? "verified" : "complete";
}

}  // namespace tool
