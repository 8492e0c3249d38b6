#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace leat::utf8 {

inline constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

struct decoded {
    char32_t code;
    std::size_t size;  // bytes consumed: at least 1 where the input is not empty
    bool valid;        // false: one byte that is not UTF-8; overlong forms and surrogates are not
};

/// Decodes the first character of a text that is not empty.
inline decoded decode(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const decoded bad{0xFFFD, 1, false};
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    std::size_t size;
    char32_t code, least;
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2, code = lead & 0x1Fu, least = 0x80;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3, code = lead & 0x0Fu, least = 0x800;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4, code = lead & 0x07u, least = 0x10000;
    } else {
        return bad;
    }
    if (text.size() < size) return bad;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0u) != 0x80) return bad;
        code = code << 6 | (byte(i) & 0x3Fu);
    }
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return bad;
    return {code, size, true};
}

/// True for C0, DEL and C1.
constexpr bool is_control(char32_t c) noexcept { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

/// True for characters that change the order or the lines of the text around them: marks, embeddings, overrides and
/// isolates of the bidirectional algorithm, the line and paragraph separators, and the byte order mark.
constexpr bool is_reordering(char32_t c) noexcept {
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

}  // namespace leat::utf8
