#pragma once
#include <string>
#include <vector>

namespace leat::detail {

/// Calls on names in a directory, made directly: for local file systems, or in a thread. Each returns what the system call does, or -errno.

/// Makes a directory and those above it that are missing; 0 if it is there already.
int make_directories(const std::string& path) noexcept;
/// The same; those that were not there are added to the list, also if it fails.
int make_directories_telling(const std::string& path, std::vector<std::string>& made) noexcept;
/// The one that a path's last name is in.
std::string directory_above(std::string path);
int open_directory_directly(const char* path) noexcept;
int open_directory_at(int directory, const char* name) noexcept;
/// Creates a file for writing; -EEXIST if the name is taken.
int create_new_at(int directory, const char* name) noexcept;
/// A file for writing that has no name yet, in this directory's file system; -EOPNOTSUPP or -EISDIR where there is no such thing.
int create_unnamed_at(int directory, const char* in = ".") noexcept;
/// Gives it a name; -EEXIST if that is taken.
int name_at(int unnamed_file, int directory, const char* name) noexcept;
int rename_at(int directory, const char* from, const char* to) noexcept;
int remove_at(int directory, const char* name) noexcept;

}  // namespace leat::detail
