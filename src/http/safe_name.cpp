#include "http/safe_name.hpp"

#include <algorithm>

#include "log/utf8.hpp"

namespace leat::http {
namespace {

constexpr std::size_t longest = 255;  // NAME_MAX of every usual file system, in bytes

std::string harmless(std::string_view name) {
    const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '/'; };
    if (std::all_of(name.begin(), name.end(), plain)) return std::string{name};
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

std::string safe_component(std::string_view text) {
    std::string name = harmless(text);
    if (name == ".") name = "_";
    if (name == "..") name = "__";
    shorten(name);
    return name;
}

std::string safe_visible_component(std::string_view text) {
    std::string name = safe_component(text);
    for (char& c : name) {
        if (c != '.') break;
        c = '_';
    }
    return name;
}

}  // namespace leat::http
