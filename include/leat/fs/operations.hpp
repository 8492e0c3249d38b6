#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "leat/fs/status.hpp"
#include "leat/io/duration.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// Gives a file or directory another name; what has that name is replaced at once, with no moment in between.
/// Completes when: the kernel has done it. Errors: `leat::error` "rename FROM to TO: …"; EXDEV for another file system, ENOTEMPTY, ENOENT ….
/// Cancellation: a call that has begun cannot be stopped; it is waited for, and its result stands. Dropping the task leaves it to the
/// loop. Threads: the loop's own; io_uring or a thread of the pool does it. Allocates: about 500 bytes meanwhile. Source: os.replace.
task<> rename(path from, path to);

/// Removes a file, a link or an empty directory.
/// Completes when: the kernel has done it. Errors: `leat::error` "remove NAME: …". Cancellation, threads, allocation: as `rename`. Source: os.remove, os.rmdir.
task<> remove(path name);

/// Removes a directory with all that is in it. Symbolic links are removed, not followed; a directory that somebody replaces by a link meanwhile
/// leads to an error and never out of the tree.
/// Completes when: all is gone. Errors: `leat::error` "remove_tree NAME: …" about the first that cannot be removed, where it stops; ENOTDIR if the name is not
/// a directory (or a link to one). Limits: 100,000 levels of depth (ELOOP); 32 descriptors.
/// Cancellation: stops after 256 names at most; what is removed is gone. Threads: calls run in the pool. Source: shutil.rmtree.
task<> remove_tree(path name);

/// Makes a directory, with these permissions less the umask.
/// Completes when: the kernel has done it. Errors: `leat::error` "make_directory NAME: …"; EEXIST, ENOENT …. Cancellation, threads, allocation: as `rename`.
/// Source: os.mkdir.
task<> make_directory(path name, unsigned permissions = 0777);
/// Makes a directory and those above it that are missing; one that exists is well.
/// Completes when: all are there. Errors: `leat::error` "make_directories NAME: …"; ENOTDIR if a file is in the way.
/// Cancellation: waits for the calls, and their result stands; may be called again. Threads: they run in the pool. Source: os.makedirs(exist_ok=True).
task<> make_directories(path name);

/// Sets the lower twelve bits of the mode; links are followed.
/// Completes when: the kernel has done it. Errors: `leat::error` "set_permissions NAME: …". Cancellation: waits for the call, and its result stands.
/// Threads: runs in the pool. Source: os.chmod.
task<> set_permissions(path name, unsigned permissions);
/// Sets both times, counted from 1970; links are followed.
/// Completes when: the kernel has done it. Errors: `leat::error` "set_times NAME: …". Cancellation: waits for the call, and its result stands.
/// Threads: runs in the pool. Source: os.utime.
task<> set_times(path name, duration accessed, duration modified);

/// A name in a directory.
struct listed_entry {
    std::string name;                   ///< without the directory
    file_kind kind = file_kind::other;  ///< of the name itself: links are not followed
};

/// The names in a directory, in no order, without "." and "..". Links are not followed.
/// Completes when: all are read. Errors: `leat::error` "list_directory NAME: …"; `limit_error` if there are more than `most`. Cancellation: stops after 1024 names at most.
/// Threads: reads in the pool. Source: os.scandir. For directories without measure: `scan_directory`.
task<std::vector<listed_entry>> list_directory(path name, std::size_t most = 1'000'000);

/// A directory that is read piece by piece:
/// `auto names = co_await leat::scan_directory(name); while (auto entry = co_await names.next()) …`
/// Holds one descriptor and 1024 names at most. To outlive the tasks that `next` returns; one at a time.
class directory_scan {
public:
    directory_scan() noexcept;
    directory_scan(directory_scan&&) noexcept;
    directory_scan& operator=(directory_scan&&) noexcept;
    ~directory_scan();

    /// Completes when: there is a name; mostly at once. @return nullopt at the end. Errors: `leat::error`; then the scan is over.
    /// Cancellation: no name is lost; call again. Threads: reads in the pool, 1024 names at a time.
    task<std::optional<listed_entry>> next();

private:
    friend task<directory_scan> scan_directory(path name);
    struct state;
    std::unique_ptr<state> state_;
};
/// Opens a directory to be read piece by piece.
/// Completes when: it is open; no name is read yet. Errors: `leat::error` "scan_directory NAME: …". Cancellation: nothing stays open. Threads: opens in the
/// pool. Source: os.scandir.
task<directory_scan> scan_directory(path name);

/// How far `walk` goes. Trivial, so that it may be written inside any expression.
struct walk_options {
    /// How far down: 1 is the directory's own names only.
    std::size_t depth = 1'000;
    /// How many directories may wait to be read.
    std::size_t pending = 1'000'000;
};

/// What `directory_walk::next` tells about.
struct walk_entry {
    leat::path path;                    ///< the name the walk began with, and what is below
    file_kind kind = file_kind::other;  ///< of the name itself: links are not followed
    std::size_t depth = 1;              ///< 1: in the directory itself
};

/// What is below a directory: `auto tree = leat::walk(name); while (auto entry = co_await tree.next()) …`. A directory comes before what is in it;
/// otherwise there is no order. Symbolic links are told about and not followed (but for the name itself), so that a circle of them ends.
/// Holds three descriptors at most, 1024 names, and the names of the directories that are still to be read.
class directory_walk {
public:
    /// As `walk`.
    directory_walk(path name, walk_options options);
    directory_walk(directory_walk&&) noexcept;
    directory_walk& operator=(directory_walk&&) noexcept;
    ~directory_walk();

    /// Completes when: there is a name. @return nullopt at the end.
    /// Errors: `leat::error` "walk NAME: …" for a directory that cannot be read. The walk goes on without it when called again; so
    /// `co_await (tree.next() | leat::as_result)` sees every error, and a plain `while` ends at the first. One that vanished meanwhile is no error.
    /// `limit_error` where more directories wait than the options allow; the rest is then left out.
    /// Cancellation: no name is lost; call again. Threads: reads in the pool.
    task<std::optional<walk_entry>> next();
    /// Leaves out what is in the directory that `next` has just told about.
    void skip() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};
/// Reads nothing yet. Source: os.walk, Path.rglob.
directory_walk walk(path name, walk_options options = {});

}  // namespace leat
