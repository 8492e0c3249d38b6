#include "engine/operation/accept.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace leat::detail {

void accept_operation::prepare(io_uring_sqe& sqe) noexcept {
    io_uring_prep_multishot_accept(&sqe, fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

completion accept_operation::attempt(scratch_buffer) noexcept {
    int fd;
    socklen_t length;
    // A connection that was reset while it waited in the queue is no error of the listener.
    do {
        length = sizeof storage_;
        fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(storage_), &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    length_ = fd < 0 ? 0 : std::min<unsigned>(length, sizeof storage_);
    if (fd < 0) return {.result = errno == EWOULDBLOCK ? -EAGAIN : -errno};
    return {.result = fd};
}

}  // namespace leat::detail
