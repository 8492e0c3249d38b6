#include "engine/open_beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace leat::detail {
namespace {

constexpr int attempts = 8;  // a rename beside the walk makes the kernel ask for another try

entry_facts facts_from(const struct stat& found) noexcept {
    const entry_kind kind = S_ISREG(found.st_mode) ? entry_kind::regular : S_ISDIR(found.st_mode) ? entry_kind::directory : entry_kind::other;
    return {.error = 0,
            .kind = kind,
            .size = static_cast<std::uint64_t>(found.st_size),
            .modified_ns = found.st_mtim.tv_sec * std::int64_t{1'000'000'000} + found.st_mtim.tv_nsec};
}

entry_facts facts_of_descriptor(int fd) noexcept {
    struct stat found;
    if (::fstat(fd, &found) != 0) return {.error = errno};
    return facts_from(found);
}

/// Where openat2 is missing (before Linux 5.6, and in old containers, which refuse what they do not know): component by component,
/// without following any link.
int walk(int directory, std::string_view relative, int flags) noexcept {
    owned_descriptor here{::openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    char name[NAME_MAX + 1];
    while (here.get() >= 0) {
        const auto slash = relative.find('/');
        const auto component = relative.substr(0, slash);
        if (component == "..") return -EXDEV;
        if (component.size() > NAME_MAX) return -ENAMETOOLONG;
        component.copy(name, component.size());
        name[component.size()] = '\0';
        const bool last = slash == std::string_view::npos;
        const int fd = ::openat(here.get(), component.empty() ? "." : name, (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW);
        if (fd < 0 || last) return fd < 0 ? -errno : fd;
        here = owned_descriptor{fd};
        relative.remove_prefix(slash + 1);
    }
    return -errno;
}

int open_one(int directory, const char* relative, int flags, resolution how) noexcept {
    thread_local bool missing = false;
    open_how chosen{};
    chosen.flags = static_cast<std::uint64_t>(flags);
    chosen.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if (how == resolution::cached) chosen.resolve |= RESOLVE_CACHED | RESOLVE_NO_XDEV;
    for (int i = 0; i < attempts && !missing; ++i) {
        const long fd = ::syscall(SYS_openat2, directory, relative, &chosen, sizeof chosen);
        if (fd >= 0) return static_cast<int>(fd);
        if (errno == EAGAIN && how == resolution::full) continue;
        // EPERM is what a file system says too, but not for O_PATH, which comes first.
        if (errno == ENOSYS || (errno == EPERM && (flags & O_PATH))) missing = true;
        else return -errno;
    }
    if (!missing || how == resolution::cached) return -EAGAIN;
    const int fd = walk(directory, relative, flags);
    if (fd >= 0 && (flags & O_PATH)) {
        struct stat found;
        if (::fstat(fd, &found) == 0 && S_ISLNK(found.st_mode)) {
            ::close(fd);
            return -ELOOP;
        }
    }
    return fd;
}

entry_facts look(int directory, const char* relative) noexcept {
    owned_descriptor at{open_one(directory, relative, O_PATH | O_CLOEXEC, resolution::full)};
    if (at.get() < 0) return {.error = -at.release()};
    return facts_of_descriptor(at.get());
}

}  // namespace

int open_root(const char* path) noexcept {
    const int fd = ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

opened_beneath open_beneath(int directory, const char* relative, resolution how) noexcept {
    if (*relative == '\0') relative = ".";
    opened_beneath found;
    {
        // First without opening it: that alone would start a watchdog or wait for a FIFO's other end.
        owned_descriptor at{open_one(directory, relative, O_PATH | O_CLOEXEC, how)};
        if (at.get() < 0) {
            found.facts.error = -at.release();
            return found;
        }
        found.facts = facts_of_descriptor(at.get());
    }
    if (found.facts.error != 0 || found.facts.kind == entry_kind::other) return found;
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (found.facts.kind == entry_kind::directory ? O_DIRECTORY : 0);
    const int fd = open_one(directory, relative, flags, how);
    if (fd < 0) {
        found.facts.error = -fd;
        return found;
    }
    found.descriptor = owned_descriptor{fd};
    found.facts = facts_of_descriptor(fd);  // somebody may have put another file there
    if (found.facts.kind == entry_kind::other) found.descriptor = {};
    return found;
}

entry_list list_beneath(int directory, const std::string& relative, std::size_t most) {
    entry_list list;
    opened_beneath opened = open_beneath(directory, relative.c_str(), resolution::full);
    if (opened.facts.error == 0 && opened.facts.kind != entry_kind::directory) opened.facts.error = ENOTDIR;
    if (opened.facts.error != 0) {
        list.error = opened.facts.error;
        return list;
    }
    const auto close = [](DIR* d) { ::closedir(d); };
    const std::unique_ptr<DIR, decltype(close)> stream{::fdopendir(opened.descriptor.get()), close};
    if (!stream) {
        list.error = errno;
        return list;
    }
    opened.descriptor.release();
    while (const dirent* each = ::readdir(stream.get())) {
        const std::string_view name = each->d_name;
        if (name == "." || name == "..") continue;
        if (list.entries.size() == most) {
            list.complete = false;
            break;
        }
        named_entry entry{std::string{name}, {}};
        struct stat found;
        if (::fstatat(::dirfd(stream.get()), each->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone meanwhile
        entry.facts = S_ISLNK(found.st_mode) ? look(directory, (relative.empty() ? entry.name : relative + "/" + entry.name).c_str()) : facts_from(found);
        if (entry.facts.error == 0) list.entries.push_back(std::move(entry));
    }
    return list;
}

}  // namespace leat::detail
