#pragma once
#include <cstddef>
#include <cstdint>

namespace leat::detail {

/// Calls on a file that comes bit by bit, made directly: for local file systems, or in a thread. Names are below the directory, or absolute. Each returns what
/// the system call does, or -errno.

/// What tells one state of a file from another.
struct file_stamp {
    int error = 0;                // an errno value; then nothing else counts
    bool regular = false;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // since 1970
};
file_stamp stamp_at(int directory, const char* name) noexcept;
file_stamp stamp_of(int fd) noexcept;

/// Creates a file for reading and writing; -EEXIST if the name is taken.
int create_part_at(int directory, const char* name) noexcept;
/// Opens one that is there; never through a symbolic link.
int open_part_at(int directory, const char* name) noexcept;
/// Another descriptor of the same open file.
int duplicate(int fd) noexcept;
/// Takes the lock that says that somebody writes this file; -EWOULDBLOCK: another process has it. It goes with the last descriptor.
int lock_now(int fd) noexcept;
/// May block: for threads.
int sync_data(int fd) noexcept;
/// Has the disk keep room for these bytes, which the file's size does not tell. -ENOSPC, -EDQUOT, -EFBIG: there is none, and none is taken. 0 as well where
/// the file system cannot do it. May block: for threads.
int keep_room(int fd, std::uint64_t from, std::uint64_t end) noexcept;
long read_at(int fd, char* into, std::size_t size, std::uint64_t offset) noexcept;

}  // namespace leat::detail
