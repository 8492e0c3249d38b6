#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>

#include "fault/points.hpp"

// Calls of the C library: each counts a point, and fails there as its manual page says that it may.

using leat::fault::point;
using leat::fault::short_transfer;

namespace {

/// What can be read and written short: not an eventfd, nor a descriptor that leat does not own.
bool carries_bytes(int fd) {
    if (fd <= 2) return false;
    const int kept = errno;
    struct stat found;
    const bool does = ::syscall(SYS_fstat, fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISSOCK(found.st_mode) || S_ISFIFO(found.st_mode));
    errno = kept;
    return does;
}

/// What tells that a connection is gone is true of it from then on.
int ends_connection(int fd, int error) {
    if (error == EPIPE || error == ECONNRESET || error == ETIMEDOUT) ::syscall(SYS_shutdown, fd, SHUT_RDWR);
    return error;
}

int failed(int error) {
    errno = error;
    return -1;
}

/// -1 as what the call returns: mmap says so with a pointer.
template <class T>
T failed_as(int error) {
    failed(error);
    if constexpr (std::is_pointer_v<T>)
        return MAP_FAILED;
    else
        return -1;
}

}  // namespace

// A call whose only way to fail is a list of errno values.
#define LEAT_FAULT_CALL(type, name, parameters, arguments, ...)              \
    extern "C" type __real_##name parameters;                                \
    extern "C" type __wrap_##name parameters {                               \
        static constexpr int ways[] = {__VA_ARGS__};                         \
        if (const int way = point(#name, ways); way != 0) return failed_as<type>(way); \
        return __real_##name arguments;                                      \
    }

// One that moves bytes: `size` is among its parameters, and may be cut to one.
#define LEAT_FAULT_TRANSFER(name, parameters, arguments, descriptor, ...)    \
    extern "C" ssize_t __real_##name parameters;                             \
    extern "C" ssize_t __wrap_##name parameters {                            \
        static constexpr int ways[] = {__VA_ARGS__};                         \
        if (!carries_bytes(descriptor)) return __real_##name arguments;      \
        const int way = point(#name, ways);                                  \
        if (way == short_transfer) size = size > 1 ? 1 : size;               \
        else if (way != 0) return failed(ends_connection(descriptor, way));  \
        return __real_##name arguments;                                      \
    }

LEAT_FAULT_CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES)
LEAT_FAULT_CALL(int, bind, (int fd, const sockaddr* at, socklen_t length), (fd, at, length), EADDRINUSE, EACCES)
LEAT_FAULT_CALL(int, listen, (int fd, int backlog), (fd, backlog), EADDRINUSE)
LEAT_FAULT_CALL(int, accept4, (int fd, sockaddr* from, socklen_t* length, int flags), (fd, from, length, flags), EMFILE, ENFILE, ENOMEM, ENOBUFS, EPERM, ECONNABORTED, EAGAIN)
LEAT_FAULT_CALL(int, connect, (int fd, const sockaddr* to, socklen_t length), (fd, to, length), ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL)
LEAT_FAULT_CALL(int, setsockopt, (int fd, int level, int name, const void* value, socklen_t length), (fd, level, name, value, length), ENOMEM)
LEAT_FAULT_CALL(int, getsockname, (int fd, sockaddr* into, socklen_t* length), (fd, into, length), ENOBUFS)
LEAT_FAULT_CALL(int, getpeername, (int fd, sockaddr* into, socklen_t* length), (fd, into, length), ENOTCONN)
LEAT_FAULT_TRANSFER(send, (int fd, const void* from, size_t size, int flags), (fd, from, size, flags), fd, EPIPE, ECONNRESET, ENOBUFS, ENOMEM, EAGAIN, EINTR, short_transfer)
LEAT_FAULT_TRANSFER(recv, (int fd, void* into, size_t size, int flags), (fd, into, size, flags), fd, ECONNRESET, ETIMEDOUT, ENOMEM, EAGAIN, EINTR, short_transfer)
LEAT_FAULT_TRANSFER(sendfile, (int to, int from, off_t* at, size_t size), (to, from, at, size), to, EPIPE, EIO, EINVAL, ENOMEM, EAGAIN, short_transfer)
LEAT_FAULT_TRANSFER(splice, (int from, loff_t* in, int to, loff_t* out, size_t size, unsigned flags), (from, in, to, out, size, flags), from, ENOMEM, EINVAL, EIO, EAGAIN, short_transfer)
LEAT_FAULT_TRANSFER(copy_file_range, (int from, loff_t* in, int to, loff_t* out, size_t size, unsigned flags), (from, in, to, out, size, flags), from, EIO, ENOSPC, EXDEV, EINVAL, ENOSYS, short_transfer)
LEAT_FAULT_TRANSFER(read, (int fd, void* into, size_t size), (fd, into, size), fd, EIO, EINTR, short_transfer)
LEAT_FAULT_TRANSFER(pread, (int fd, void* into, size_t size, off_t at), (fd, into, size, at), fd, EIO, EINTR, short_transfer)
LEAT_FAULT_TRANSFER(write, (int fd, const void* from, size_t size), (fd, from, size), fd, ENOSPC, EIO, EDQUOT, EINTR, short_transfer)
LEAT_FAULT_TRANSFER(pwrite, (int fd, const void* from, size_t size, off_t at), (fd, from, size, at), fd, ENOSPC, EIO, EDQUOT, EFBIG, EINTR, short_transfer)
LEAT_FAULT_CALL(int, pipe2, (int* ends, int flags), (ends, flags), EMFILE, ENFILE)
LEAT_FAULT_CALL(int, fsync, (int fd), (fd), EIO, ENOSPC)
LEAT_FAULT_CALL(int, ftruncate, (int fd, off_t size), (fd, size), EIO, EFBIG)
LEAT_FAULT_CALL(int, fstat, (int fd, struct stat* into), (fd, into), EIO, ENOMEM)
LEAT_FAULT_CALL(int, stat, (const char* name, struct stat* into), (name, into), EACCES, EIO, ENOENT)
LEAT_FAULT_CALL(int, fstatat, (int at, const char* name, struct stat* into, int flags), (at, name, into, flags), EACCES, EIO, ENOENT)
LEAT_FAULT_CALL(int, statx, (int at, const char* name, int flags, unsigned mask, struct statx* into), (at, name, flags, mask, into), EACCES, EIO, ENOENT, ENOMEM)
LEAT_FAULT_CALL(int, linkat, (int from, const char* name, int to, const char* second, int flags), (from, name, to, second, flags), EIO, ENOSPC, EDQUOT, EEXIST)
LEAT_FAULT_CALL(int, renameat, (int from, const char* name, int to, const char* second), (from, name, to, second), EIO, ENOSPC, EACCES)
LEAT_FAULT_CALL(int, unlinkat, (int at, const char* name, int flags), (at, name, flags), EIO, EACCES)
LEAT_FAULT_CALL(int, mkdir, (const char* name, mode_t mode), (name, mode), EACCES, ENOSPC)
LEAT_FAULT_CALL(int, fchmod, (int fd, mode_t mode), (fd, mode), EIO, EPERM)
LEAT_FAULT_CALL(int, epoll_create1, (int flags), (flags), EMFILE, ENOMEM)
LEAT_FAULT_CALL(int, eventfd, (unsigned count, int flags), (count, flags), EMFILE, ENOMEM)
LEAT_FAULT_CALL(int, epoll_wait, (int fd, epoll_event* events, int most, int timeout), (fd, events, most, timeout), EINTR)

