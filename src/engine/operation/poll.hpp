#pragma once
#include "engine/operation.hpp"

namespace leat::detail {

/// Waits until a descriptor that others read and write (c-ares's sockets, a splice) is ready.
class poll_operation : public operation {
public:
    enum class direction : std::uint8_t { in, out };

    poll_operation(int fd, direction way) noexcept : operation(way == direction::in ? waits_for::readable : waits_for::writable) { fd_ = fd; }
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;

protected:
    ~poll_operation() = default;
};

}  // namespace leat::detail
