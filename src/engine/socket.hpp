#pragma once
#include <cstddef>

#include "leat/io/error.hpp"
#include "leat/net/address.hpp"

namespace leat::detail {

/// Fills `storage` (32 bytes) and returns the length used.
std::size_t to_sockaddr(const address& from, unsigned char* storage) noexcept;

/// A non-blocking stream socket for this address's family, or -errno.
int open_stream_socket(const address& family_of) noexcept;
/// A socket that listens there. Throws leat::error.
int listen_on(const address& at, int backlog, bool reuse_port);
/// Both leave the address empty where there is none any more.
address peer_of(int fd) noexcept;
address local_of(int fd) noexcept;
/// No more sending; the peer sees the end of the stream.
void shut_down_sending(int fd) noexcept;
/// What has arrived can still be read; then, and for a receive in flight, comes the end.
void shut_down_receiving(int fd) noexcept;
/// The pending error of a socket, as an errno value.
int socket_error(int fd) noexcept;
/// Small packets at once (TCP_NODELAY): leat gathers writes itself.
void set_no_delay(int fd) noexcept;
/// Is there nothing to read and no end to see? For connections that wait in a pool.
bool is_quiet(int fd) noexcept;

}  // namespace leat::detail
