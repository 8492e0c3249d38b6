#pragma once
#include <array>
#include <string>
#include <string_view>

namespace leat::detail {

/// Calls for the journal's file. They block, and give 0 or what was asked for, or -errno.

/// Opens a regular file for reading and writing and locks it against other journals, by an open-file-description lock on a byte that SQLite locks nothing at:
/// its own locks belong to the process, which may run two jobs, and go when any descriptor of the file is closed there. -EAGAIN: another has it; -ENODEV: no regular file.
int open_and_lock(const char* path) noexcept;
/// The first bytes of the file; how many there are.
int read_header(int fd, std::array<unsigned char, 100>& header) noexcept;
/// Makes a file with that content, on the disk and locked before it has its name; -EEXIST if the name is taken. The descriptor. For its owner only: URLs may hold
/// passwords.
int publish_locked(const std::string& path, std::string_view content);
void close_file(int fd) noexcept;
/// 0 as well if there is none.
int remove_file(const std::string& path) noexcept;
/// Everything of that descriptor's file system.
int sync_file_system(int fd) noexcept;
/// The directory that a file is in.
int sync_directory_of(const std::string& path);
/// Unlike that of every other boot of this machine; empty if it is not known.
std::string boot_id();

}  // namespace leat::detail
