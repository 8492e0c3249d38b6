#include "site/request_path.hpp"

#include <algorithm>
#include <vector>

#include "http/ascii.hpp"
#include "http/percent.hpp"

namespace tool {
namespace {

using leat::http::ascii::hex_value;

bool is_well_encoded(std::string_view text) {
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
        if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return false;
    return true;
}

/// "http://host:80/path" to "/path".
std::string_view without_origin(std::string_view target) {
    const auto scheme = target.find("://");
    if (scheme == std::string_view::npos || target.starts_with('/')) return target;
    const auto name = target.substr(0, scheme);
    if (!leat::http::ascii::equal(name, "http") && !leat::http::ascii::equal(name, "https")) return target;
    const auto path = target.find_first_of("/?#", scheme + 3);
    return path == std::string_view::npos || target[path] != '/' ? std::string_view{"/"} : target.substr(path);
}

}  // namespace

request_path parse_request_path(std::string_view target) {
    target = without_origin(target);
    target = target.substr(0, target.find_first_of("?#"));
    if (!target.starts_with('/') || !is_well_encoded(target)) return {.status = 400, .relative = {}, .slash = false};
    std::vector<std::string> components;
    request_path asked;
    while (!target.empty()) {
        target.remove_prefix(1);  // the '/'
        const auto raw = target.substr(0, target.find('/'));
        target.remove_prefix(raw.size());
        std::string component = leat::http::percent_decode(raw);
        asked.slash = component.empty() || component == "." || component == "..";
        if (component.find('\0') != std::string::npos) return {.status = 400, .relative = {}, .slash = false};
        if (component.find('/') != std::string::npos) return {.status = 404, .relative = {}, .slash = false};
        if (component == "..") {
            if (components.empty()) return {.status = 400, .relative = {}, .slash = false};
            components.pop_back();
        } else if (!asked.slash) {
            components.push_back(std::move(component));
        }
    }
    for (const std::string& component : components) {
        if (!asked.relative.empty()) asked.relative += '/';
        asked.relative += component;
    }
    return asked;
}

std::string link_path(std::string_view relative, bool slash) {
    std::string link = "/" + leat::http::percent_encode(relative, "/");
    if (slash && !link.ends_with('/')) link += '/';
    return link;
}

}  // namespace tool
