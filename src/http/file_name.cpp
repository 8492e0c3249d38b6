// The name under which `leat get` saves a URL. Part of it was chosen by a stranger, and it becomes a path on this
// machine, so what remains is one harmless component.

#include <algorithm>
#include <string>
#include <string_view>

#include "http/percent.hpp"
#include "leat/io/path.hpp"
#include "log/utf8.hpp"

namespace leat {

namespace {

constexpr std::size_t longest = 255;  // NAME_MAX of every usual file system, in bytes

std::string_view last_segment(std::string_view url) {
    url = url.substr(0, url.find_first_of("?#"));
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
        url.remove_prefix(scheme + 3);
        // Without a path there is no segment, and the host is not one.
        url.remove_prefix(std::min(url.find('/'), url.size()));
    }
    return url.substr(url.rfind('/') + 1);
}

std::string harmless(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        const auto c = utf8::decode(name);
        if (!c.valid) {
            out += utf8::replacement;
        } else if (c.code == '/' || utf8::is_control(c.code) || utf8::is_reordering(c.code)) {
            out += '_';
        } else {
            out += name.substr(0, c.size);
        }
        name.remove_prefix(c.size);
    }
    return out;
}

// Cuts in the middle of the stem, so that a long name keeps its extension, and only between characters.
void shorten(std::string& name) {
    if (name.size() <= longest) return;
    const auto dot = name.rfind('.');
    const bool keeps = dot != std::string::npos && dot != 0 && name.size() - dot <= 16;
    const std::string extension = keeps ? name.substr(dot) : "";
    std::size_t cut = longest - extension.size();
    while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0u) == 0x80) --cut;
    name.resize(cut);
    name += extension;
}

}  // namespace

path file_name_of(std::string_view url) {
    // Encoded dots and slashes count: they are what they decode to.
    std::string name = harmless(http::percent_decode(last_segment(url)));
    if (name == ".") name = "_";
    if (name == "..") name = "__";
    if (name.empty()) name = "index.html";
    shorten(name);
    return path{std::move(name)};
}

}  // namespace leat
