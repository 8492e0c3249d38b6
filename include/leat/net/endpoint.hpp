#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace leat {

/// Where to connect or to listen: a host name or a numeric address, and a port. "" as a host means every local address when listening.
class endpoint {
public:
    /// A name or a literal ("example.org", "::1", with or without brackets), and a port; 0 when listening: a free one.
    endpoint(std::string_view host, std::uint16_t port) : host_(host), port_(port) {}
    /// The host as it was given.
    const std::string& host() const noexcept { return host_; }
    /// The port.
    std::uint16_t port() const noexcept { return port_; }
    /// "example.org:443", "[::1]:443".
    std::string to_string() const {
        const bool literal6 = host_.find(':') != std::string::npos && !host_.starts_with('[');
        return (literal6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_);
    }

private:
    std::string host_;
    std::uint16_t port_;
};

}  // namespace leat
