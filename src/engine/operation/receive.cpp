#include "engine/operation/receive.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include <cerrno>

#include "engine/uring/buffer_ring.hpp"

namespace leat::detail {

void receive_operation::prepare(io_uring_sqe& sqe) noexcept {
    if (into_) {
        io_uring_prep_recv(&sqe, fd_, into_, into_size_, 0);
        return;
    }
    io_uring_prep_recv_multishot(&sqe, fd_, nullptr, 0, 0);
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = buffer_ring::group;
}

completion receive_operation::attempt(scratch_buffer scratch) noexcept {
    char* into = into_ ? into_ : scratch.data;
    const std::size_t size = into_ ? into_size_ : scratch.size;
    ssize_t n;
    do n = ::recv(fd_, into, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0) return {.result = errno == EWOULDBLOCK ? -EAGAIN : -errno};
    return {.result = static_cast<int>(n), .data = into_ ? nullptr : into};
}

}  // namespace leat::detail
