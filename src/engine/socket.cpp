#include "engine/socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace leat::detail {

address from_sockaddr(const void* from, std::size_t length) noexcept {
    sockaddr_storage storage{};
    std::memcpy(&storage, from, std::min(length, sizeof storage));
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
    if (storage.ss_family == AF_UNIX) {
        const auto* name = reinterpret_cast<const char*>(&storage) + offsetof(sockaddr_un, sun_path);
        std::size_t size = length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
        // A path ends with a NUL that belongs to its length or not; an abstract name begins with one and may hold others.
        if (size != 0 && name[0] != '\0') size = ::strnlen(name, size);
        return address::unix_named({name, size});
    }
    return {};
}

namespace {

template <class Call>
address asked(Call call, int fd) noexcept {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (call(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
    return from_sockaddr(&storage, length);
}

int set_option(int fd, int level, int option, int value = 1) noexcept {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : errno;
}

int whole_seconds(duration length) noexcept {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(length).count();
    return static_cast<int>(std::clamp<long long>(seconds, 1, 32767));  // the kernel's own bound
}

}  // namespace

std::size_t to_sockaddr(const address& from, unsigned char* storage) noexcept {
    if (from.is_unix()) {
        sockaddr_un un{};
        un.sun_family = AF_UNIX;
        const std::string_view name = from.unix_name();
        std::memcpy(un.sun_path, name.data(), name.size());
        std::memcpy(storage, &un, sizeof un);
        // An abstract name is as long as it is; a path ends with a NUL where there is room for it.
        const std::size_t end = !name.empty() && name.front() != '\0' && name.size() < sizeof un.sun_path ? 1 : 0;
        return offsetof(sockaddr_un, sun_path) + name.size() + end;
    }
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

namespace {

int domain_of(const address& at) noexcept { return at.is_unix() ? AF_UNIX : at.is_ipv6() ? AF_INET6 : AF_INET; }

}  // namespace

int open_stream_socket(const address& family_of) noexcept {
    int fd = ::socket(domain_of(family_of), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

int open_datagram_socket(const address& family_of) noexcept {
    int fd = ::socket(domain_of(family_of), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

int bind_to(int fd, const address& at) noexcept {
    unsigned char storage[sockaddr_room];
    const auto length = static_cast<socklen_t>(to_sockaddr(at, storage));
    return ::bind(fd, reinterpret_cast<sockaddr*>(storage), length) == 0 ? 0 : errno;
}

int connect_now(int fd, const address& to) noexcept {
    unsigned char storage[sockaddr_room];
    const auto length = static_cast<socklen_t>(to_sockaddr(to, storage));
    return ::connect(fd, reinterpret_cast<sockaddr*>(storage), length) == 0 ? 0 : errno;
}

int listen_on(const address& at, int backlog, bool reuse_port) {
    int fd = open_stream_socket(at);
    if (fd < 0) throw error(-fd, "listen", at.to_string());
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT);
    if (at.is_ipv6()) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);  // the IPv4 side of a name gets a socket of its own
    int failed = bind_to(fd, at);
    if (failed == 0 && ::listen(fd, backlog) != 0) failed = errno;
    if (failed != 0) {
        ::close(fd);
        throw error(failed, "listen", at.to_string());
    }
    return fd;
}

void listen_on_given(int fd, int backlog) {
    const std::string subject = "on descriptor " + std::to_string(fd);
    int kind = 0;
    socklen_t length = sizeof kind;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &length) != 0) throw error(errno, "listen", subject);
    if (kind != SOCK_STREAM) throw error(ESOCKTNOSUPPORT, "listen", subject);
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::listen(fd, backlog) != 0)
        throw error(errno, "listen", subject);
}

address peer_of(int fd) noexcept { return asked(&::getpeername, fd); }
address local_of(int fd) noexcept { return asked(&::getsockname, fd); }
void send_at_once(int fd, const void* from, std::size_t size) noexcept { [[maybe_unused]] const auto sent = ::send(fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL); }
void shut_down_sending(int fd) noexcept { ::shutdown(fd, SHUT_WR); }
void shut_down_receiving(int fd) noexcept { ::shutdown(fd, SHUT_RD); }

int socket_error(int fd) noexcept {
    int pending = 0;
    socklen_t length = sizeof pending;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length) != 0 ? errno : pending;
}

void set_no_delay(int fd) noexcept { set_option(fd, IPPROTO_TCP, TCP_NODELAY); }

void set_keep_alive(int fd, const keep_alive& probes) noexcept {
    if (probes.idle <= duration::zero()) return;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(probes.idle));
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(probes.interval));
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, std::clamp(probes.count, 1, 127));
}

void set_buffers(int fd, std::size_t receive, std::size_t send) noexcept {
    constexpr std::size_t most = 1 << 30;
    if (receive != 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(std::min(receive, most)));
    if (send != 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(std::min(send, most)));
}

void bind_without_port(int fd) noexcept { set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT); }

bool is_quiet(int fd) noexcept {
    char byte;
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace leat::detail
