#pragma once
#include "engine/operation.hpp"

namespace leat::detail {

/// A receive on a connected socket. Without memory of its own it stands, and what arrives comes in the engine's shared buffers;
/// with a target it is one receive straight into that.
class receive_operation : public operation {
public:
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer scratch) noexcept final;
    repetition repeats() const noexcept final { return into_ ? repetition::none : repetition::each_event; }
    void complete(completion done) noexcept final { received(done); }

protected:
    receive_operation() noexcept : operation(waits_for::readable) {}
    ~receive_operation() = default;
    virtual void received(completion done) noexcept = 0;
    void target(char* into, std::size_t size) noexcept {
        into_ = into;
        into_size_ = static_cast<unsigned>(size);
    }
    bool has_target() const noexcept { return into_ != nullptr; }
    const char* target_data() const noexcept { return into_; }
    void receive_from(int fd) noexcept { fd_ = fd; }

private:
    char* into_ = nullptr;
    unsigned into_size_ = 0;
};

}  // namespace leat::detail
