#pragma once
#include "engine/operation.hpp"
#include "engine/socket.hpp"

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
    /// While complete() is told of a connection: whose it is, where the call said so. A standing accept of io_uring does not.
    address accepted_peer() const noexcept { return length_ != 0 ? from_sockaddr(storage_, length_) : address{}; }

private:
    alignas(8) unsigned char storage_[sockaddr_room];
    unsigned length_ = 0;
};

}  // namespace leat::detail
