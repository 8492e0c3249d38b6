#pragma once
#include "engine/operation.hpp"

namespace leat::detail {

/// A send on a connected socket. It may take less than all.
class send_operation : public operation {
public:
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;
    void complete(completion done) noexcept final { sent(done); }

protected:
    send_operation() noexcept : operation(waits_for::writable) {}
    ~send_operation() = default;
    virtual void sent(completion done) noexcept = 0;
    void source(char* from, std::size_t size) noexcept {
        from_ = from;
        from_size_ = static_cast<unsigned>(size);
    }
    char* source_data() const noexcept { return from_; }
    void send_to(int fd) noexcept { fd_ = fd; }

private:
    char* from_ = nullptr;
    unsigned from_size_ = 0;
};

}  // namespace leat::detail
