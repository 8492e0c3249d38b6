#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "leat/fs/file.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// Where temporary files go and what they are called. Trivial, so that it may be written inside any expression.
struct temporary_options {
    std::string_view directory{};       ///< empty: $TMPDIR, or /tmp
    std::string_view prefix = "leat-";  ///< how the names begin; without a '/'
    std::string_view suffix{};          ///< how they end; without a '/'
    bool named = false;                 ///< for files: others are to open it by its name
};

/// A file for reading and writing that is gone with its scope, also after an exception. Only the owner may open it (0600). Where the
/// file system can (O_TMPFILE) it has no name at all, unless one is asked for, and then not even a killed process leaves it behind.
///
/// The name is removed when the object dies, at once: the descriptor is still open, so that only the name goes and nothing has to be waited for;
/// on a file system that may wait for a network the loop does it. A `file` that is moved out of it stays open and loses its name.
class temporary_file : public file {
public:
    temporary_file() = default;
    temporary_file(temporary_file&& other) noexcept;
    temporary_file& operator=(temporary_file&& other) noexcept;
    ~temporary_file();

    /// Empty if it has none.
    const leat::path& name() const noexcept { return name_; }
    /// Writes out what is buffered and gives the file this name for good, in place of what has it; it stays open.
    /// Completes when: it has the name. Errors: of the writes; `leat::error` "persist NAME: …"; EXDEV if the name is on another file system: then use `copy_file`. The file stays temporary.
    /// Cancellation: a call that has begun is waited for, and its result stands. Threads: runs in the pool. Not synced: see `replace_file`.
    task<> persist(leat::path to);

private:
    friend task<temporary_file> make_temporary_file(std::string directory, std::string prefix, std::string suffix, bool named);
    void discard() noexcept;
    leat::path name_;
    bool local_ = false;
};

/// Makes a temporary file.
/// Completes when: it is open. Errors: `leat::error` "open_temporary_file DIRECTORY: …"; EINVAL for a '/' in the prefix or suffix. Cancellation: nothing stays.
/// Threads: runs in the pool. Source: tempfile.TemporaryFile, NamedTemporaryFile.
task<temporary_file> open_temporary_file(temporary_options options = {});

/// A directory that is removed with all that is in it when its scope ends, also after an exception. Only the owner may enter it (0700).
///
/// A tree may be large, so what is dropped belongs to the loop, which removes it in a thread and waits for that within `run`'s linger time;
/// outside of a loop it is removed at once. A failure is logged. `close` tells about it.
class temporary_directory {
public:
    temporary_directory() = default;
    temporary_directory(temporary_directory&& other) noexcept;
    temporary_directory& operator=(temporary_directory&& other) noexcept;
    ~temporary_directory();

    /// Empty if it is closed or kept.
    const leat::path& path() const noexcept { return path_; }
    /// The name of something in it.
    friend leat::path operator/(const temporary_directory& in, std::string_view name) { return in.path_ / name; }

    /// Removes it now; does nothing if it is closed or kept.
    /// Completes when: all is gone. Errors: of `remove_tree`. Cancellation: as `remove_tree`; cancelled or failed, it may be called again, and the loop tries again
    /// when the object dies.
    task<> close();
    /// Keeps it for good. @return its name.
    leat::path release() noexcept;

private:
    friend task<temporary_directory> make_temporary_directory(std::string directory, std::string prefix, std::string suffix);
    void discard() noexcept;
    leat::path path_;
};

/// Makes a temporary directory; of the options, `named` means nothing here.
/// Completes when: it is there. Errors: `leat::error` "make_temporary_directory DIRECTORY: …"; EINVAL for a '/' in the prefix or suffix. Cancellation: nothing stays.
/// Threads: runs in the pool. Source: tempfile.TemporaryDirectory.
task<temporary_directory> make_temporary_directory(temporary_options options = {});

}  // namespace leat