LEAT_FAULT_CALL(int, chmod, (const char* name, mode_t mode), (name, mode), EPERM, EIO)
LEAT_FAULT_CALL(int, socketpair, (int domain, int type, int protocol, int* ends), (domain, type, protocol, ends), EMFILE, ENFILE)
LEAT_FAULT_CALL(int, poll, (pollfd* asked, nfds_t count, int timeout), (asked, count, timeout), EINTR, ENOMEM)
LEAT_FAULT_CALL(int, recvmmsg, (int fd, mmsghdr* into, unsigned count, int flags, timespec* limit), (fd, into, count, flags, limit), ECONNREFUSED, ENOMEM, EAGAIN, EINTR)
LEAT_FAULT_CALL(void*, mmap, (void* at, size_t size, int access, int flags, int fd, off_t offset), (at, size, access, flags, fd, offset), ENOMEM)

// What makes a child. What happens in the child itself, until its program runs, happens in this program's memory, and is counted with the rest.
LEAT_FAULT_CALL(int, waitid, (idtype_t kind, id_t id, siginfo_t* into, int how), (kind, id, into, how), EINTR)
LEAT_FAULT_CALL(pid_t, waitpid, (pid_t id, int* into, int how), (id, into, how), EINTR)
LEAT_FAULT_CALL(int, dup2, (int fd, int as), (fd, as), EMFILE, EBUSY)
LEAT_FAULT_CALL(int, setpgid, (pid_t id, pid_t group), (id, group), EPERM)
LEAT_FAULT_CALL(int, execve, (const char* name, char* const* arguments, char* const* environment), (name, arguments, environment), EACCES, ENOENT, ENOMEM, E2BIG, ETXTBSY)

