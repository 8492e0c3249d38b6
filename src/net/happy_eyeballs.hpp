#pragma once
#include <vector>

#include "leat/net/connection.hpp"

namespace leat::detail {

/// The families in turn, beginning with the first address's, each family in its own order (RFC 8305, section 4).
std::vector<address> interleaved(const std::vector<address>& addresses);

/// A connected descriptor and what it is connected to. Closes it unless somebody takes it.
class connected_socket {
public:
    connected_socket() = default;
    connected_socket(int fd, const address& to) noexcept : fd_(fd), to_(to) {}
    connected_socket(connected_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), to_(other.to_) {}
    connected_socket& operator=(connected_socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(to_, other.to_);
        return *this;
    }
    ~connected_socket();
    explicit operator bool() const noexcept { return fd_ >= 0; }
    const address& to() const noexcept { return to_; }
    int take() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
    address to_;
};

/// Connects to the first of the addresses that accepts, as RFC 8305 says. `name` is what the error says was wanted; one address is
/// connected to without further ado.
task<connected_socket> connect_to_first(std::vector<address> addresses, std::string name, connect_options options);

}  // namespace leat::detail
