#include "get/shown.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "http/shown_url.hpp"
#include "leat/log/printable.hpp"

namespace tool {
namespace {

void replace_all(std::string& in, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = in.find(what, at)) != std::string::npos; at += by.size()) in.replace(at, what.size(), by);
}

/// As they were said, and as they are shown.
std::map<std::string, std::string>& known_passwords() {
    static std::map<std::string, std::string> words;
    return words;
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
    return without_known_passwords(std::move(text));
}

void remember_passwords(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        std::string_view word = argv[i];
        // "--option=VALUE" and "-oVALUE".
        if (word.starts_with("--")) word.remove_prefix(std::min(word.find('='), word.size() - 1) + 1);
        else if (word.starts_with('-')) word.remove_prefix(std::min<std::size_t>(2, word.size()));
        const auto found = leat::http::identity_in(word);
        if (!found || found->secret.size == 0) continue;
        // Without a colon it is an ordinary name, as of a picture, unless it stands where a URL has a token.
        const bool has_colon = found->secret.begin > found->whole.begin || found->secret.size < found->whole.size;
        const std::size_t begin = has_colon ? found->whole.begin : found->whole.begin - std::min<std::size_t>(1, found->whole.begin);
        if (!has_colon && word[begin] != '/') continue;
        const std::string said{word.substr(begin, found->whole.begin + found->whole.size + 1 - begin)};
        std::string shown = said;
        shown.replace(found->secret.begin - begin, found->secret.size, "***");
        known_passwords().emplace(said, std::move(shown));
    }
}

std::string without_known_passwords(std::string text) {
    for (const auto& [said, shown] : known_passwords()) {
        replace_all(text, said, shown);
        replace_all(text, leat::printable(said), leat::printable(shown));
    }
    return text;
}

std::string_view state_of(const leat::file_report& file) noexcept {
    if (!file.ok()) return "failed";
    if (file.skipped) return "skipped";
    return file.verified ? "verified" : "complete";
}

}  // namespace tool
