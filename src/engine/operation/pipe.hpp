#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/operation.hpp"

namespace leat::detail {

/// A read or a write on a pipe, a terminal, a device, or whatever standard input and output may be. Two ways: `polled`, for descriptors on which
/// the call itself does not block, where both engines only tell when to try; and called, for all others, where the engine or a thread blocks.
class pipe_operation : public operation {
public:
    enum class direction : std::uint8_t { in, out };

    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;

protected:
    pipe_operation(direction way, bool polled) noexcept
        : operation(!polled ? waits_for::file : way == direction::in ? waits_for::readable : waits_for::writable), way_(way) {}
    ~pipe_operation() = default;

    void use(int fd, bool is_socket) noexcept {
        fd_ = fd;
        is_socket_ = is_socket;
    }
    void target(char* memory, std::size_t size) noexcept {
        target_ = memory;
        target_size_ = size;
    }
    std::size_t target_size() const noexcept { return target_size_; }
    bool polled() const noexcept { return how() != waits_for::file; }
    /// Called by a polled operation just before it tries, so that one which waits owns no memory. 0, or -errno.
    virtual int find_target() noexcept { return 0; }
    /// One try, now: the number of bytes, or -errno.
    int transfer() noexcept;
    /// The same for what has completed. -EAGAIN: it is to be submitted again.
    int outcome(completion done) noexcept;

private:
    int once() noexcept;

    direction way_;
    bool is_socket_ = false;
    bool asks_only_ = false;   // what is in the ring is a poll
    bool poll_first_ = false;  // somebody made a shared descriptor non-blocking
    char* target_ = nullptr;
    std::size_t target_size_ = 0;
};

}  // namespace leat::detail
