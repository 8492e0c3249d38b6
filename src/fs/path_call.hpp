#pragma once
#include <string>

#include "engine/operation/path.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// Makes a call on names; the result or -errno. Cancelled, a call that has begun is waited for, and what it reached stands; dropped, the
/// loop sees it through. `name` is the public one.
task<int> path_call(const char* name, path_operation::call what, std::string path, std::string second = {}, unsigned mode = 0);
/// What stands at a name.
task<int> status_call(const char* name, path_operation::call what, std::string path, struct statx& into);
/// Removes a file with nobody waiting for it.
void remove_without_waiting(const std::string& path, bool local) noexcept;

/// Throws EINVAL for a name with a NUL byte: the system call would read only as far as that.
void check_name(const char* operation, const leat::path& name);

}  // namespace leat::detail
