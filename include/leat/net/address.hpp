#pragma once
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

/// Where one end of a connection is: "127.0.0.1:8888", "[::1]:8888", "unix:/run/app.sock", "unix:@name". A plain value of about 130 bytes.
class address {
public:
    /// What kind of address it is; `none` is the empty one.
    enum class family : std::uint8_t { none, ipv4, ipv6, unix_socket };
    /// The longest name of a unix socket, in bytes, a leading NUL included.
    static constexpr std::size_t most_name = 108;

    address() = default;
    /// From raw bytes in network order; of IPv4 the first four count. `scope` is the interface of a link-local IPv6 address.
    address(family kind, const std::array<std::uint8_t, 16>& bytes, std::uint16_t port, std::uint32_t scope = 0) noexcept
        : bytes_(bytes), scope_(scope), port_(port), family_(kind) {}

    /// From "127.0.0.1" or "::1" (with "%scope", and with or without brackets); an empty address if the text is no literal.
    static address parse(std::string_view literal, std::uint16_t port);
    /// A unix socket's, as the kernel has it: a path; a leading NUL for an abstract name; empty for a socket without a name. What is
    /// longer than `most_name` gives an empty address. See unix_address for one to connect to.
    static address unix_named(std::string_view name) noexcept;

    /// 0 for a unix socket.
    std::uint16_t port() const noexcept { return port_; }
    /// The numeric host, without a port or brackets; a unix socket's path, or "@" and its abstract name.
    std::string host() const;
    /// A unix socket's name as `printable`, since others may have chosen it.
    std::string to_string() const;
    /// Is it nobody's address?
    bool empty() const noexcept { return family_ == family::none; }
    /// Is it an IPv6 address?
    bool is_ipv6() const noexcept { return family_ == family::ipv6; }
    /// Is it a unix socket's?
    bool is_unix() const noexcept { return family_ == family::unix_socket; }
    /// Of which kind it is.
    family kind() const noexcept { return family_; }
    /// Network order; an IPv4 address uses the first four.
    const std::array<std::uint8_t, 16>& raw() const noexcept { return bytes_; }
    /// The number of the interface that a link-local IPv6 address belongs to; else 0.
    std::uint32_t scope() const noexcept { return scope_; }
    /// A unix socket's name as the kernel has it; valid as long as this address.
    std::string_view unix_name() const noexcept { return {name_.data(), name_size_}; }

    /// Same kind, address, port, scope and name.
    friend bool operator==(const address&, const address&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
    std::uint32_t scope_ = 0;
    std::uint16_t port_ = 0;
    family family_ = family::none;
    std::array<char, most_name> name_{};
    std::uint8_t name_size_ = 0;
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
