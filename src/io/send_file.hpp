#pragma once
#include <cstdint>

#include "leat/fs/file.hpp"
#include "leat/io/writer.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

inline constexpr std::uint64_t worth_sending_whole = 64 * 1024;   // below it a copy is cheaper than waiting for what was written before
inline constexpr std::uint64_t window_of_a_read = 1024 * 1024;

/// Sends from the page cache straight to a plain socket, as far as the file is cached. 0: it is not, or the two are not of the kind.
task<std::uint64_t> send_file(file& from, stream_writer& to, std::uint64_t most);

}  // namespace leat::detail
