#include "net/network_list.hpp"

#include <charconv>
#include <stdexcept>
#include <string>

namespace leat::detail {
namespace {

/// An IPv4 address as the IPv6 one that stands for it.
std::array<std::uint8_t, 16> as_ipv6(const address& one) noexcept {
    if (one.is_ipv6()) return one.raw();
    std::array<std::uint8_t, 16> mapped{};
    mapped[10] = mapped[11] = 0xFF;
    std::copy_n(one.raw().begin(), 4, mapped.begin() + 12);
    return mapped;
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

}  // namespace

network_list::network_list(std::string_view text) {
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view one = trimmed(text.substr(0, comma));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        if (one == "unix") {
            unix_ = true;
            continue;
        }
        const auto slash = one.find('/');
        const address parsed = address::parse(one.substr(0, slash), 0);
        const unsigned whole = parsed.is_ipv6() ? 128 : 32;
        unsigned bits = whole;
        bool sound = !parsed.empty();
        if (slash != std::string_view::npos) {
            const std::string_view digits = one.substr(slash + 1);
            const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
            sound = sound && failed == std::errc{} && end == digits.data() + digits.size() && bits <= whole;
        }
        if (!sound) throw std::invalid_argument("\"" + std::string{one} + "\" is neither an address nor a network nor \"unix\"");
        networks_.push_back({as_ipv6(parsed), bits + (128 - whole)});
    }
}

bool network_list::contains(const address& one) const noexcept {
    if (one.is_unix()) return unix_;
    if (one.empty()) return false;
    const auto bytes = as_ipv6(one);
    for (const network& each : networks_) {
        unsigned bit = 0;
        while (bit < each.bits && ((bytes[bit / 8] ^ each.bytes[bit / 8]) >> (7 - bit % 8) & 1) == 0) ++bit;
        if (bit == each.bits) return true;
    }
    return false;
}

}  // namespace leat::detail
