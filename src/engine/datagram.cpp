#include "engine/datagram.hpp"

#include <liburing.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/socket.hpp"

namespace leat::detail {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// A socket for both families shows IPv4 addresses in IPv6 dress, and wants them so.
address undressed(const address& from) noexcept {
    if (!from.is_ipv6() || !std::equal(mapped_prefix.begin(), mapped_prefix.end(), from.raw().begin())) return from;
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(from.raw().begin() + 12, 4, bytes.begin());
    return {address::family::ipv4, bytes, from.port()};
}
address dressed(const address& to) noexcept {
    if (to.kind() != address::family::ipv4) return to;
    std::array<std::uint8_t, 16> bytes{};
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
    std::copy_n(to.raw().begin(), 4, bytes.begin() + 12);
    return {address::family::ipv6, bytes, to.port()};
}

int set(int fd, int level, int option, int value) noexcept { return ::setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : errno; }

}  // namespace

struct datagram_slots::headers {
    mmsghdr messages[most];
    iovec pieces[most];
    sockaddr_storage names[most];
};

datagram_slots::datagram_slots(std::size_t size)
    : size_(size), memory_(new char[size * most]), headers_(new headers), datagrams_(new datagram[most]) {}
datagram_slots::~datagram_slots() = default;

int datagram_slots::receive(int fd, std::size_t count) noexcept {
    count = std::min(count, most);
    for (std::size_t i = 0; i < count; ++i) {
        headers_->pieces[i] = {memory_.get() + i * size_, size_};
        headers_->messages[i] = {};
        msghdr& message = headers_->messages[i].msg_hdr;
        message.msg_name = &headers_->names[i];
        message.msg_namelen = sizeof(sockaddr_storage);
        message.msg_iov = &headers_->pieces[i];
        message.msg_iovlen = 1;
    }
    int n;
    do n = ::recvmmsg(fd, headers_->messages, static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    for (int i = 0; i < n; ++i) {
        const mmsghdr& got = headers_->messages[i];
        datagrams_[static_cast<std::size_t>(i)] = {{memory_.get() + static_cast<std::size_t>(i) * size_, got.msg_len},
                                                   undressed(from_sockaddr(&headers_->names[i], got.msg_hdr.msg_namelen)),
                                                   (got.msg_hdr.msg_flags & MSG_TRUNC) != 0};
    }
    return n;
}

int send_datagrams(int fd, std::span<const outgoing_datagram> list, bool ipv6) noexcept {
    constexpr std::size_t at_once = datagram_slots::most;
    mmsghdr messages[at_once];
    iovec pieces[at_once];
    alignas(8) unsigned char names[at_once][(sockaddr_room + 7) / 8 * 8];
    const std::size_t count = std::min(list.size(), at_once);
    for (std::size_t i = 0; i < count; ++i) {
        const outgoing_datagram& one = list[i];
        pieces[i] = {const_cast<char*>(one.data.data()), one.data.size()};
        messages[i] = {};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        if (one.to.empty()) continue;
        messages[i].msg_hdr.msg_name = names[i];
        messages[i].msg_hdr.msg_namelen = static_cast<socklen_t>(to_sockaddr(ipv6 ? dressed(one.to) : one.to, names[i]));
    }
    int n;
    do n = ::sendmmsg(fd, messages, static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0) return n;
    // Whether another's queue has room is nothing that a socket which is not connected to it could wait for.
    if (errno == EWOULDBLOCK) return list.front().to.is_unix() ? -ENOBUFS : -EAGAIN;
    return -errno;
}

void datagram_readiness::prepare(io_uring_sqe& sqe) noexcept { io_uring_prep_poll_add(&sqe, fd_, how() == waits_for::readable ? POLLIN : POLLOUT); }

completion datagram_readiness::attempt(scratch_buffer) noexcept { return {.result = look()}; }

int set_datagram_options(int fd, const udp_options& options, bool ipv6) noexcept {
    set_buffers(fd, options.receive_buffer.count, options.send_buffer.count);
    int failed = 0;
    if (options.reuse_port) failed = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (failed == 0 && options.reuse_address) failed = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (failed == 0 && options.broadcast) failed = set(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (failed == 0 && ipv6) failed = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    return failed;
}

int change_membership(int fd, const address& group, const std::string& interface_name, bool join) noexcept {
    group_req request{};
    if (!interface_name.empty()) {
        request.gr_interface = ::if_nametoindex(interface_name.c_str());
        if (request.gr_interface == 0) return errno;
    }
    unsigned char storage[sockaddr_room];
    std::memcpy(&request.gr_group, storage, to_sockaddr(group, storage));
    const int level = group.is_ipv6() ? IPPROTO_IPV6 : IPPROTO_IP;
    return ::setsockopt(fd, level, join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &request, sizeof request) == 0 ? 0 : errno;
}

int set_multicast_options(int fd, bool ipv6, int hops, bool loop_back) noexcept {
    // A socket for both families has both sets.
    int failed = 0;
    if (ipv6) {
        failed = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
        if (failed == 0) failed = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loop_back ? 1 : 0);
    }
    const int other = std::max(set(fd, IPPROTO_IP, IP_MULTICAST_TTL, hops), set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, loop_back ? 1 : 0));
    return ipv6 ? failed : other;
}

}  // namespace leat::detail
