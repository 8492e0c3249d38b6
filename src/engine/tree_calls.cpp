#include "engine/tree_calls.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

namespace leat::detail {
namespace {

constexpr std::size_t most_open_levels = 24;
constexpr std::size_t most_levels = 100'000;
constexpr int most_attempts = 16;  // at a directory that somebody else fills meanwhile
constexpr int reading = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK;

DIR* as_stream(void* stream) noexcept { return static_cast<DIR*>(stream); }

name_kind kind_of(int directory, const dirent& entry) noexcept {
    switch (entry.d_type) {
        case DT_REG: return name_kind::regular;
        case DT_DIR: return name_kind::directory;
        case DT_LNK: return name_kind::link;
        case DT_UNKNOWN: break;  // the file system does not say
        default: return name_kind::other;
    }
    struct stat found;
    if (::fstatat(directory, entry.d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) return name_kind::other;
    return S_ISREG(found.st_mode) ? name_kind::regular : S_ISDIR(found.st_mode) ? name_kind::directory : S_ISLNK(found.st_mode) ? name_kind::link : name_kind::other;
}

/// Component by component, where openat2 is missing.
int descend(int root, std::string_view relative) noexcept {
    owned_descriptor here;
    int from = root;
    char name[NAME_MAX + 1];
    for (;;) {
        const auto slash = relative.find('/');
        const auto component = relative.substr(0, slash);
        if (component.size() > NAME_MAX) return -ENAMETOOLONG;
        component.copy(name, component.size());
        name[component.size()] = '\0';
        const bool last = slash == std::string_view::npos;
        const int fd = ::openat(from, name, reading | O_NOFOLLOW);
        if (fd < 0 || last) return fd < 0 ? -errno : fd;
        here = owned_descriptor{fd};
        from = fd;
        relative.remove_prefix(slash + 1);
    }
}

}  // namespace

int directory_stream::adopt(int fd) noexcept {
    close();
    stream_ = ::fdopendir(fd);
    if (stream_) return 0;
    const int failed = -errno;
    ::close(fd);
    return failed;
}

int directory_stream::open(const char* path) noexcept {
    const int fd = ::open(path, reading);
    return fd < 0 ? -errno : adopt(fd);
}

void directory_stream::close() noexcept {
    if (stream_) ::closedir(as_stream(std::exchange(stream_, nullptr)));
}

int directory_stream::descriptor() const noexcept { return ::dirfd(as_stream(stream_)); }
void directory_stream::rewind() noexcept { ::rewinddir(as_stream(stream_)); }

int directory_stream::next(scanned_name& into) noexcept {
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(as_stream(stream_));
        if (!entry) return errno == ENOENT ? 0 : -errno;  // ENOENT: the directory itself was removed
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        try {
            into.name = name;
        } catch (const std::bad_alloc&) {
            return -ENOMEM;
        }
        into.kind = kind_of(descriptor(), *entry);
        return 1;
    }
}

int directory_stream::next(std::vector<scanned_name>& into, std::size_t most) noexcept {
    scanned_name one;
    for (std::size_t i = 0; i < most; ++i) {
        const int result = next(one);
        if (result <= 0) return result;
        try {
            into.push_back(std::move(one));
        } catch (const std::bad_alloc&) {
            return -ENOMEM;
        }
    }
    return 1;
}

int open_directory_beneath(int root, const char* relative) noexcept {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(reading);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    const long fd = ::syscall(SYS_openat2, root, relative, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    // EPERM is also how old containers refuse a call that they do not know.
    if (errno != ENOSYS && errno != EPERM && errno != EAGAIN) return -errno;
    return descend(root, relative);
}

// ---- removing

int tree_remover::step(std::size_t names) noexcept {
    try {
        if (levels_.empty()) {
            if (const int failed = begin(); failed != 0) return failed;
        }
        for (std::size_t i = 0; i < names; ++i) {
            const int result = remove_next();
            if (result < 0 || levels_.empty()) return result < 0 ? result : 0;
        }
        return 1;
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
}

int tree_remover::begin() {
    while (root_.size() > 1 && root_.ends_with('/')) root_.pop_back();
    const auto slash = root_.rfind('/');
    last_name_ = slash == std::string::npos ? root_ : root_.substr(slash + 1);
    const std::string above = slash == std::string::npos ? "." : root_.substr(0, slash + 1);
    // A name like "a/.." could not be removed in its parent.
    if (last_name_.empty() || last_name_ == "." || last_name_ == "..") return root_.empty() ? -ENOENT : -EINVAL;
    parent_ = owned_descriptor{::open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (parent_.get() < 0) return -errno;
    return enter(parent_.get(), last_name_.c_str());
}

int tree_remover::enter(int parent, const char* name) {
    if (levels_.size() >= most_levels) return -ELOOP;
    level below{name, 0, 0, {}};
    const int fd = ::openat(parent, name, reading | O_NOFOLLOW);
    if (fd < 0) return errno == ELOOP ? -ENOTDIR : -errno;
    struct stat found;
    if (::fstat(fd, &found) != 0) {
        const int failed = -errno;
        ::close(fd);
        return failed;
    }
    below.device = found.st_dev;
    below.inode = found.st_ino;
    if (const int failed = below.stream.adopt(fd); failed != 0) return failed;
    if (levels_.size() >= most_open_levels) levels_[levels_.size() - most_open_levels].stream.close();
    levels_.push_back(std::move(below));
    return 0;
}

int tree_remover::remove_next() {
    level& here = levels_.back();
    scanned_name entry;
    const int got = here.stream.next(entry);
    if (got < 0) return got;
    if (got == 0) return leave();
    const int directory = here.stream.descriptor();
    int failed = 0;
    if (entry.kind != name_kind::directory && ::unlinkat(directory, entry.name.c_str(), 0) != 0) failed = errno;
    if (entry.kind == name_kind::directory || failed == EISDIR) {
        failed = -enter(directory, entry.name.c_str());
        // It has become something else meanwhile: a link, perhaps, which is removed as one.
        if (failed == ENOTDIR) failed = ::unlinkat(directory, entry.name.c_str(), 0) != 0 ? errno : 0;
    }
    if (failed == 0 || failed == ENOENT) return 0;
    failed_ = std::move(entry.name);
    return -failed;
}

int tree_remover::leave() {
    const std::size_t depth = levels_.size();
    if (depth > 1 && !levels_[depth - 2].stream.is_open()) {
        if (const int failed = reopen(levels_[depth - 2], levels_.back().stream.descriptor()); failed != 0) return failed;
    }
    level& here = levels_.back();
    const int above = depth > 1 ? levels_[depth - 2].stream.descriptor() : parent_.get();
    if (::unlinkat(above, here.name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
        if ((errno != ENOTEMPTY && errno != EEXIST) || ++here.attempts == most_attempts) return -errno;
        here.stream.rewind();  // somebody has put something there, or the file system left a name out
        return 0;
    }
    levels_.pop_back();
    return 0;
}

/// By "..", which has to be the directory that was come from: a tree that is moved meanwhile must not lead elsewhere.
int tree_remover::reopen(level& above, int from) {
    const int fd = ::openat(from, "..", reading | O_NOFOLLOW);
    if (fd < 0) return -errno;
    struct stat found;
    if (::fstat(fd, &found) != 0 || found.st_dev != above.device || found.st_ino != above.inode) {
        ::close(fd);
        return -ESTALE;
    }
    return above.stream.adopt(fd);
}

std::string tree_remover::where() const {
    std::string name = root_;
    for (std::size_t i = 1; i < levels_.size(); ++i) name.append("/").append(levels_[i].name);
    if (!failed_.empty()) name.append("/").append(failed_);
    return name;
}

}  // namespace leat::detail
