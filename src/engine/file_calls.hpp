#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leat::detail {

/// File calls made directly, since they do not block: regular files on local file systems. Each returns what the system call does,
/// or -errno.

/// What stands at a path, and whether direct calls are allowed for it.
struct file_facts {
    int error = 0;             // an errno value: ENOENT and the like
    bool regular = false;
    bool local = false;        // on a file system whose calls do not wait for a network
    std::int64_t size = 0;
};
file_facts facts_of(const char* path) noexcept;
file_facts facts_of(int fd) noexcept;

/// Never blocks on a FIFO (O_NONBLOCK is added, which means nothing to a regular file).
int open_directly(const char* path, int flags, unsigned mode) noexcept;
/// What the page cache holds, without a disk access; -EAGAIN if it holds nothing.
long read_cached(int fd, char* into, std::size_t size, std::int64_t offset) noexcept;
/// Into the page cache. At -1: where the descriptor stands.
long write_directly(int fd, const char* from, std::size_t size, std::int64_t offset) noexcept;
int close_directly(int fd) noexcept;
std::int64_t size_of(int fd) noexcept;
bool can_seek(int fd) noexcept;

/// The errno flags and the open(2) flags of a mode in Python's spelling ("r", "w", "a", "x", with "+" and "b"); -1 if it is none.
int open_flags(std::string_view mode) noexcept;

/// From the page cache to a socket; -EAGAIN: the socket is full.
long send_directly(int socket, int file, std::int64_t offset, std::size_t size) noexcept;

/// Do these flags open to append?
bool appends(int flags) noexcept;
int truncate_directly(int fd, std::int64_t size) noexcept;

/// Has a file of this directory been seen to be local? A small memory, of the thread.
bool is_known_local(std::string_view directory) noexcept;
void remember_local(std::string_view directory);

}  // namespace leat::detail
