#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "engine/owned_descriptor.hpp"

namespace leat::detail {

/// Calls on names that io_uring has no form for, or that belong together: made in a thread. Each returns what the system call does, or -errno.

int read_link(const char* name, std::string& into) noexcept;
int set_permissions(const char* name, unsigned permissions) noexcept;
/// Both since 1970.
int set_times(const char* name, std::int64_t accessed_ns, std::int64_t modified_ns) noexcept;

/// Twelve letters that nobody can guess.
std::string random_letters();

/// A name that is removed with its owner unless it is taken out: nobody may be left to take what a thread has made.
class owned_name {
public:
    owned_name() = default;
    /// In this directory, or wherever the name leads by itself.
    owned_name(std::string name, bool folder, int directory = in_working_directory) noexcept : name_(std::move(name)), directory_(directory), folder_(folder) {}
    owned_name(owned_name&& other) noexcept : name_(other.take()), directory_(other.directory_), folder_(other.folder_) {}
    owned_name& operator=(owned_name&& other) noexcept {
        std::swap(name_, other.name_);
        std::swap(directory_, other.directory_);
        std::swap(folder_, other.folder_);
        return *this;
    }
    ~owned_name();
    const std::string& get() const noexcept { return name_; }
    std::string take() noexcept { return std::exchange(name_, {}); }

private:
    static constexpr int in_working_directory = -100;  // AT_FDCWD
    std::string name_;
    int directory_ = in_working_directory;
    bool folder_ = false;
};

struct made_temporary {
    int error = 0;
    owned_descriptor file;  // none for a directory
    owned_name name;        // empty: it has none
    bool local = false;
};
made_temporary make_temporary(const std::string& directory, const std::string& prefix, const std::string& suffix, bool named) noexcept;
made_temporary make_temporary_folder(const std::string& directory, const std::string& prefix, const std::string& suffix) noexcept;
/// Gives an unnamed file this name, in place of what has it.
int name_unnamed(int file, const std::string& to) noexcept;
int rename_directly(const char* from, const char* to) noexcept;
int remove_directly(const char* name) noexcept;

/// fchmod. 0, or -errno.
int restrict_file(int file, unsigned permissions) noexcept;

/// A new file that is to take the place of another.
struct replacing {
    int error = 0;
    owned_descriptor directory;
    owned_descriptor file;      // for writing
    std::string name;           // in the directory, with the links followed
    owned_name temporary;       // in the directory; empty: the file has no name yet
    bool local = false;
};
replacing begin_replacing(const std::string& name) noexcept;
/// The file, written and synced, takes its place. 0, or -errno: then nothing has changed and the temporary name is still there.
int take_place(int directory, int file, const std::string& temporary, const std::string& name) noexcept;
/// fsync of a directory; 0 where the file system knows no such thing.
int sync_directory(int directory) noexcept;

}  // namespace leat::detail
