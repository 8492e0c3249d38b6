#pragma once
#include <cstdint>

#include "leat/fs/file.hpp"
#include "leat/io/path.hpp"
#include "leat/io/writer.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// May the copy share the original's blocks until one of the two is changed (btrfs, XFS)?
enum class reflink : std::uint8_t {
    automatic,  ///< where the file system can
    never,
    always,  ///< or the copy fails with EOPNOTSUPP
};

/// How `copy_file` copies. Trivial, so that it may be written inside any expression.
struct copy_options {
    bool overwrite = true;             ///< else EEXIST
    bool preserve_permissions = true;  ///< a new file gets 0666 less the umask otherwise
    bool preserve_times = false;       ///< the times of access and modification
    leat::reflink reflink = leat::reflink::automatic;  ///< whether blocks may be shared
};

/// Copies a regular file inside the kernel: reflink, copy_file_range, sendfile, or a plain copy, whichever is the first to work. Holes stay holes.
/// Symbolic links are followed on both sides. Not atomic: see `replace_file`.
/// Completes when: everything is handed to the kernel. @return the size in bytes.
/// Errors: `leat::error` "copy_file FROM to TO: …"; EINVAL for what is no regular file, or for twice the same file. A copy that fails or
/// is cancelled is removed if it was not there before; one that was is left as far as it got.
/// Cancellation: stops within 16 MiB. Threads: runs in the pool, 16 MiB at a time. Source: shutil.copyfile, shutil.copy2.
task<std::uint64_t> copy_file(path from, path to, copy_options options = {});

/// Sends `count` bytes of a file from an offset on, fewer if it ends before; what is in the page cache goes to a plain socket without passing through
/// the program. The file's position is then behind the last byte sent.
/// Completes when: every byte has been handed to `to`. @return how many bytes were sent. Errors: those of `file::seek`, of the read and of the write.
/// Cancellation: what was handed over stays so; the number is lost, `tell()` knows where it stopped. Source: loop.sendfile.
task<std::uint64_t> send_file(stream_writer& to, file& from, std::uint64_t offset = 0, std::uint64_t count = ~std::uint64_t{0});

}  // namespace leat
