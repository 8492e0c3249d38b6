#include "engine/operation/connect.hpp"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "engine/socket.hpp"

namespace leat::detail {

connect_operation::connect_operation(int fd, const address& to) noexcept : operation(waits_for::writable) {
    fd_ = fd;
    length_ = static_cast<unsigned>(to_sockaddr(to, storage_));
}

void connect_operation::prepare(io_uring_sqe& sqe) noexcept {
    io_uring_prep_connect(&sqe, fd_, reinterpret_cast<sockaddr*>(storage_), length_);
}

completion connect_operation::attempt(scratch_buffer) noexcept {
    if (!begun_) {
        begun_ = true;
        if (::connect(fd_, reinterpret_cast<sockaddr*>(storage_), length_) == 0) return {.result = 0};
        return {.result = errno == EINPROGRESS ? -EAGAIN : -errno};
    }
    pollfd writable{fd_, POLLOUT, 0};
    if (::poll(&writable, 1, 0) == 0) return {.result = -EAGAIN};
    return {.result = -socket_error(fd_)};
}

}  // namespace leat::detail
