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

/// Moves everything that is left in `from` to `to`, and returns how many bytes that was. Large pieces of a cached regular file go to a plain socket
/// (sendfile), and a large HTTP body from one to a regular file (splice), without passing through the program; all else goes through the buffers.
///
/// Completes when: the end of `from` is reached, and every byte has been handed to `to`: written bytes may still wait in its buffer, so close (or
/// flush) it as always. Neither is closed. @return the number of bytes. Errors: those of the read and of the write. Cancellation: what was moved stays moved;
/// the number is lost, `tell()` and `body::received()` know it. Allocates: the buffers, from a pool of the loop; a pipe for a splice. Source: shutil.copyfileobj, loop.sendfile.
task<std::uint64_t> copy(stream_reader& from, stream_writer& to);
/// The same from a connection to a file.
task<std::uint64_t> copy(stream_reader& from, file& to);
/// The same from a file, from its position on, to a connection (sendfile where the file is large and cached).
task<std::uint64_t> copy(file& from, stream_writer& to);
/// The same between two open files, through the buffers; for whole files by name `copy_file` is cheaper.
task<std::uint64_t> copy(file& from, file& to);
/// The same from what is left of a body to a connection. Errors: also those of `http::body::read`.
task<std::uint64_t> copy(http::body& from, stream_writer& to);
/// The same from what is left of a body to a file; a large one of a known size, over plain TCP, is spliced.
task<std::uint64_t> copy(http::body& from, file& to);

/// The same for the next `count` bytes of a file; fewer if it ends before.
task<std::uint64_t> copy(file& from, stream_writer& to, std::uint64_t count);

}  // namespace leat
