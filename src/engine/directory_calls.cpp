#include "engine/directory_calls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <cstdio>

namespace leat::detail {
namespace {

/// `told`: where to add it if it was not there.
int make(const std::string& name, std::vector<std::string>* told) {
    const char* path = name.c_str();
    if (told) told->push_back(name);  // first: there may be no memory for it
    if (::mkdir(path, 0777) == 0) return 0;
    const int failed = errno;
    if (told) told->pop_back();
    struct stat found;
    // A link to a directory will do; EEXIST alone does not say which it is.
    if (::stat(path, &found) == 0) return S_ISDIR(found.st_mode) ? 0 : -ENOTDIR;
    return -failed;
}

int make_all(const std::string& path, std::vector<std::string>* told) noexcept {
    if (path.empty()) return 0;
    try {
        int result = make(path, told);
        if (result != -ENOENT) return result;
        for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            result = make(path.substr(0, slash), told);
            if (result != 0) return result;
        }
        return make(path, told);
    } catch (...) {
        return -ENOMEM;
    }
}

}  // namespace

int make_directories(const std::string& path) noexcept { return make_all(path, nullptr); }
int make_directories_telling(const std::string& path, std::vector<std::string>& made) noexcept { return make_all(path, &made); }

std::string directory_above(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    path.resize(slash == 0 ? 1 : slash);
    return path;
}

int open_directory_at(int directory, const char* name) noexcept {
    const int fd = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int open_directory_directly(const char* path) noexcept { return open_directory_at(AT_FDCWD, path); }

int create_new_at(int directory, const char* name) noexcept {
    const int fd = ::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

int create_unnamed_at(int directory, const char* in) noexcept {
    const int fd = ::openat(directory, in, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

int name_at(int unnamed_file, int directory, const char* name) noexcept {
    if (::linkat(unnamed_file, "", directory, name, AT_EMPTY_PATH) == 0) return 0;
    if (errno != ENOENT && errno != EPERM) return -errno;
    // Before Linux 6.10 that form is for the privileged; the way through /proc is for all.
    const std::string self = "/proc/self/fd/" + std::to_string(unnamed_file);
    return ::linkat(AT_FDCWD, self.c_str(), directory, name, AT_SYMLINK_FOLLOW) != 0 ? -errno : 0;
}

int rename_at(int directory, const char* from, const char* to) noexcept { return ::renameat(directory, from, directory, to) != 0 ? -errno : 0; }
int remove_at(int directory, const char* name) noexcept { return ::unlinkat(directory, name, 0) != 0 ? -errno : 0; }

}  // namespace leat::detail
