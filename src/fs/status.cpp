#include "leat/fs/status.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "engine/file_calls.hpp"
#include "engine/name_calls.hpp"
#include "fs/path_call.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat {
namespace {

using detail::path_operation;

duration since_1970(const statx_timestamp& at) noexcept { return std::chrono::seconds{at.tv_sec} + std::chrono::nanoseconds{at.tv_nsec}; }

file_status status_from(const struct statx& found) noexcept {
    file_status status;
    status.kind = S_ISREG(found.stx_mode)   ? file_kind::regular
                  : S_ISDIR(found.stx_mode) ? file_kind::directory
                  : S_ISLNK(found.stx_mode) ? file_kind::symbolic_link
                                            : file_kind::other;
    status.size = found.stx_size;
    status.modified = since_1970(found.stx_mtime);
    status.accessed = since_1970(found.stx_atime);
    status.changed = since_1970(found.stx_ctime);
    status.permissions = found.stx_mode & 07777u;
    status.owner = found.stx_uid;
    status.group = found.stx_gid;
    status.links = found.stx_nlink;
    status.inode = found.stx_ino;
    status.device = makedev(found.stx_dev_major, found.stx_dev_minor);
    return status;
}

struct plain_status final : path_operation {
    using path_operation::path_operation;
    void complete(detail::completion) noexcept override {}
};

/// Directly where names are known to be local (docs/decisions/0005); a link might lead elsewhere.
task<int> look(const char* operation, path name, path_operation::call what, struct statx& into) {
    detail::check_name(operation, name);
    if (detail::is_known_local(name.parent())) {
        plain_status now{path_operation::call::link_status, name.string()};
        const int result = now.attempt({}).result;
        into = now.found();
        if (result != 0 || !S_ISLNK(into.stx_mode) || what == path_operation::call::link_status) co_return result;
    }
    co_return co_await detail::status_call(operation, what, name.string(), into);
}

int read_link_call(const std::string& name, std::string* into) noexcept { return detail::read_link(name.c_str(), *into); }

}  // namespace

task<file_status> stat(path name) {
    struct statx found {};
    if (const int result = co_await look("stat", name, path_operation::call::status, found); result < 0) throw error(-result, "stat", name.string());
    co_return status_from(found);
}

task<file_status> lstat(path name) {
    struct statx found {};
    if (const int result = co_await look("lstat", name, path_operation::call::link_status, found); result < 0) throw error(-result, "lstat", name.string());
    co_return status_from(found);
}

task<presence> exists(path name) {
    struct statx found {};
    const int result = co_await look("exists", name, path_operation::call::status, found);
    if (result == -ENOENT || result == -ENOTDIR || result == -ELOOP) co_return absent;
    if (result < 0) throw error(-result, "exists", name.string());
    co_return present;
}

task<path> read_link(path name) {
    detail::check_name("read_link", name);
    std::string target;
    const int result = co_await to_thread(read_link_call, name.string(), &target);
    if (result < 0) throw error(-result, "read_link", name.string());
    co_return path{std::move(target)};
}

task<> make_symbolic_link(path target, path name) {
    detail::check_name("make_symbolic_link", target);
    detail::check_name("make_symbolic_link", name);
    const int result = co_await detail::path_call("make_symbolic_link", path_operation::call::symbolic_link, target.string(), name.string());
    if (result < 0) throw error(-result, "make_symbolic_link", name.string());
}

task<> make_link(path existing, path name) {
    detail::check_name("make_link", existing);
    detail::check_name("make_link", name);
    const int result = co_await detail::path_call("make_link", path_operation::call::link, existing.string(), name.string());
    if (result < 0) throw error(-result, "make_link", existing.string() + " to " + name.string());
}

}  // namespace leat
