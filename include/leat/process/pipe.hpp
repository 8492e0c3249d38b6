#pragma once
#include <string_view>

#include "leat/io/path.hpp"
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// Streams over pipes, FIFOs, terminals and devices. They behave as a connection's do (limit, lines, deferred flush, water marks), but for
/// two things: each has one direction, and closing or `write_eof` is the same and does not wait for the other side, only for the bytes
/// to be taken. What a reader has not asked for stays in the pipe, for whoever else reads it. A write to a pipe that nobody reads is an
/// error (EPIPE); from the first such stream on the signal SIGPIPE is ignored, unless the program has a handler of its own.
/// A dropped writer whose reader takes nothing for 30 s is cut, and that is logged.

/// Both ends of a pipe: `auto [reader, writer] = leat::open_pipe();`
struct pipe_ends {
    stream_reader reader;  ///< reads what the other end writes
    stream_writer writer;  ///< writes what the other end reads
};

/// A new pipe inside this program. Never waits. Errors: `leat::error` "open pipe: …" (EMFILE). Threads: the loop's own. Source: os.pipe.
pipe_ends open_pipe();

/// A stream over a descriptor that the program has from elsewhere: a pipe, a terminal, a socket, a regular file.
///
/// The descriptor stays the caller's, who may close it at once: leat uses one of its own, and never changes whether the given one blocks, as that
/// is shared with all who have inherited it. Where the kind allows no other way (a pty's master that blocks, some devices), reads and writes
/// are made by io_uring or in a thread; give such a descriptor O_NONBLOCK, if it is yours alone, to spare that.
/// Errors: `leat::error` "open descriptor 7: …" (EBADF if it is not open for that, EMFILE). Never waits. Threads: the loop's own.
/// Source: asyncio loop.connect_read_pipe, connect_write_pipe (which take the descriptor over).
stream_reader open_reader(int descriptor);
/// The same for writing.
stream_writer open_writer(int descriptor);

/// Opens a FIFO, which somebody has made with mkfifo, for reading.
/// Completes when: it is open, which waits for nobody. The first read waits for a writer; the end comes when the last writer has closed.
/// Errors: `leat::error` "open PATH: …" (EINVAL if it is no FIFO). Cancellation: nothing stays open. Allocates: the stream.
task<stream_reader> open_fifo_reader(path name);

/// Opens a FIFO for writing.
/// Completes when: a reader has opened it. Errors: as `open_fifo_reader`. Cancellation: ends the wait for a reader; nothing stays open. A thread of io_uring or of the pool waits meanwhile.
task<stream_writer> open_fifo_writer(path name);

}  // namespace leat
