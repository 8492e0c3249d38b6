#pragma once
#include "engine/operation.hpp"

namespace leat::detail {

/// A standing accept on a listening socket: a completion a connection.
class accept_operation : public operation {
public:
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;
    repetition repeats() const noexcept final { return repetition::burst; }

protected:
    accept_operation() noexcept : operation(waits_for::readable) {}
    ~accept_operation() = default;
    void accept_from(int fd) noexcept { fd_ = fd; }
};

}  // namespace leat::detail
