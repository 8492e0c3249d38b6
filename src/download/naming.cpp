#include "download/naming.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "http/ascii.hpp"
#include "http/percent.hpp"
#include "http/safe_name.hpp"
#include "http/url.hpp"
#include "log/utf8.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto c = utf8::decode(text);
        if (!c.valid) return false;
        text.remove_prefix(c.size);
    }
    return true;
}

std::string from_latin1(std::string_view text) {
    std::string out;
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
        } else {
            out += static_cast<char>(0xC0 | byte >> 6);
            out += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return out;
}

/// CHARSET'LANGUAGE'VALUE with %XX in the value (RFC 8187). Nothing if it is malformed, or of another charset.
std::optional<std::string> from_extended(std::string_view text) {
    const auto first = text.find('\'');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = text.find('\'', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const std::string_view charset = text.substr(0, first), value = text.substr(second + 1);
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '%') {
            if (!ascii::is_ascii(value[i]) || ascii::is_control(value[i])) return std::nullopt;
        } else if (i + 2 >= value.size() || ascii::hex_value(value[i + 1]) < 0 || ascii::hex_value(value[i + 2]) < 0) {
            return std::nullopt;
        } else {
            i += 2;
        }
    }
    std::string bytes = http::percent_decode(value);
    if (ascii::equal(charset, "iso-8859-1")) return from_latin1(bytes);
    if (!ascii::equal(charset, "utf-8") || !is_utf8(bytes)) return std::nullopt;
    return bytes;
}

struct parameter {
    std::string_view name;
    std::string value;
};

/// The next NAME=VALUE of a list that semicolons divide, quotes and their backslashes taken away. What has no '=' has no value.
parameter take_parameter(std::string_view& rest) {
    parameter found;
    rest = rest.substr(std::min(rest.find_first_not_of(" \t;"), rest.size()));
    const auto mark = std::min(rest.find_first_of("=;"), rest.size());
    found.name = ascii::trim(rest.substr(0, mark));
    const bool has_value = mark < rest.size() && rest[mark] == '=';
    rest.remove_prefix(has_value ? mark + 1 : mark);
    if (!has_value) return found;
    while (!rest.empty() && ascii::is_blank(rest.front())) rest.remove_prefix(1);
    if (!rest.starts_with('"')) {
        const auto end = std::min(rest.find(';'), rest.size());
        found.value = ascii::trim(rest.substr(0, end));  // with blanks in it as well, which is wrong and seen
        rest.remove_prefix(end);
        return found;
    }
    std::size_t i = 1;
    for (; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
        found.value += rest[i];
    }
    rest.remove_prefix(std::min(i + 1, rest.size()));
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
    return found;
}

}  // namespace

std::string name_from_disposition(std::string_view field) {
    std::optional<std::string> plain, extended;
    while (!field.empty()) {
        parameter each = take_parameter(field);
        // Of a name that comes twice the first counts.
        if (!plain && ascii::equal(each.name, "filename"))
            plain = is_utf8(each.value) ? std::move(each.value) : from_latin1(each.value);
        else if (!extended && ascii::equal(each.name, "filename*"))
            extended = from_extended(each.value);
    }
    if (extended) plain = std::move(extended);
    if (!plain) return {};
    // A sender's own directories are nobody's concern.
    const auto slash = plain->find_last_of("/\\");
    const std::string_view last = std::string_view{*plain}.substr(slash == std::string::npos ? 0 : slash + 1);
    return http::safe_visible_component(ascii::trim(last));
}

std::string mirror_path_of(std::string_view url) {
    const auto parsed = http::url::parse(url);
    std::string path = http::safe_visible_component(parsed.host());
    if (parsed.port() != (parsed.secure() ? 443 : 80)) path += "_" + std::to_string(parsed.port());
    std::string_view rest = parsed.path();
    bool ends_in_name = false;
    while (!rest.empty()) {
        rest.remove_prefix(1);  // '/'
        const auto end = std::min(rest.find('/'), rest.size());
        const std::string component = http::safe_component(http::percent_decode(rest.substr(0, end)));
        rest.remove_prefix(end);
        ends_in_name = !component.empty();
        if (ends_in_name) path.append("/").append(component);
    }
    if (!ends_in_name) path += "/index.html";
    return path;
}

}  // namespace leat::detail
