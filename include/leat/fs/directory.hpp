#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "leat/fs/file.hpp"
#include "leat/fs/status.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// What `directory::open` found.
struct found_file {
    file_status status;  ///< what it is
    leat::file content;  ///< open for reading if it is a regular file; else empty
};

/// One name of a `directory_listing`.
struct directory_entry {
    std::string name;    ///< without the directory
    file_status status;  ///< what it leads to
};

/// What `directory::list` found.
struct directory_listing {
    std::vector<directory_entry> entries;  ///< in no order; without "." and ".."
    bool complete = true;                  ///< false: there are more
};

/// A directory that names are resolved beneath, for programs that open files whose names come from strangers. No name leads out of it: neither
/// ".." nor a symbolic link, nor a rename meanwhile. What is neither a file nor a directory is told about and never opened.
/// Threads: the loop's own. To outlive the tasks that its functions return.
class directory {
public:
    directory() noexcept;
    directory(directory&&) noexcept;
    directory& operator=(directory&&) noexcept;
    ~directory();

    /// The name it was opened by.
    const leat::path& path() const noexcept { return path_; }

    /// Opens a file for reading, by a name relative to the directory ("" is the directory itself).
    /// Completes when: it is open; at once where the kernel knows the name already. Errors: `leat::error` "open PATH: …" with ENOENT, EACCES …, and EXDEV for
    /// a name that leads out. Cancellation: nothing stays open.
    task<found_file> open(std::string relative) const;
    /// The names in a directory below this one, at most `most`; links that lead out or nowhere are left out.
    /// Completes when: they are read. Errors: `leat::error` "list PATH: …", as for `open`; ENOTDIR. Limits: `most` names; `complete` tells whether that is all.
    /// Cancellation: waits for the listing, which is lost; call again. Threads: reads in a thread of the pool.
    task<directory_listing> list(std::string relative, std::size_t most = 10'000) const;

private:
    friend task<directory> open_directory(leat::path name);
    struct handle;
    leat::path path_;
    std::unique_ptr<handle> handle_;
};

/// Opens a directory.
/// Completes when: it is open. Errors: `leat::error` "open PATH: …". Cancellation: nothing stays open. Threads: opens in a thread of the pool.
task<directory> open_directory(path name);

}  // namespace leat
