#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <vector>

namespace leat::testing {

/// What free_port() keeps.
inline std::vector<int>& held_ports() {
    static std::vector<int> held;
    return held;
}
/// By main.cpp, when a test has ended.
inline void release_ports() {
    for (int each : held_ports()) ::close(each);
    std::vector<int>{}.swap(held_ports());
}

/// A port for a program that cannot be asked which one it got. It stays the test's until that ends, so that no other gets it meanwhile: its
/// socket is bound and does not listen, and with SO_REUSEADDR, which servers set, a program may bind it all the same. Until then it refuses connections.
inline std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    auto* as_general = reinterpret_cast<sockaddr*>(&here);
    if (::bind(fd, as_general, size) != 0 || ::getsockname(fd, as_general, &size) != 0) throw std::system_error(errno, std::generic_category(), "no free port");
    held_ports().push_back(fd);
    return ntohs(here.sin_port);
}

}  // namespace leat::testing
