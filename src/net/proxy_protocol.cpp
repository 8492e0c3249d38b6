#include "net/proxy_protocol.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace leat::detail {
namespace {

using state = proxy_header::state;

constexpr std::string_view text_start = "PROXY ";
constexpr std::string_view binary_start{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t binary_head = 16;

proxy_header malformed(const char* what) noexcept { return {.found = state::malformed, .client = {}, .destination = {}, .wrong = what}; }
proxy_header needs(std::size_t bytes) noexcept { return {.found = state::incomplete, .size = bytes, .client = {}, .destination = {}}; }

/// The part up to the next blank, which is taken away too; the rest at the end.
std::string_view next_word(std::string_view& text) noexcept {
    const auto blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    return word;
}

bool parse_port(std::string_view word, std::uint16_t& port) noexcept {
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), port);
    return failed == std::errc{} && end == word.data() + word.size() && (word.size() == 1 || word.front() != '0');
}

bool parse_text_address(std::string_view word, bool ipv6, std::uint16_t port, address& into) {
    if (word.find_first_not_of(ipv6 ? "0123456789abcdefABCDEF:." : "0123456789.") != std::string_view::npos) return false;
    into = address::parse(word, port);
    return !into.empty() && into.is_ipv6() == ipv6;
}

proxy_header parse_text(std::string_view bytes) noexcept {
    const auto end = bytes.substr(0, most_proxy_line).find('\n');
    if (end == std::string_view::npos) return bytes.size() >= most_proxy_line ? malformed("the line is too long") : needs(bytes.size() + 1);
    if (end == 0 || bytes[end - 1] != '\r') return malformed("the line does not end with CR LF");
    proxy_header header{.found = state::complete, .size = end + 1, .client = {}, .destination = {}};
    std::string_view rest = bytes.substr(text_start.size(), end - 1 - text_start.size());
    const std::string_view family = next_word(rest);
    if (family == "UNKNOWN") return header;  // whatever follows means nothing
    if (family != "TCP4" && family != "TCP6") return malformed("neither TCP4 nor TCP6 nor UNKNOWN");
    const std::string_view from = next_word(rest);
    const std::string_view to = next_word(rest);
    const std::string_view from_port = next_word(rest);
    std::uint16_t ports[2];
    if (!parse_port(from_port, ports[0]) || !parse_port(rest, ports[1])) return malformed("no valid ports");
    const bool ipv6 = family == "TCP6";
    if (!parse_text_address(from, ipv6, ports[0], header.client) || !parse_text_address(to, ipv6, ports[1], header.destination))
        return malformed("no valid addresses");
    return header;
}

std::uint16_t big_endian(const char* at) noexcept {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(at[0]) << 8 | static_cast<unsigned char>(at[1]));
}

address ip_at(const char* bytes, const char* port, bool ipv6) noexcept {
    std::array<std::uint8_t, 16> raw{};
    std::memcpy(raw.data(), bytes, ipv6 ? 16 : 4);
    return {ipv6 ? address::family::ipv6 : address::family::ipv4, raw, big_endian(port)};
}

address unix_at(const char* bytes) noexcept {
    std::string_view name{bytes, 108};
    // A path ends at its NUL; an abstract name is padded with NULs.
    name = name.front() != '\0' ? name.substr(0, name.find('\0')) : name.substr(0, name.find_last_not_of('\0') + 1);
    return address::unix_named(name);
}

proxy_header parse_binary(std::string_view bytes) noexcept {
    if (bytes.size() < binary_head) return needs(binary_head);
    const auto version_command = static_cast<unsigned char>(bytes[12]);
    if (version_command >> 4 != 2) return malformed("not version 2");
    const unsigned command = version_command & 15u;
    if (command > 1) return malformed("neither LOCAL nor PROXY");
    const std::size_t length = big_endian(bytes.data() + 14);
    if (length > most_proxy_block) return malformed("too long");
    proxy_header header{.found = state::complete, .size = binary_head + length, .client = {}, .destination = {}};
    if (bytes.size() < header.size) return needs(header.size);
    if (command == 0) return header;  // LOCAL: the proxy's own connection
    const auto family = static_cast<unsigned char>(bytes[13]);
    const char* at = bytes.data() + binary_head;
    switch (family >> 4) {
        case 0: return header;  // UNSPEC
        case 1:
        case 2: {
            const bool ipv6 = family >> 4 == 2;
            const std::size_t size = ipv6 ? 16 : 4;
            if (length < 2 * size + 4) return malformed("too short for its addresses");
            header.client = ip_at(at, at + 2 * size, ipv6);
            header.destination = ip_at(at + size, at + 2 * size + 2, ipv6);
            return header;
        }
        case 3:
            if (length < 216) return malformed("too short for its addresses");
            header.client = unix_at(at);
            header.destination = unix_at(at + 108);
            return header;
        default: return malformed("an unknown address family");
    }
}

}  // namespace

proxy_header parse_proxy_header(std::string_view bytes) noexcept {
    // The first byte that fits neither decides: whoever speaks something else need not be waited for.
    const auto begins = [&](std::string_view start) { return start.starts_with(bytes.substr(0, start.size())); };
    if (begins(text_start)) return bytes.size() < text_start.size() ? needs(text_start.size()) : parse_text(bytes);
    if (begins(binary_start)) return bytes.size() < binary_start.size() ? needs(binary_start.size()) : parse_binary(bytes);
    return malformed("no PROXY header");
}

}  // namespace leat::detail
