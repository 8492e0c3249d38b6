#include "engine/file_calls.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace leat::detail {
namespace {

constexpr std::array<long, 11> local_file_systems = {
    EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
    F2FS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */, SQUASHFS_MAGIC, MSDOS_SUPER_MAGIC, 0x2011bab0 /* exFAT */,
};

template <class Target>
int file_system_of(Target target, struct statfs& found) noexcept {
    if constexpr (std::is_same_v<Target, int>)
        return ::fstatfs(target, &found);
    else
        return ::statfs(target, &found);
}

/// Asked once a device, since a file's device number says it all.
template <class Target>
bool on_local_file_system(Target target, dev_t device) noexcept {
    thread_local std::vector<std::pair<dev_t, bool>> known;
    for (auto [seen, local] : known)
        if (seen == device) return local;
    struct statfs found {};
    if (file_system_of(target, found) != 0) return false;
    const bool local = std::find(local_file_systems.begin(), local_file_systems.end(), found.f_type) != local_file_systems.end();
    try {
        known.emplace_back(device, local);
    } catch (const std::bad_alloc&) {  // asked again the next time
    }
    return local;
}

}  // namespace

file_facts facts_of(const char* path) noexcept {
    struct stat found;
    if (::stat(path, &found) != 0) return {.error = errno};
    return {.regular = S_ISREG(found.st_mode), .local = on_local_file_system(path, found.st_dev), .size = found.st_size};
}

file_facts facts_of(int fd) noexcept {
    struct stat found;
    if (::fstat(fd, &found) != 0) return {.error = errno};
    return {.regular = S_ISREG(found.st_mode), .local = on_local_file_system(fd, found.st_dev), .size = found.st_size};
}

int open_directly(const char* path, int flags, unsigned mode) noexcept {
    int fd = ::open(path, flags | O_NONBLOCK, mode);
    return fd < 0 ? -errno : fd;
}

long read_cached(int fd, char* into, std::size_t size, std::int64_t offset) noexcept {
    iovec piece{into, size};
    long n = ::preadv2(fd, &piece, 1, offset, RWF_NOWAIT);
    return n < 0 ? -errno : n;
}

long write_directly(int fd, const char* from, std::size_t size, std::int64_t offset) noexcept {
    long n;
    do n = offset < 0 ? ::write(fd, from, size) : ::pwrite(fd, from, size, offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int close_directly(int fd) noexcept { return ::close(fd) != 0 ? -errno : 0; }

std::int64_t size_of(int fd) noexcept {
    struct stat found;
    return ::fstat(fd, &found) != 0 ? -errno : found.st_size;
}

bool can_seek(int fd) noexcept { return ::lseek(fd, 0, SEEK_CUR) >= 0; }

int open_flags(std::string_view mode) noexcept {
    int action = -1;
    bool plus = false;
    bool binary = false;
    for (char c : mode) {
        const bool chosen = c == 'r' || c == 'w' || c == 'a' || c == 'x';
        if (chosen && action < 0)
            action = c;
        else if (c == '+' && !plus)
            plus = true;
        else if (c == 'b' && !binary)
            binary = true;  // implied
        else
            return -1;
    }
    if (action < 0) return -1;
    const int access = plus ? O_RDWR : action == 'r' ? O_RDONLY : O_WRONLY;
    const int how = action == 'w' ? O_CREAT | O_TRUNC : action == 'a' ? O_CREAT | O_APPEND : action == 'x' ? O_CREAT | O_EXCL : 0;
    return access | how | O_CLOEXEC;
}

long send_directly(int socket, int file, std::int64_t offset, std::size_t size) noexcept {
    off_t at = offset;
    long n;
    do n = ::sendfile(socket, file, &at, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

bool appends(int flags) noexcept { return (flags & O_APPEND) != 0; }
int truncate_directly(int fd, std::int64_t size) noexcept { return ::ftruncate(fd, size) != 0 ? -errno : 0; }

namespace {
thread_local std::vector<std::string> local_directories;  // the latest first; few directories are in use at once
constexpr std::size_t directories_kept = 16;
}  // namespace

bool is_known_local(std::string_view directory) noexcept {
    return std::find(local_directories.begin(), local_directories.end(), directory) != local_directories.end();
}

void remember_local(std::string_view directory) {
    if (is_known_local(directory)) return;
    if (local_directories.size() >= directories_kept) local_directories.pop_back();
    local_directories.emplace(local_directories.begin(), directory);
}

}  // namespace leat::detail
