#pragma once
#include <string>
#include <string_view>

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

    /// Makes it if it is not there. Throws leat::error.
    task<> prepare(path name);

    const path& name() const noexcept { return name_; }
    int descriptor() const noexcept { return fd_; }
    /// May files in it be created and renamed by direct calls?
    bool local() const noexcept { return local_; }
    mutable bool unnamed_files = true;  // until the file system says no

private:
    path name_;
    int fd_ = -1;
    bool local_ = false;
};

/// A file under a temporary name beside its target, until it is complete. Removed if it never is.
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
    /// Creates it, and the directories that its name needs. Throws leat::error.
    task<> create();
    /// Writes the whole content, which is at hand, closes and renames. Throws leat::error.
    task<> finish_with(std::string_view content);
    /// For content that comes bit by bit: the file, which belongs to the caller from now on, who closes it before finish().
    file take_file();
    /// Gives it its own name. Throws leat::error.
    task<> finish();

private:
    [[noreturn]] void fail(const char* operation, int result) const;
    bool direct() const noexcept { return direct_; }
    void write_all(std::string_view content);
    void close_now();
    path full() const;

    const target_directory& in_;
    std::string name_;
    std::string part_;
    int fd_ = -1;
    bool direct_ = false;
    bool exists_ = false;  // under the temporary name
};

}  // namespace leat::detail