extern "C" int __real_clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
extern "C" int __wrap_clone(int (*run)(void*), void* stack, int flags, void* argument, ...) {
    va_list more;
    va_start(more, argument);
    auto* descriptor = va_arg(more, pid_t*);
    va_end(more);
    static constexpr int ways[] = {EAGAIN, ENOMEM, EMFILE};
    const int way = point("clone", ways);
    return way > 0 ? failed(way) : __real_clone(run, stack, flags, argument, descriptor);
}

extern "C" int __real_fcntl(int fd, int what, ...);
extern "C" int __wrap_fcntl(int fd, int what, ...) {
    va_list more;
    va_start(more, what);
    const long argument = va_arg(more, long);
    va_end(more);
    static constexpr int ways[] = {EMFILE};
    const int way = what == F_DUPFD_CLOEXEC ? point("fcntl F_DUPFD_CLOEXEC", ways) : 0;
    return way > 0 ? failed(way) : __real_fcntl(fd, what, argument);
}

extern "C" int __real_sendmmsg(int fd, mmsghdr* from, unsigned count, int flags);
extern "C" int __wrap_sendmmsg(int fd, mmsghdr* from, unsigned count, int flags) {
    static constexpr int ways[] = {ECONNREFUSED, ENOBUFS, EPERM, EAGAIN, EINTR, short_transfer};
    const int way = point("sendmmsg", ways);
    if (way == short_transfer) count = 1;
    return way > 0 ? failed(way) : __real_sendmmsg(fd, from, count, flags);
}

// Whose connection is gone.
extern "C" int __real_shutdown(int fd, int how);
extern "C" int __wrap_shutdown(int fd, int how) {
    static constexpr int ways[] = {ENOTCONN};
    const int way = point("shutdown", ways);
    const int result = __real_shutdown(fd, way != 0 ? SHUT_RDWR : how);
    return way != 0 ? failed(way) : result;
}

// Only an addition needs memory.
extern "C" int __real_epoll_ctl(int fd, int what, int of, epoll_event* event);
extern "C" int __wrap_epoll_ctl(int fd, int what, int of, epoll_event* event) {
    static constexpr int ways[] = {ENOMEM, ENOSPC};
    if (what == EPOLL_CTL_ADD)
        if (const int way = point("epoll_ctl", ways); way != 0) return failed(way);
    return __real_epoll_ctl(fd, what, of, event);
}

