#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

namespace leat::detail {

/// A pipe by which bytes go from a socket to a file inside the kernel. Taken from a small cache of the thread and given back to it.
class splice_pipe {
public:
    /// Invalid if there is none to be had (EMFILE): then copy through a buffer.
    static splice_pipe take() noexcept;
    /// Closes those in the calling thread's cache.
    static void close_kept() noexcept;

    splice_pipe() = default;
    splice_pipe(splice_pipe&& other) noexcept
        : in_(std::exchange(other.in_, -1)), out_(std::exchange(other.out_, -1)), size_(other.size_), held_(std::exchange(other.held_, 0)) {}
    splice_pipe& operator=(splice_pipe&& other) noexcept {
        std::swap(in_, other.in_);
        std::swap(out_, other.out_);
        std::swap(size_, other.size_);
        std::swap(held_, other.held_);
        return *this;
    }
    ~splice_pipe();

    explicit operator bool() const noexcept { return in_ >= 0; }
    /// How much goes in at once: 1 MiB where the system allows it.
    std::size_t size() const noexcept { return size_; }

    /// Takes what a non-blocking socket has: the number of bytes, 0 at its end, -EAGAIN if there is nothing yet, or another -errno.
    long fill(int socket, std::size_t most) noexcept;
    /// Moves everything in the pipe to the file at this offset: 0, or -errno, and then what is left in the pipe is lost.
    int drain(int file, std::int64_t offset) noexcept;

private:
    friend class pipe_cache;
    void close() noexcept;

    int in_ = -1;
    int out_ = -1;
    std::size_t size_ = 0;
    std::size_t held_ = 0;
};

}  // namespace leat::detail
