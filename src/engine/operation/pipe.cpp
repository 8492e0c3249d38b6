#include "engine/operation/pipe.hpp"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace leat::detail {

void pipe_operation::prepare(io_uring_sqe& sqe) noexcept {
    // A read through the ring would end with EAGAIN on a non-blocking descriptor, and occupy a thread of the kernel on others before Linux 6.5.
    asks_only_ = polled() || poll_first_;
    if (asks_only_) return io_uring_prep_poll_add(&sqe, fd_, way_ == direction::in ? POLLIN : POLLOUT);
    constexpr auto where_it_stands = static_cast<__u64>(-1);
    if (way_ == direction::in)
        io_uring_prep_read(&sqe, fd_, target_, static_cast<unsigned>(target_size_), where_it_stands);
    else
        io_uring_prep_write(&sqe, fd_, target_, static_cast<unsigned>(target_size_), where_it_stands);
}

completion pipe_operation::attempt(scratch_buffer) noexcept {
    if (polled()) return {.result = transfer()};
    for (;;) {  // in a thread of the pool, which may block
        const int n = once();
        if (n != -EAGAIN) return {.result = n};
        pollfd asked{fd_, static_cast<short>(way_ == direction::in ? POLLIN : POLLOUT), 0};
        if (::poll(&asked, 1, -1) < 0) return {.result = -errno};
    }
}

int pipe_operation::transfer() noexcept {
    if (int failed = find_target(); failed < 0) return failed;
    int n;
    do n = once();
    while (n == -EINTR);
    return n;
}

int pipe_operation::once() noexcept {
    ssize_t n;
    if (way_ == direction::in)
        n = is_socket_ ? ::recv(fd_, target_, target_size_, MSG_DONTWAIT) : ::read(fd_, target_, target_size_);
    else
        n = is_socket_ ? ::send(fd_, target_, target_size_, MSG_DONTWAIT | MSG_NOSIGNAL) : ::write(fd_, target_, target_size_);
    if (n < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    return static_cast<int>(n);
}

int pipe_operation::outcome(completion done) noexcept {
    const bool asked_only = asks_only_;
    asks_only_ = false;
    if (done.result < 0) {
        if (done.result == -EAGAIN && !polled()) poll_first_ = true;
        return done.result;
    }
    if (!asked_only) return done.result;
    if (polled()) return transfer();
    poll_first_ = false;
    return -EAGAIN;
}

}  // namespace leat::detail
