#pragma once
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

/// The numeric address of one end of a connection: "127.0.0.1:8888", "[::1]:8888".
class address {
public:
    enum class family : std::uint16_t { none, ipv4, ipv6 };

    address() = default;
    address(family kind, const std::array<std::uint8_t, 16>& bytes, std::uint16_t port, std::uint32_t scope = 0) noexcept
        : bytes_(bytes), scope_(scope), port_(port), family_(kind) {}

    /// From "127.0.0.1" or "::1" (with "%scope", and with or without brackets); an empty address if the text is no literal.
    static address parse(std::string_view literal, std::uint16_t port);

    std::uint16_t port() const noexcept { return port_; }
    /// The numeric host, without a port or brackets.
    std::string host() const;
    std::string to_string() const;
    bool empty() const noexcept { return family_ == family::none; }
    bool is_ipv6() const noexcept { return family_ == family::ipv6; }
    /// Network order; an IPv4 address uses the first four.
    const std::array<std::uint8_t, 16>& raw() const noexcept { return bytes_; }
    std::uint32_t scope() const noexcept { return scope_; }

    friend bool operator==(const address&, const address&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
    std::uint32_t scope_ = 0;
    std::uint16_t port_ = 0;
    family family_ = family::none;
};

}  // namespace leat

template <>
struct fmt::formatter<leat::address> {
    constexpr auto parse(format_parse_context& context) { return context.begin(); }
    template <class Context>
    auto format(const leat::address& value, Context& context) const {
        const std::string text = value.to_string();
        return std::copy(text.begin(), text.end(), context.out());
    }
};
