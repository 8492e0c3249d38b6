#include "engine/operation/file.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include <cerrno>

namespace leat::detail {

void file_operation::prepare(io_uring_sqe& sqe) noexcept {
    switch (call_) {
        case call::open:
            io_uring_prep_openat(&sqe, AT_FDCWD, path_.c_str(), flags_, mode_);
            sqe.flags |= IOSQE_ASYNC;  // its first try is non-blocking, and would open a FIFO that has no writer yet
            return;
        case call::read: return io_uring_prep_read(&sqe, fd_, data_, length_, static_cast<__u64>(offset_));
        case call::write: return io_uring_prep_write(&sqe, fd_, data_, length_, static_cast<__u64>(offset_));
        case call::sync: return io_uring_prep_fsync(&sqe, fd_, 0);
        case call::close: return io_uring_prep_close(&sqe, fd_);
    }
}

completion file_operation::attempt(scratch_buffer) noexcept {
    long done = -1;
    switch (call_) {
        case call::open: done = ::open(path_.c_str(), flags_, mode_); break;
        case call::read: done = offset_ < 0 ? ::read(fd_, data_, length_) : ::pread(fd_, data_, length_, offset_); break;
        case call::write: done = offset_ < 0 ? ::write(fd_, data_, length_) : ::pwrite(fd_, data_, length_, offset_); break;
        case call::sync: done = ::fsync(fd_); break;
        case call::close: done = ::close(fd_); break;
    }
    return {.result = done < 0 ? -errno : static_cast<int>(done)};
}

}  // namespace leat::detail
