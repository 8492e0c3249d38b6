#pragma once
#include "engine/operation.hpp"

namespace leat::detail {

/// A read of a pipe, an eventfd or a terminal: epoll tells when, and io_uring waits by itself.
class descriptor_read : public operation {
public:
    descriptor_read(int fd, void* into, std::size_t size) noexcept : operation(waits_for::readable), into_(into), size_(size) { fd_ = fd; }
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;

private:
    void* into_;
    std::size_t size_;
};

}  // namespace leat::detail
