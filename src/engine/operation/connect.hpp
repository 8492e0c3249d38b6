#pragma once
#include "engine/operation.hpp"
#include "engine/socket.hpp"
#include "leat/net/address.hpp"

namespace leat::detail {

/// A connect of a stream socket.
class connect_operation : public operation {
public:
    connect_operation(int fd, const address& to) noexcept;
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;

protected:
    ~connect_operation() = default;

private:
    alignas(8) unsigned char storage_[sockaddr_room];  // the sockaddr, which has to outlive the call
    unsigned length_;
    bool begun_ = false;
};

}  // namespace leat::detail
