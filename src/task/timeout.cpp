#include "leat/task/timeout.hpp"

#include "leat/task/shield.hpp"

namespace leat::detail {

inner_strand::strand_type::strand_type(context* up, inner_strand& in) noexcept
    : context(up, [](context& ended) noexcept { static_cast<strand_type&>(ended).owner.wake_now(); }), owner(in) {}

bool inner_strand::run(promise_base& frame, promise_base& first, std::source_location at, bool shielded) noexcept {
    inner_.emplace(frame.strand, *this);
    if (shielded) inner_->cancelled = false;
    // Set before the inside runs: it may be cancelled from within.
    suspend_regardless(frame, at);
    if (!start_strand(*inner_, first)) return false;
    leave();
    return true;
}

bool timeout_base::start(promise_base& frame, promise_base& first, std::source_location at) {
    outer_cancelled_ = frame.strand->cancelled;
    arm(limit_);
    if (!run(frame, first, at, false)) return true;
    disarm();
    return false;
}

void timeout_base::expired() noexcept {
    fired_ = true;
    inner_->cancel();
}

void timeout_base::cancel() noexcept {
    outer_cancelled_ = true;
    inner_->cancel();
}

std::exception_ptr timeout_base::verdict(std::exception_ptr inside) noexcept {
    if (!fired_ || outer_cancelled_ || !is_cancelled(inside)) return inside;
    auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit_).count();
    return std::make_exception_ptr(timeout_error("timed out after " + std::to_string(milliseconds) + " ms"));
}

}  // namespace leat::detail
