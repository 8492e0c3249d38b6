#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "leat/task/task.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::testing {

/// A plain blocking socket: the other side of a connection, which does exactly what it is told.
class raw_socket {
public:
    raw_socket() = default;
    explicit raw_socket(int fd) : fd_(fd) {
        if (fd < 0) throw std::runtime_error(std::string{"raw socket: "} + std::strerror(errno));
    }
    raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    raw_socket& operator=(raw_socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~raw_socket() { close(); }

    static raw_socket connect_to(std::uint16_t port, bool ipv6 = false) {
        raw_socket made(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in6 six{};
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        six.sin6_addr = in6addr_loopback;
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* to = ipv6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
        if (::connect(made.fd_, to, ipv6 ? sizeof six : sizeof four) != 0) throw std::runtime_error(std::string{"connect: "} + std::strerror(errno));
        return made;
    }

    int fd() const noexcept { return fd_; }
    /// Sends everything; the socket's buffers must have room for it, unless somebody reads.
    void send(std::string_view data) const {
        while (!data.empty()) {
            const auto n = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
            if (n < 0) throw std::runtime_error(std::string{"send: "} + std::strerror(errno));
            data.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    /// What is there, or comes; empty at the end of the stream; "<reset>" after a reset.
    std::string receive(std::size_t most = 1 << 16) const {
        std::string data(most, '\0');
        const auto n = ::recv(fd_, data.data(), most, 0);
        if (n < 0) return std::string{"<"} + (errno == ECONNRESET ? "reset" : std::strerror(errno)) + ">";
        data.resize(static_cast<std::size_t>(n));
        return data;
    }
    /// Everything to the end of the stream.
    std::string receive_all() const {
        std::string all;
        for (std::string piece = receive(); !piece.empty(); piece = receive()) {
            all += piece;
            if (piece.starts_with('<')) break;
        }
        return all;
    }
    void shut_down_sending() const { ::shutdown(fd_, SHUT_WR); }
    /// Closes with a reset rather than an end.
    void reset() {
        linger now{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    /// Small buffers, so that little fills them.
    void narrow() const {
        int size = 4096;
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    std::uint16_t port() const {
        sockaddr_in6 own{};
        socklen_t length = sizeof own;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &length);
        return ntohs(own.sin6_port);
    }

protected:
    int fd_ = -1;
};

/// A plain listening socket on 127.0.0.1 or ::1.
class raw_listener : public raw_socket {
public:
    explicit raw_listener(bool ipv6 = false, int backlog = 16) : raw_socket(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in6 six{};
        six.sin6_family = AF_INET6;
        six.sin6_addr = in6addr_loopback;
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* at = ipv6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
        if (::bind(fd_, at, ipv6 ? sizeof six : sizeof four) != 0 || ::listen(fd_, backlog) != 0)
            throw std::runtime_error(std::string{"listen: "} + std::strerror(errno));
    }
    raw_socket accept() const { return raw_socket(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)); }
};

/// Blocking calls of the other side, off the loop.
inline std::string receive_all_from(int fd) {
    std::string all;
    char piece[65536];
    for (;;) {
        const auto n = ::recv(fd, piece, sizeof piece, 0);
        if (n < 0) return all + "<" + (errno == ECONNRESET ? "reset" : std::strerror(errno)) + ">";
        if (n == 0) return all;
        all.append(piece, static_cast<std::size_t>(n));
    }
}
inline std::string receive_exactly_from(int fd, std::size_t count) {
    std::string all(count, '\0');
    std::size_t done = 0;
    while (done < count) {
        const auto n = ::recv(fd, all.data() + done, count - done, 0);
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    all.resize(done);
    return all;
}

}  // namespace leat::testing
