#include "engine/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace leat::detail {
namespace {

address from_sockaddr(const sockaddr_storage& storage) noexcept {
    std::array<std::uint8_t, 16> bytes{};
    if (storage.ss_family == AF_INET) {
        sockaddr_in in;
        std::memcpy(&in, &storage, sizeof in);
        std::memcpy(bytes.data(), &in.sin_addr, 4);
        return {address::family::ipv4, bytes, ntohs(in.sin_port)};
    }
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 in;
        std::memcpy(&in, &storage, sizeof in);
        std::memcpy(bytes.data(), &in.sin6_addr, 16);
        return {address::family::ipv6, bytes, ntohs(in.sin6_port), in.sin6_scope_id};
    }
    return {};
}

template <class Call>
address asked(Call call, int fd) noexcept {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (call(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
    return from_sockaddr(storage);
}

void set_option(int fd, int level, int option) noexcept {
    int on = 1;
    ::setsockopt(fd, level, option, &on, sizeof on);
}

}  // namespace

std::size_t to_sockaddr(const address& from, unsigned char* storage) noexcept {
    if (from.is_ipv6()) {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(from.port());
        in.sin6_scope_id = from.scope();
        std::memcpy(&in.sin6_addr, from.raw().data(), 16);
        std::memcpy(storage, &in, sizeof in);
        return sizeof in;
    }
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(from.port());
    std::memcpy(&in.sin_addr, from.raw().data(), 4);
    std::memcpy(storage, &in, sizeof in);
    return sizeof in;
}

int open_stream_socket(const address& family_of) noexcept {
    int fd = ::socket(family_of.is_ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

int listen_on(const address& at, int backlog, bool reuse_port) {
    int fd = open_stream_socket(at);
    if (fd < 0) throw error(-fd, "listen", at.to_string());
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    if (at.is_ipv6()) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);  // the IPv4 side of a name gets a socket of its own
    unsigned char storage[32];
    auto length = static_cast<socklen_t>(to_sockaddr(at, storage));
    if (::bind(fd, reinterpret_cast<sockaddr*>(storage), length) != 0 || ::listen(fd, backlog) != 0) {
        int failed = errno;
        ::close(fd);
        throw error(failed, "listen", at.to_string());
    }
    return fd;
}

address peer_of(int fd) noexcept { return asked(&::getpeername, fd); }
address local_of(int fd) noexcept { return asked(&::getsockname, fd); }
void shut_down_sending(int fd) noexcept { ::shutdown(fd, SHUT_WR); }
void shut_down_receiving(int fd) noexcept { ::shutdown(fd, SHUT_RD); }

int socket_error(int fd) noexcept {
    int pending = 0;
    socklen_t length = sizeof pending;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length) != 0 ? errno : pending;
}

void set_no_delay(int fd) noexcept { set_option(fd, IPPROTO_TCP, TCP_NODELAY); }

bool is_quiet(int fd) noexcept {
    char byte;
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace leat::detail
