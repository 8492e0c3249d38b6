#pragma once
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"

namespace leat {

/// This program's standard input, output and error as streams, whatever they are: a terminal, a pipe, a socket, a regular file, /dev/null.
///
/// Nothing that the shell or other processes share is changed: a terminal does not become non-blocking for them. Closing or dropping a stream leaves
/// descriptors 0, 1 and 2 open. Keep one stream for each: two readers take each other's bytes, and two writers' bytes go out in the order of
/// their flushes. There is no order with what `printf` or `std::cout` buffer. What is written is sent before the loop next waits; end with
/// `co_await output.close()`, which waits as long as it takes and reports errors: a writer that is merely dropped has `run`'s linger time (5 s) left.
/// Errors: `leat::error` "open standard input: …" if it is closed (EBADF), "write standard output: Broken pipe …" if nobody reads any more.
/// Never wait. Threads: the loop's own. Source: sys.stdin, asyncio loop.connect_read_pipe(…, sys.stdin).
stream_reader standard_input();
/// The same for standard output.
stream_writer standard_output();
/// The same for standard error.
stream_writer standard_error();

}  // namespace leat
