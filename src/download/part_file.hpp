#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "download/made_directories.hpp"
#include "leat/fs/file.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// The directory that a job's files go to.
class target_directory {
public:
    target_directory() = default;
    target_directory(const target_directory&) = delete;
    target_directory& operator=(const target_directory&) = delete;
    ~target_directory();

    /// Makes it if it is not there. `sync`: its files will be synced. Throws leat::error.
    task<> prepare(path name, bool sync = false);

    const path& name() const noexcept { return name_; }
    int descriptor() const noexcept { return fd_; }
    /// May files in it be created and renamed by direct calls?
    bool local() const noexcept { return local_; }
    /// What was made for its files; null: those are not synced.
    const std::shared_ptr<made_directories>& made() const noexcept { return made_; }
    mutable bool unnamed_files = true;  // until the file system says no

private:
    path name_;
    int fd_ = -1;
    bool local_ = false;
    std::shared_ptr<made_directories> made_;  // a thread's too, which may outlive the job
};

/// How a part file is called.
enum class part_naming : std::uint8_t {
    findable,  // ".NAME.leat-part": a later job finds it by the name of its target
    unique,    // none where the file system can do that, and ".NAME.leat-XXXXXX.part" once it is needed
};

/// A file under a temporary name beside its target, until it is complete. Removed if it never is, unless it is to be kept for a later job.
class part_file {
public:
    /// `name`: below the directory, or absolute.
    part_file(const target_directory& in, std::string_view name);
    part_file(const part_file&) = delete;
    part_file& operator=(const part_file&) = delete;
    ~part_file();

    /// The short way for content that is at hand, without create(): a file without a name is written and then named, which costs less than a
    /// rename and leaves nothing behind even after SIGKILL. False where that is not possible; then nothing has been done. Throws leat::error.
    bool save_at_once(std::string_view content);

    /// Creates it, and the directories that its name needs. A findable one that was left behind is replaced, and one that another process is writing
    /// is left alone: then this one's name is unique. Throws leat::error.
    task<> create(part_naming naming);
    /// Opens the one that an earlier job has left, if it is the very same file. False: it is not there, is another one, or holds less than `size` bytes,
    /// and is then removed with this object.
    task<bool> reopen(std::string part_name, std::uint64_t inode, std::uint64_t size);
    /// Is there one?
    bool is_open() const noexcept { return fd_ >= 0; }
    int descriptor() const noexcept { return fd_; }
    std::uint64_t inode() const noexcept;
    const std::string& part_name() const noexcept { return part_; }
    bool direct() const noexcept { return direct_; }
    bool findable() const noexcept { return findable_; }

    /// Has the disk keep room for these bytes. Throws leat::error if it has none.
    task<> keep_room(std::uint64_t from, std::uint64_t end);
    /// To write from an offset on; it belongs to the caller, who closes it before finish(). Several may be there at once. Throws leat::error.
    file writer(std::uint64_t offset) const;
    /// Gives it its own name, after the disk has it if `sync`; then the disk has that name as well, with those of the directories that were made for it.
    /// Throws leat::error.
    task<> finish(bool sync);
    /// Gives one that has no name part_name(), for a later job. To be called once the journal knows that name: nobody else would ever look for it.
    void appear() noexcept;
    /// It stays when this object goes.
    void keep() noexcept {
        appear();
        exists_ = false;
    }
    /// Closes and removes it.
    void discard() noexcept;

private:
    [[noreturn]] void fail(const char* operation, int result) const;
    task<> make_parents() const;
    void write_all(std::string_view content);
    void close_now();
    path full() const;

    const target_directory& in_;
    std::string name_;
    std::string part_;
    int fd_ = -1;
    std::uint64_t inode_ = 0;
    bool direct_ = false;
    bool findable_ = false;
    bool unnamed_ = false;
    bool naming_ = false;  // finish() runs, perhaps in a thread
    bool exists_ = false;  // under the temporary name, to be removed with this object
};

}  // namespace leat::detail
