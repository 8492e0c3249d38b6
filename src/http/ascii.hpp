// Character classes of RFC 9110 as table look-ups. <cctype> is not used anywhere in the HTTP layer: its answers
// depend on the process's locale, and a protocol's must not.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace leat::http::ascii {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
constexpr bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }

/// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) noexcept {
    if (is_digit(c)) return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

namespace detail {
constexpr std::array<bool, 256> token_table() {
    std::array<bool, 256> table{};
    for (int c = 0; c < 128; ++c)
        table[static_cast<std::size_t>(c)] = is_digit(static_cast<char>(c)) || is_alpha(static_cast<char>(c));
    for (char c : std::string_view{"!#$%&'*+-.^_`|~"}) table[static_cast<unsigned char>(c)] = true;
    return table;
}
inline constexpr auto tokens = token_table();
}  // namespace detail

/// True for a `tchar`: what methods and field names are made of.
constexpr bool is_token_char(char c) noexcept { return detail::tokens[static_cast<unsigned char>(c)]; }

constexpr bool is_token(std::string_view text) noexcept {
    for (char c : text)
        if (!is_token_char(c)) return false;
    return !text.empty();
}

/// True if the text holds a byte that would end or split a line of a message head.
constexpr bool breaks_line(std::string_view text) noexcept {
    for (char c : text)
        if (c == '\r' || c == '\n' || c == '\0') return true;
    return false;
}

constexpr bool equal(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

/// Where the first of these characters is, or npos. For texts of which there is one a request: std::string_view::find_first_of() makes a call a character.
constexpr std::size_t find_any(std::string_view text, std::string_view of, std::size_t from = 0) noexcept {
    for (std::size_t i = from; i < text.size(); ++i)
        for (char c : of)
            if (text[i] == c) return i;
    return std::string_view::npos;
}

/// The text without blanks at either end.
constexpr std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace leat::http::ascii
