#include "engine/part_calls.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

namespace leat::detail {
namespace {

int outcome(int result) noexcept { return result < 0 ? -errno : result; }

file_stamp stamp_from(const struct stat& found) noexcept {
    return {0, S_ISREG(found.st_mode), found.st_ino, static_cast<std::uint64_t>(found.st_size),
            static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec};
}

}  // namespace

file_stamp stamp_at(int directory, const char* name) noexcept {
    struct stat found;
    if (::fstatat(directory, name, &found, 0) != 0) return {.error = errno};
    return stamp_from(found);
}

file_stamp stamp_of(int fd) noexcept {
    struct stat found;
    if (::fstat(fd, &found) != 0) return {.error = errno};
    return stamp_from(found);
}

int create_part_at(int directory, const char* name) noexcept { return outcome(::openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666)); }
int open_part_at(int directory, const char* name) noexcept { return outcome(::openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)); }
int duplicate(int fd) noexcept { return outcome(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
int lock_now(int fd) noexcept { return outcome(::flock(fd, LOCK_EX | LOCK_NB)); }
int sync_data(int fd) noexcept { return outcome(::fdatasync(fd)); }

int keep_room(int fd, std::uint64_t from, std::uint64_t end) noexcept {
    if (end <= from) return 0;
    if (end > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return -EFBIG;
    const std::uint64_t size = end - from;
    struct stat own {};
    struct statvfs all {};
    // Asked first: a call that fails for want of room has filled the disk before it does, while others write.
    if (::fstatvfs(fd, &all) == 0 && all.f_blocks != 0 && size / all.f_frsize > all.f_bfree) {
        constexpr std::uint64_t block = 512;
        if (::fstat(fd, &own) == 0 && size > all.f_bfree * all.f_frsize + static_cast<std::uint64_t>(own.st_blocks) * block) return -ENOSPC;
    }
    const int failed = outcome(::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(size)));
    if (failed != -ENOSPC && failed != -EDQUOT && failed != -EFBIG) return 0;
    // What it got before it failed lies behind the end.
    if (::fstat(fd, &own) == 0 && ::ftruncate(fd, own.st_size) != 0) return failed;
    return failed;
}

long read_at(int fd, char* into, std::size_t size, std::uint64_t offset) noexcept {
    const ssize_t n = ::pread(fd, into, size, static_cast<off_t>(offset));
    return n < 0 ? -errno : n;
}

}  // namespace leat::detail
