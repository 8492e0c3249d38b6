#pragma once
#include <memory>
#include <string_view>

#include "leat/fs/file.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// Puts new content in place of a file's so that at any moment, also after a crash, the name stands for the whole old content or the whole new
/// one: a temporary file beside it, fsync, rename, fsync of the directory.
/// The file keeps its permissions, and its owner as far as the process may give files away; access lists and extended attributes are not
/// kept, and further hard links keep the old content. A new file gets 0666 less the umask. A symbolic link stays one: what it leads to is replaced.
///
/// Completes when: the new content is on the device under its name. Errors: `leat::error` "replace NAME: …"; EISDIR, EINVAL for what is no regular
/// file. Nothing temporary stays behind, and the old content stands, unless only the sync of the directory failed ("sync directory of NAME").
/// Cancellation: before the renaming begins the old content stands; once it has begun it is waited for and its result stands. `content` is to
/// outlive the task. Threads: calls run in the pool. Source: the recipe that Python leaves to os.replace and os.fsync.
task<> replace_file(path name, std::string_view content);

/// The same piece by piece: a file open for writing that takes the place of another by `commit()`. Dropped before that, it changes nothing.
class replacement : public file {
public:
    replacement();
    replacement(replacement&&) noexcept;
    replacement& operator=(replacement&&) noexcept;
    ~replacement();

    /// Writes out, syncs, takes the place, syncs the directory, closes. Once only: then it is closed.
    /// Completes when: the new content is on the device under its name. Errors: those of `replace_file`, and of what was written. Cancellation: as `replace_file`;
    /// where nothing has been replaced, it may be called again. Threads: calls run in the pool.
    task<> commit();

private:
    friend task<replacement> open_replacement(leat::path name);
    struct state;
    std::unique_ptr<state> state_;
};
/// Begins a replacement: a temporary file beside the one that is to be replaced.
/// Completes when: it is open for writing. Errors: those of `replace_file`, as far as they can be known before writing. Cancellation: nothing stays.
/// Threads: runs in the pool.
task<replacement> open_replacement(path name);

}  // namespace leat
