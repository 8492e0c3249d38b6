#pragma once
#include <cstdint>

namespace leat::detail {

/// A descriptor of leat's own and how it may be used without ever blocking the loop.
struct usable_descriptor {
    enum class way : std::uint8_t {
        polled,  // the call never blocks; the engine tells when to try
        called,  // the call may block: io_uring or a thread makes it
        direct,  // a regular file on a local file system
    };
    int fd = -1;               // or -errno
    way how = way::called;
    bool is_socket = false;
    bool is_shared = false;    // others have the same open file description
    bool is_pty_master = false;  // whose end is told as EIO
};

/// Another descriptor for what `given` stands for. Whether a description blocks is shared with everyone who has inherited it (the shell's
/// terminal), so it is left as it is: pipes and terminals are opened once more, and others are used in ways that do not ask for it.
usable_descriptor usable_copy(int given, bool writes) noexcept;

/// Was it inherited, and is it not one that leat itself was given because standard input was closed? Those of leat are close-on-exec.
bool is_inherited(int fd) noexcept;

struct pipe_pair {
    int read_end = -1;  // or -errno
    int write_end = -1;
};
/// Close-on-exec; which ends do not block is chosen for each, as the two are descriptions of their own.
pipe_pair make_pipe(bool non_blocking_read, bool non_blocking_write) noexcept;

/// For open(2): reading does not wait for a writer, writing waits for a reader.
int flags_to_open_fifo(bool writes) noexcept;
/// For a FIFO that has just been opened: from now on its calls do not block. 0, or -errno; -EINVAL if it is no FIFO.
int keep_from_blocking(int fd) noexcept;

/// A write to a pipe that nobody reads is an error and no longer the end of the process, unless the program has chosen something itself.
void ignore_broken_pipes() noexcept;

}  // namespace leat::detail
