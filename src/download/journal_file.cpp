#include "download/journal_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/directory_calls.hpp"
#include "engine/name_calls.hpp"
#include "engine/owned_descriptor.hpp"

namespace leat::detail {
namespace {

constexpr off_t lock_at = off_t{1} << 40;  // far from SQLite's, which are at 1 GiB

int result_of(int returned) noexcept { return returned < 0 ? -errno : returned; }

int lock(int fd) noexcept {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    whole.l_start = lock_at;
    whole.l_len = 1;
    const int result = result_of(::fcntl(fd, F_OFD_SETLK, &whole));
    return result == -EACCES ? -EAGAIN : result;
}

int write_all(int fd, std::string_view content) noexcept {
    while (!content.empty()) {
        const ssize_t size = ::write(fd, content.data(), content.size());
        if (size < 0 && errno != EINTR) return -errno;
        if (size > 0) content.remove_prefix(static_cast<std::size_t>(size));
    }
    return 0;
}

}  // namespace

int open_and_lock(const char* path) noexcept {
    const int fd = ::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not wait for its other end
    if (fd < 0) return -errno;
    struct stat facts {};
    int failed = result_of(::fstat(fd, &facts));
    if (failed == 0 && !S_ISREG(facts.st_mode)) failed = -ENODEV;
    if (failed == 0) failed = lock(fd);
    if (failed == 0) return fd;
    ::close(fd);
    return failed;
}

int read_header(int fd, std::array<unsigned char, 100>& header) noexcept { return result_of(static_cast<int>(::pread(fd, header.data(), header.size(), 0))); }

int publish_locked(const std::string& path, std::string_view content) {
    const std::string directory = directory_above(path);
    // A nameless file gets its name through /proc.
    const bool nameless = ::access("/proc/self/fd", X_OK) == 0;
    int fd = nameless ? ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    std::string temporary;
    if (fd < 0 && (!nameless || errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        // No nameless files here; this one stays behind if the process is killed within these few lines.
        temporary = path + ".new-" + std::to_string(::getpid());
        fd = ::open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    }
    if (fd < 0) return -errno;
    int failed = write_all(fd, content);
    // Before it has its name: a power cut must not leave a journal that is none.
    if (failed == 0) failed = result_of(::fsync(fd));
    if (failed == 0) failed = lock(fd);
    if (failed == 0) {
        char by_number[40];  // no allocation, which may fail, while the descriptor is nobody's
        std::snprintf(by_number, sizeof by_number, "/proc/self/fd/%d", fd);
        failed = result_of(::linkat(AT_FDCWD, temporary.empty() ? by_number : temporary.c_str(), AT_FDCWD, path.c_str(), temporary.empty() ? AT_SYMLINK_FOLLOW : 0));
    }
    if (!temporary.empty()) ::unlink(temporary.c_str());
    if (failed == 0) return fd;
    ::close(fd);
    return failed;
}

void close_file(int fd) noexcept { ::close(fd); }

int remove_file(const std::string& path) noexcept {
    const int result = result_of(::unlink(path.c_str()));
    return result == -ENOENT ? 0 : result;
}

int sync_file_system(int fd) noexcept { return result_of(::syncfs(fd)); }

int sync_directory_of(const std::string& path) {
    const owned_descriptor above{open_directory_directly(directory_above(path).c_str())};
    return above.get() < 0 ? above.get() : sync_directory(above.get());
}

std::string boot_id() {
    std::string id;
    if (std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "re")) {
        char text[64];
        if (std::fgets(text, sizeof text, file)) id = text;
        std::fclose(file);
    }
    while (id.ends_with('\n')) id.pop_back();
    return id;
}

}  // namespace leat::detail
