#include "leat/task/to_thread.hpp"

#include <cerrno>

#include "task/loop.hpp"

namespace leat::detail {

/// The call as an operation that only the pool can run.
class thread_job final : public operation {
public:
    explicit thread_job(thread_awaiter_base& owner) noexcept : operation(waits_for::thread), owner_(owner) {}
    void prepare(io_uring_sqe&) noexcept override {}
    completion attempt(scratch_buffer) noexcept override {
        owner_.call();
        return {.result = 0};
    }
    void complete(completion done) noexcept override {
        if (done.result == -ECANCELED) return owner_.wake_cancelled();
        if (done.result < 0) owner_.error_ = std::make_exception_ptr(error(-done.result, "to_thread", "no thread could be started"));
        owner_.wake();
    }

private:
    thread_awaiter_base& owner_;
};

thread_awaiter_base::thread_awaiter_base() = default;
thread_awaiter_base::~thread_awaiter_base() = default;

bool thread_awaiter_base::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    job_ = std::make_unique<thread_job>(*this);
    loop::current().submit(*job_);
    return true;
}

void thread_awaiter_base::cancel() noexcept {
    // Completes with ECANCELED if it has not begun; else the call is waited for.
    loop::current().cancel(*job_);
}

void thread_awaiter_base::settle() noexcept {
    if (job_ && job_->in_flight()) loop::current().pool().wait_for(*job_);
}

}  // namespace leat::detail
