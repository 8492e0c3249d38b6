#include "engine/name_calls.hpp"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "engine/directory_calls.hpp"
#include "engine/file_calls.hpp"

namespace leat::detail {
namespace {

constexpr int most_tries = 100;
constexpr int most_links = 40;
constexpr std::size_t longest_name = 255;

timespec time_of(std::int64_t ns) noexcept {
    std::int64_t seconds = ns / 1'000'000'000;
    std::int64_t rest = ns % 1'000'000'000;
    if (rest < 0) --seconds, rest += 1'000'000'000;
    return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

std::string hidden_name(const std::string& name) {
    const std::string suffix = "." + random_letters();
    return "." + name.substr(0, longest_name - suffix.size() - 1) + suffix;
}

/// The directory and the name in it that this name means, with every link followed. 0, or an errno value.
int resolve(std::string name, replacing& into) {
    for (int links = 0; links < most_links; ++links) {
        const auto slash = name.rfind('/');
        const std::string above = slash == std::string::npos ? "." : name.substr(0, slash + 1);
        into.name = slash == std::string::npos ? name : name.substr(slash + 1);
        if (into.name.empty() || into.name == "." || into.name == "..") return name.empty() ? ENOENT : EISDIR;
        into.directory = owned_descriptor{::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (into.directory.get() < 0) return errno;
        struct stat found;
        if (::fstatat(into.directory.get(), into.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
        if (!S_ISLNK(found.st_mode)) return 0;
        char target[PATH_MAX];
        const ssize_t length = ::readlinkat(into.directory.get(), into.name.c_str(), target, sizeof target);
        if (length < 0) return errno;
        const std::string text{target, static_cast<std::size_t>(length)};
        name = text.starts_with('/') || slash == std::string::npos ? text : above + text;
    }
    return ELOOP;
}

/// The new file gets the old one's owner, as far as that is allowed, and its permissions.
int inherit(int file, const struct stat& old) noexcept {
    struct stat now;
    if (::fstat(file, &now) != 0) return errno;
    mode_t permissions = old.st_mode & 07777;
    if (now.st_uid != old.st_uid || now.st_gid != old.st_gid) {
        // What runs as its owner must not run as another.
        if (::fchown(file, old.st_uid, old.st_gid) != 0) permissions &= 01777;
    }
    return ::fchmod(file, permissions) != 0 ? errno : 0;
}

int begin(const std::string& name, replacing& now) {
    if (const int failed = resolve(name, now); failed != 0) return failed;
    const int directory = now.directory.get();
    struct stat old;
    const bool exists = ::fstatat(directory, now.name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && S_ISDIR(old.st_mode)) return EISDIR;
    if (exists && !S_ISREG(old.st_mode)) return EINVAL;
    now.file = owned_descriptor{create_unnamed_at(directory)};
    for (int tries = 0; now.file.get() < 0 && tries < most_tries; ++tries) {
        const int failed = -now.file.release();
        if (tries > 0 && failed != EEXIST) return failed;
        std::string beside = hidden_name(now.name);
        const int fd = ::openat(directory, beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, exists ? 0600 : 0666);
        now.file = owned_descriptor{fd < 0 ? -errno : fd};
        if (fd >= 0) now.temporary = owned_name{std::move(beside), false, directory};
    }
    if (now.file.get() < 0) return -now.file.release();
    now.local = facts_of(now.file.get()).local;
    return exists ? inherit(now.file.get(), old) : 0;
}

}  // namespace

owned_name::~owned_name() {
    static_assert(in_working_directory == AT_FDCWD);
    if (!name_.empty()) ::unlinkat(directory_, name_.c_str(), folder_ ? AT_REMOVEDIR : 0);
}

int read_link(const char* name, std::string& into) noexcept {
    char target[PATH_MAX];
    const ssize_t length = ::readlink(name, target, sizeof target);
    if (length < 0) return -errno;
    try {
        into.assign(target, static_cast<std::size_t>(length));
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    return 0;
}

int set_permissions(const char* name, unsigned permissions) noexcept { return ::chmod(name, permissions & 07777) != 0 ? -errno : 0; }

int set_times(const char* name, std::int64_t accessed_ns, std::int64_t modified_ns) noexcept {
    const timespec times[2] = {time_of(accessed_ns), time_of(modified_ns)};
    return ::utimensat(AT_FDCWD, name, times, 0) != 0 ? -errno : 0;
}

std::string random_letters() {
    constexpr char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char bytes[12];
    if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) throw std::bad_alloc{};  // before Linux 3.17 only
    std::string text;
    for (const unsigned char byte : bytes) text += letters[byte & 31];
    return text;
}

made_temporary make_temporary(const std::string& directory, const std::string& prefix, const std::string& suffix, bool named) noexcept {
    made_temporary made;
    try {
        int fd = -1;
        if (!named) fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        for (int tries = 0; fd < 0 && tries < most_tries; ++tries) {
            if (tries > 0 && errno != EEXIST) break;
            std::string name = directory + "/" + prefix + random_letters() + suffix;
            fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
            if (fd >= 0) made.name = owned_name{std::move(name), false};
        }
        if (fd < 0) {
            made.error = errno;
            return made;
        }
        made.file = owned_descriptor{fd};
        made.local = facts_of(fd).local;
    } catch (const std::bad_alloc&) {
        made.error = ENOMEM;
    }
    return made;
}

made_temporary make_temporary_folder(const std::string& directory, const std::string& prefix, const std::string& suffix) noexcept {
    made_temporary made;
    try {
        for (int tries = 0; tries < most_tries; ++tries) {
            std::string name = directory + "/" + prefix + random_letters() + suffix;
            made.error = ::mkdir(name.c_str(), 0700) != 0 ? errno : 0;
            if (made.error == 0) made.name = owned_name{std::move(name), true};
            if (made.error != EEXIST) break;
        }
    } catch (const std::bad_alloc&) {
        made.error = ENOMEM;
    }
    return made;
}

int name_unnamed(int file, const std::string& to) noexcept {
    int failed = name_at(file, AT_FDCWD, to.c_str());
    if (failed != -EEXIST) return failed;
    try {  // only a rename replaces
        const auto slash = to.rfind('/');
        const std::string above = slash == std::string::npos ? "" : to.substr(0, slash + 1);
        const std::string beside = above + hidden_name(slash == std::string::npos ? to : to.substr(slash + 1));
        if (failed = name_at(file, AT_FDCWD, beside.c_str()); failed != 0) return failed;
        if (failed = rename_directly(beside.c_str(), to.c_str()); failed != 0) remove_directly(beside.c_str());
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    return failed;
}

int rename_directly(const char* from, const char* to) noexcept { return ::rename(from, to) != 0 ? -errno : 0; }
int remove_directly(const char* name) noexcept { return ::unlink(name) != 0 ? -errno : 0; }

int restrict_file(int file, unsigned permissions) noexcept { return ::fchmod(file, permissions) != 0 ? -errno : 0; }

replacing begin_replacing(const std::string& name) noexcept {
    replacing now;
    try {
        now.error = begin(name, now);
    } catch (const std::bad_alloc&) {
        now.error = ENOMEM;
    }
    return now;
}

int take_place(int directory, int file, const std::string& temporary, const std::string& name) noexcept {
    if (!temporary.empty()) return rename_at(directory, temporary.c_str(), name.c_str());
    int failed = name_at(file, directory, name.c_str());
    if (failed != -EEXIST) return failed;
    try {
        const std::string beside = hidden_name(name);
        if (failed = name_at(file, directory, beside.c_str()); failed != 0) return failed;
        if (failed = rename_at(directory, beside.c_str(), name.c_str()); failed != 0) remove_at(directory, beside.c_str());
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    return failed;
}

int sync_directory(int directory) noexcept {
    if (::fsync(directory) == 0 || errno == EINVAL || errno == EROFS) return 0;
    return -errno;
}

}  // namespace leat::detail
