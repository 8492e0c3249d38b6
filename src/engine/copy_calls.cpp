#include "engine/copy_calls.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace leat::detail {
namespace {

bool not_this_way(int failed) noexcept {
    return failed == EXDEV || failed == EINVAL || failed == ENOSYS || failed == EOPNOTSUPP || failed == EBADF || failed == EPERM || failed == ETXTBSY;
}

}  // namespace

int file_copier::begin(const char* from, const char* to, copy_wishes wishes) noexcept {
    wishes_ = wishes;
    from_ = owned_descriptor{::open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};  // a FIFO must not make it wait
    if (from_.get() < 0) return -errno;
    struct stat source;
    struct stat target;
    if (::fstat(from_.get(), &source) != 0) return -errno;
    if (!S_ISREG(source.st_mode)) return S_ISDIR(source.st_mode) ? -EISDIR : -EINVAL;
    // What is there is looked at before anything of it is lost.
    int fd = ::open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    created_ = fd >= 0;
    if (fd < 0 && errno == EEXIST && wishes.overwrite) fd = ::open(to, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (fd < 0) return -errno;
    to_ = owned_descriptor{fd};
    if (::fstat(fd, &target) != 0) return -errno;
    if (!S_ISREG(target.st_mode)) return -EINVAL;
    if (target.st_dev == source.st_dev && target.st_ino == source.st_ino) return -EINVAL;
    if (!created_ && ::ftruncate(fd, 0) != 0) return -errno;
    known_size_ = source.st_size;
    holes_ = source.st_blocks * 512 < source.st_size;
    if (wishes.blocks != sharing::never) {
        if (::ioctl(fd, FICLONE, from_.get()) == 0) {
            shared_ = true;
            at_ = known_size_;
            return 0;
        }
        if (wishes.blocks == sharing::always) return errno == EXDEV || errno == EINVAL ? -EOPNOTSUPP : -errno;
    }
    data_end_ = std::numeric_limits<std::int64_t>::max();
    if (holes_) return find_data();
    if (known_size_ == 0) way_ = way::plain;  // files of /proc seem empty, and only a read knows better
    return 0;
}

/// From here on to the next hole; behind the last one the end is reached.
int file_copier::find_data() noexcept {
    const off_t data = ::lseek(from_.get(), at_, SEEK_DATA);
    if (data < 0 && errno != ENXIO) {
        holes_ = false;  // the file system cannot tell
        data_end_ = std::numeric_limits<std::int64_t>::max();
        return 0;
    }
    at_ = data < 0 ? std::max(known_size_, at_) : data;
    const off_t hole = data < 0 ? at_ : ::lseek(from_.get(), data, SEEK_HOLE);
    data_end_ = hole < 0 ? std::numeric_limits<std::int64_t>::max() : hole;
    return 0;
}

int file_copier::step(std::size_t most) noexcept {
    if (shared_) return 0;
    while (most > 0) {
        if (at_ >= data_end_) {
            if (const int failed = find_data(); failed != 0) return failed;
            if (at_ >= data_end_) break;  // a hole to the end
        }
        const auto now = static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(most), data_end_ - at_));
        const long n = piece(now);
        if (n < 0) return static_cast<int>(n);
        if (n == 0) break;
        at_ += n;
        most -= static_cast<std::size_t>(n);
    }
    if (most == 0) return 1;
    // A hole at the end is nothing that was written.
    if (holes_ && ::ftruncate(to_.get(), at_) != 0) return -errno;
    return 0;
}

long file_copier::piece(std::size_t most) noexcept {
    for (;;) {
        long n = -1;
        if (way_ == way::plain) return plain_piece(most);
        if (way_ == way::range) {
            loff_t in = at_;
            loff_t out = at_;
            n = ::copy_file_range(from_.get(), &in, to_.get(), &out, most, 0);
            // Nothing at all may also mean a file system that cannot.
            if (n == 0 && at_ == 0 && known_size_ > 0) n = -1, errno = EOPNOTSUPP;
        } else {
            off_t in = at_;
            n = ::lseek(to_.get(), at_, SEEK_SET) < 0 ? -1 : ::sendfile(to_.get(), from_.get(), &in, most);
        }
        if (n >= 0) return n;
        if (errno == EINTR) continue;
        if (!not_this_way(errno)) return -errno;
        way_ = way_ == way::range ? way::sendfile : way::plain;
    }
}

long file_copier::plain_piece(std::size_t most) noexcept {
    char buffer[64 * 1024];
    long got = 0;
    do got = ::pread(from_.get(), buffer, std::min(most, sizeof buffer), at_);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return got < 0 ? -errno : 0;
    for (long done = 0; done < got;) {
        const long n = ::pwrite(to_.get(), buffer + done, static_cast<std::size_t>(got - done), at_ + done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        done += n;
    }
    return got;
}

int file_copier::finish() noexcept {
    struct stat source;
    if (::fstat(from_.get(), &source) != 0) return -errno;
    // The set-user bits are for the owner to give anew.
    if (wishes_.permissions && ::fchmod(to_.get(), source.st_mode & 0777) != 0) return -errno;
    if (wishes_.times) {
        const timespec times[2] = {source.st_atim, source.st_mtim};
        if (::futimens(to_.get(), times) != 0) return -errno;
    }
    const int fd = to_.release();
    return ::close(fd) != 0 && errno != EINTR ? -errno : 0;  // a late ENOSPC or EDQUOT of a network's file system
}

void file_copier::give_up(const char* to) noexcept {
    if (created_) ::unlink(to);
    created_ = false;
}

}  // namespace leat::detail
