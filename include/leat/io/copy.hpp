#pragma once
#include <cstdint>

#include "leat/fs/file.hpp"
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"
#include "leat/task/task.hpp"

namespace leat {

namespace http {
class body;
}

/// Moves everything that is left in `from` to `to`, and returns how many bytes that was. Between a plain socket and a regular local file the bytes
/// do not pass through the program (splice, sendfile); elsewhere they go through the buffers.
///
/// Completes when: the end of `from` is reached, and every byte has been handed to `to`: written bytes may still wait in its buffer, so close (or
/// flush) it as always. Neither is closed. Errors: those of the read and of the write. Cancellation: what was moved stays moved;
/// the number is lost, `tell()` and `body::received()` know it. Allocates: a pipe of the loop for socket to file. Source: shutil.copyfileobj, loop.sendfile.
task<std::uint64_t> copy(stream_reader& from, stream_writer& to);
task<std::uint64_t> copy(stream_reader& from, file& to);
task<std::uint64_t> copy(file& from, stream_writer& to);
task<std::uint64_t> copy(file& from, file& to);
task<std::uint64_t> copy(http::body& from, stream_writer& to);
task<std::uint64_t> copy(http::body& from, file& to);

/// The next `count` bytes of a file; fewer if it ends before.
task<std::uint64_t> copy(file& from, stream_writer& to, std::uint64_t count);

}  // namespace leat
