#include "log/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "log/utf8.hpp"

namespace leat::log {

void append_escaped(std::string& to, std::string_view text) {
    const auto plain = [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; };
    while (!text.empty()) {
        const auto run = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin());
        to.append(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty()) return;

        const auto c = utf8::decode(text);
        if (!c.valid) {
            fmt::format_to(std::back_inserter(to), "\\x{:02x}", static_cast<unsigned char>(text[0]));
        } else if (c.code == '\n') {
            to += "\\n";
        } else if (c.code == '\r') {
            to += "\\r";
        } else if (c.code < 0x80) {
            fmt::format_to(std::back_inserter(to), "\\x{:02x}", static_cast<unsigned>(c.code));
        } else if (utf8::is_control(c.code) || utf8::is_reordering(c.code)) {
            fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned>(c.code));
        } else {
            to.append(text.substr(0, c.size));
        }
        text.remove_prefix(c.size);
    }
}

std::string_view cut(std::string_view text, std::size_t limit) noexcept {
    if (text.size() <= limit) return text;
    auto end = limit;
    while (end > 0 && limit - end < 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

}  // namespace leat::log
