#include "engine/operation/poll.hpp"

#include <liburing.h>
#include <poll.h>

#include <cerrno>

namespace leat::detail {

void poll_operation::prepare(io_uring_sqe& sqe) noexcept { io_uring_prep_poll_add(&sqe, fd_, how() == waits_for::readable ? POLLIN : POLLOUT); }

completion poll_operation::attempt(scratch_buffer) noexcept {
    pollfd asked{fd_, static_cast<short>(how() == waits_for::readable ? POLLIN : POLLOUT), 0};
    int n = ::poll(&asked, 1, 0);
    if (n < 0) return {.result = -errno};
    return {.result = n == 0 ? -EAGAIN : asked.revents};
}

}  // namespace leat::detail
