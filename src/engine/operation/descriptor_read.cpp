#include "engine/operation/descriptor_read.hpp"

#include <liburing.h>
#include <unistd.h>

#include <cerrno>

namespace leat::detail {

void descriptor_read::prepare(io_uring_sqe& sqe) noexcept { io_uring_prep_read(&sqe, fd_, into_, static_cast<unsigned>(size_), -1); }

completion descriptor_read::attempt(scratch_buffer) noexcept {
    auto n = ::read(fd_, into_, size_);
    return {.result = n < 0 ? -errno : static_cast<int>(n)};
}

}  // namespace leat::detail
