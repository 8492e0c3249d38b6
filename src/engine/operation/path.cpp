#include "engine/operation/path.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

namespace leat::detail {

void path_operation::prepare(io_uring_sqe& sqe) noexcept {
    const char* name = path_.c_str();
    const char* second = second_.c_str();
    switch (call_) {
        case call::status: return io_uring_prep_statx(&sqe, AT_FDCWD, name, 0, STATX_BASIC_STATS, &found_);
        case call::link_status: return io_uring_prep_statx(&sqe, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &found_);
        case call::rename: return io_uring_prep_renameat(&sqe, AT_FDCWD, name, AT_FDCWD, second, 0);
        case call::remove_file: return io_uring_prep_unlinkat(&sqe, AT_FDCWD, name, 0);
        case call::remove_directory: return io_uring_prep_unlinkat(&sqe, AT_FDCWD, name, AT_REMOVEDIR);
        case call::make_directory: return io_uring_prep_mkdirat(&sqe, AT_FDCWD, name, mode_);
        case call::link: return io_uring_prep_linkat(&sqe, AT_FDCWD, name, AT_FDCWD, second, 0);
        case call::symbolic_link: return io_uring_prep_symlinkat(&sqe, name, AT_FDCWD, second);
    }
}

completion path_operation::attempt(scratch_buffer) noexcept {
    const char* name = path_.c_str();
    const char* second = second_.c_str();
    int done = -1;
    switch (call_) {
        case call::status: done = ::statx(AT_FDCWD, name, 0, STATX_BASIC_STATS, &found_); break;
        case call::link_status: done = ::statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &found_); break;
        case call::rename: done = ::renameat(AT_FDCWD, name, AT_FDCWD, second); break;
        case call::remove_file: done = ::unlinkat(AT_FDCWD, name, 0); break;
        case call::remove_directory: done = ::unlinkat(AT_FDCWD, name, AT_REMOVEDIR); break;
        case call::make_directory: done = ::mkdirat(AT_FDCWD, name, mode_); break;
        case call::link: done = ::linkat(AT_FDCWD, name, AT_FDCWD, second, 0); break;
        case call::symbolic_link: done = ::symlinkat(name, AT_FDCWD, second); break;
    }
    return {.result = done < 0 ? -errno : done};
}

}  // namespace leat::detail
