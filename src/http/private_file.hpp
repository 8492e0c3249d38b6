#pragma once
#include <string>

#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// Writes a file that only its owner may read, and then gives it the name, in place of what has it.
/// Errors: leat::error with the path. Cancellation: nothing temporary stays.
task<> write_private_file(path name, std::string content);

}  // namespace leat::detail
