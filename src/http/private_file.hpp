#pragma once
#include <string>

#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// Writes a file that only its owner may read, and then puts it in place of what has the name, as replace_file does: a symbolic link stays one, and what is no
/// regular file stays as it is. Errors: leat::error "replace NAME: …". Cancellation: nothing temporary stays.
task<> write_private_file(path name, std::string content);

}  // namespace leat::detail
