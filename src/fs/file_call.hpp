#pragma once
#include <string>

#include "engine/operation/file.hpp"
#include "engine/owned_descriptor.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// File calls for files that direct calls are not allowed for; each returns the result or -errno.
task<int> open_call(std::string path, int flags, unsigned mode);
/// Closes it in any case, also if it is cancelled before it begins.
task<int> close_call(owned_descriptor fd);
task<int> sync_call(int fd);
/// Reads into memory of its own, so that it may be abandoned; `into` is resized to what was read.
task<int> read_call(int fd, std::string& into, std::size_t size, std::int64_t offset);
/// Writes a copy.
task<int> write_call(int fd, std::string from, std::int64_t offset);
/// Closes at once, or from the loop where that may block.
void close_without_waiting(int fd, bool direct) noexcept;

}  // namespace leat::detail
