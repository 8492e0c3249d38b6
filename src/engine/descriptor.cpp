#include "engine/descriptor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/file_calls.hpp"

namespace leat::detail {
namespace {

using way = usable_descriptor::way;

/// A pty's master cannot be opened once more: that would make a new terminal.
bool is_master(const struct stat& found) noexcept { return S_ISCHR(found.st_mode) && found.st_rdev == makedev(5, 2); }

int open_again(int fd, bool writes) noexcept {
    char name[32];
    std::snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const int opened = ::open(name, (writes ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    return opened < 0 ? -errno : opened;
}

/// /dev/null and its like are always ready, and epoll refuses them.
bool can_be_polled(int fd) noexcept {
    const int probe = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event nothing{};
    const bool can = probe >= 0 && ::epoll_ctl(probe, EPOLL_CTL_ADD, fd, &nothing) == 0;
    if (probe >= 0) ::close(probe);
    return can;
}

}  // namespace

usable_descriptor usable_copy(int given, bool writes) noexcept {
    struct stat found;
    const int flags = ::fcntl(given, F_GETFL);
    if (flags < 0 || ::fstat(given, &found) != 0) return {.fd = -errno};
    const int access = flags & O_ACCMODE;
    if ((flags & O_PATH) || access == (writes ? O_RDONLY : O_WRONLY)) return {.fd = -EBADF};
    const bool master = is_master(found);
    if (S_ISFIFO(found.st_mode) || (S_ISCHR(found.st_mode) && ::isatty(given) && !master)) {
        const int opened = open_again(given, writes);
        if (opened >= 0) return {.fd = opened, .how = way::polled};
        if (opened == -EMFILE || opened == -ENFILE) return {.fd = opened};
        // Another user's terminal, a pipe that nobody reads any more, no /proc: as it is, then.
    }
    const int copy = ::fcntl(given, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return {.fd = -errno};
    usable_descriptor usable{.fd = copy, .is_shared = true, .is_pty_master = master};
    if (S_ISSOCK(found.st_mode)) {
        usable.how = way::polled;
        usable.is_socket = true;
    } else if (S_ISREG(found.st_mode)) {
        if (facts_of(copy).local) usable.how = way::direct;
    } else if ((flags & O_NONBLOCK) && can_be_polled(copy)) {
        usable.how = way::polled;
    }
    return usable;
}

bool is_inherited(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC);
}

pipe_pair make_pipe(bool non_blocking_read, bool non_blocking_write) noexcept {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {.read_end = -errno};
    if (non_blocking_read) ::fcntl(ends[0], F_SETFL, O_RDONLY | O_NONBLOCK);
    if (non_blocking_write) ::fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK);
    return {.read_end = ends[0], .write_end = ends[1]};
}

int flags_to_open_fifo(bool writes) noexcept { return (writes ? O_WRONLY : O_RDONLY | O_NONBLOCK) | O_CLOEXEC | O_NOCTTY; }

int keep_from_blocking(int fd) noexcept {
    struct stat found;
    if (::fstat(fd, &found) != 0) return -errno;
    if (!S_ISFIFO(found.st_mode)) return -EINVAL;
    const int flags = ::fcntl(fd, F_GETFL);
    return flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -errno : 0;
}

void ignore_broken_pipes() noexcept {
    struct sigaction current {};
    if (::sigaction(SIGPIPE, nullptr, &current) == 0 && !(current.sa_flags & SA_SIGINFO) && current.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace leat::detail
