#include "engine/operation/send.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include <cerrno>

namespace leat::detail {

void send_operation::prepare(io_uring_sqe& sqe) noexcept {
    // WAITALL: the kernel itself goes on after a short send.
    io_uring_prep_send(&sqe, fd_, from_, from_size_, MSG_NOSIGNAL | MSG_WAITALL);
}

completion send_operation::attempt(scratch_buffer) noexcept {
    ssize_t n;
    do n = ::send(fd_, from_, from_size_, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0) return {.result = errno == EWOULDBLOCK ? -EAGAIN : -errno};
    return {.result = static_cast<int>(n)};
}

}  // namespace leat::detail
