#pragma once
#include <cstddef>

#include "leat/io/error.hpp"
#include "leat/net/address.hpp"
#include "leat/net/keep_alive.hpp"

namespace leat::detail {

/// Room for the sockaddr.
inline constexpr std::size_t sockaddr_room = 112;
inline constexpr std::size_t ip_sockaddr_room = 32;  // of one that is no unix socket's


/// Fills `storage` (`sockaddr_room` bytes) and returns the length used.
std::size_t to_sockaddr(const address& from, unsigned char* storage) noexcept;
/// From a sockaddr of that length; an empty address for a family that leat does not know.
address from_sockaddr(const void* from, std::size_t length) noexcept;

/// A non-blocking stream or datagram socket for this address's family, or -errno.
int open_stream_socket(const address& family_of) noexcept;
int open_datagram_socket(const address& family_of) noexcept;
/// 0, or an errno value. Connecting so is for what does not wait: a datagram or a unix socket.
int bind_to(int fd, const address& at) noexcept;
int connect_now(int fd, const address& to) noexcept;
/// A socket that listens there. Throws leat::error.
int listen_on(const address& at, int backlog, bool reuse_port);
/// Makes a bound stream socket, which somebody else opened, one that leat can listen on. Throws leat::error.
void listen_on_given(int fd, int backlog);
/// Both leave the address empty where there is none any more.
address peer_of(int fd) noexcept;
address local_of(int fd) noexcept;
/// Sends what the kernel takes at once: last words, of which nobody hears whether they were sent.
void send_at_once(int fd, const void* from, std::size_t size) noexcept;
/// No more sending; the peer sees the end of the stream.
void shut_down_sending(int fd) noexcept;
/// What has arrived can still be read; then, and for a receive in flight, comes the end.
void shut_down_receiving(int fd) noexcept;
/// The pending error of a socket, as an errno value.
int socket_error(int fd) noexcept;
/// Small packets at once (TCP_NODELAY): leat gathers writes itself.
void set_no_delay(int fd) noexcept;
void set_keep_alive(int fd, const keep_alive& probes) noexcept;
/// SO_RCVBUF and SO_SNDBUF; 0 leaves the kernel's choice.
void set_buffers(int fd, std::size_t receive, std::size_t send) noexcept;
/// A later bind to an address without a port leaves the choice of one to connect, which knows the other end.
void bind_without_port(int fd) noexcept;
/// Is there nothing to read and no end to see? For connections that wait in a pool.
bool is_quiet(int fd) noexcept;

}  // namespace leat::detail
