#include "leat/fs/operations.hpp"

#include <cerrno>
#include <utility>

#include "engine/directory_calls.hpp"
#include "engine/name_calls.hpp"
#include "engine/tree_calls.hpp"
#include "fs/path_call.hpp"
#include "fs/scan.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat {
namespace {

using detail::path_operation;

constexpr std::size_t names_at_once = 256;

int permissions_call(const std::string& name, unsigned permissions) noexcept { return detail::set_permissions(name.c_str(), permissions); }
int times_call(const std::string& name, duration accessed, duration modified) noexcept {
    return detail::set_times(name.c_str(), accessed.count(), modified.count());
}
int remove_step(detail::tree_remover* remover) noexcept { return remover->step(names_at_once); }

}  // namespace

task<> rename(path from, path to) {
    detail::check_name("rename", from);
    detail::check_name("rename", to);
    const int result = co_await detail::path_call("rename", path_operation::call::rename, from.string(), to.string());
    if (result < 0) throw error(-result, "rename", from.string() + " to " + to.string());
}

task<> remove(path name) {
    detail::check_name("remove", name);
    int result = co_await detail::path_call("remove", path_operation::call::remove_file, name.string());
    // Linux says EISDIR; EPERM is what POSIX asks for, and what a file says that must not be removed.
    if (result == -EISDIR || result == -EPERM) {
        const int as_directory = co_await detail::path_call("remove", path_operation::call::remove_directory, name.string());
        if (result == -EISDIR || as_directory != -ENOTDIR) result = as_directory;
    }
    if (result < 0) throw error(-result, "remove", name.string());
}

task<> remove_tree(path name) {
    detail::check_name("remove_tree", name);
    detail::tree_remover remover{name.string()};
    for (;;) {
        const int result = co_await to_thread(remove_step, &remover);
        if (result == 0) co_return;
        if (result < 0) throw error(-result, "remove_tree", remover.where());
    }
}

task<> make_directory(path name, unsigned permissions) {
    detail::check_name("make_directory", name);
    const int result = co_await detail::path_call("make_directory", path_operation::call::make_directory, name.string(), {}, permissions);
    if (result < 0) throw error(-result, "make_directory", name.string());
}

task<> make_directories(path name) {
    detail::check_name("make_directories", name);
    if (name.empty()) throw error(ENOENT, "make_directories", "");
    const int result = co_await to_thread(detail::make_directories, name.string());
    if (result < 0) throw error(-result, "make_directories", name.string());
}

task<> set_permissions(path name, unsigned permissions) {
    detail::check_name("set_permissions", name);
    const int result = co_await to_thread(permissions_call, name.string(), permissions);
    if (result < 0) throw error(-result, "set_permissions", name.string());
}

task<> set_times(path name, duration accessed, duration modified) {
    detail::check_name("set_times", name);
    const int result = co_await to_thread(times_call, name.string(), accessed, modified);
    if (result < 0) throw error(-result, "set_times", name.string());
}

task<std::vector<listed_entry>> list_directory(path name, std::size_t most) {
    detail::check_name("list_directory", name);
    std::vector<listed_entry> all;
    auto scan = co_await detail::begin_scan("list_directory", name);
    for (;;) {
        const auto got = co_await scan.fill();
        if (got == detail::piece::end) co_return all;
        if (all.size() + scan.names.size() > most) throw limit_error("list_directory", name.string(), most);
        for (auto& each : scan.names) all.push_back({std::move(each.name), detail::kind_from(each.kind)});
        scan.names.clear();
    }
}

}  // namespace leat