// The error a connection has ended with.
extern "C" int __real_getsockopt(int fd, int level, int name, void* value, socklen_t* length);
extern "C" int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
    static constexpr int ways[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH};
    if (level == SOL_SOCKET && name == SO_ERROR)
        if (const int way = point("getsockopt SO_ERROR", ways); way != 0) {
            *static_cast<int*>(value) = way;
            return 0;
        }
    return __real_getsockopt(fd, level, name, value, length);
}

extern "C" ssize_t __real_preadv2(int fd, const iovec* pieces, int count, off_t at, int flags);
extern "C" ssize_t __wrap_preadv2(int fd, const iovec* pieces, int count, off_t at, int flags) {
    static constexpr int ways[] = {EIO, EAGAIN, EOPNOTSUPP, EINTR, short_transfer};
    const int way = point("preadv2", ways);
    if (way == short_transfer && count == 1) {
        const iovec one{pieces->iov_base, pieces->iov_len > 1 ? 1 : pieces->iov_len};
        return __real_preadv2(fd, &one, 1, at, flags);
    }
    return way > 0 ? failed(way) : __real_preadv2(fd, pieces, count, at, flags);
}

// It is closed whatever it says.
extern "C" int __real_close(int fd);
extern "C" int __wrap_close(int fd) {
    static constexpr int ways[] = {EIO, ENOSPC, EINTR};
    const int way = point("close", ways);
    const int result = __real_close(fd);
    return way > 0 ? failed(way) : result;
}

extern "C" int __real_open(const char* name, int flags, ...);
extern "C" int __wrap_open(const char* name, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = static_cast<mode_t>(va_arg(more, unsigned));
    va_end(more);
    static constexpr int reading[] = {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, EINTR};
    static constexpr int creating[] = {EACCES, EMFILE, ENOSPC, EDQUOT, EROFS, EOPNOTSUPP};
    const int way = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? point("open to create", creating) : point("open", reading);
    return way > 0 ? failed(way) : __real_open(name, flags, mode);
}

extern "C" int __real_openat(int at, const char* name, int flags, ...);
extern "C" int __wrap_openat(int at, const char* name, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = static_cast<mode_t>(va_arg(more, unsigned));
    va_end(more);
    static constexpr int ways[] = {EACCES, EMFILE, ENOSPC, ENOENT, EOPNOTSUPP, EEXIST};
    const int way = point("openat", ways);
    return way > 0 ? failed(way) : __real_openat(at, name, flags, mode);
}

extern "C" DIR* __real_fdopendir(int fd);
extern "C" DIR* __wrap_fdopendir(int fd) {
    static constexpr int ways[] = {ENOMEM};
    if (const int way = point("fdopendir", ways); way != 0) return errno = way, nullptr;
    return __real_fdopendir(fd);
}

extern "C" dirent* __real_readdir(DIR* stream);
extern "C" dirent* __wrap_readdir(DIR* stream) {
    static constexpr int ways[] = {EIO};
    if (const int way = point("readdir", ways); way != 0) return errno = way, nullptr;
    return __real_readdir(stream);
}

extern "C" long __real_syscall(long number, ...);
extern "C" long __wrap_syscall(long number, ...) {
    va_list more;
    va_start(more, number);
    long arguments[6];
    for (long& each : arguments) each = va_arg(more, long);
    va_end(more);
    static constexpr int opening[] = {EACCES, EMFILE, ENOSYS, EPERM, EAGAIN};
    static constexpr int waiting[] = {EINTR, ENOSYS};
    static constexpr int closing[] = {ENOSYS};
    int way = 0;
    if (number == SYS_openat2) way = point("openat2", opening);
    if (number == SYS_close_range) way = point("close_range", closing);
    if (number == SYS_epoll_pwait2) way = point("epoll_pwait2", waiting);
    if (way > 0) return failed(way);
    return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}
