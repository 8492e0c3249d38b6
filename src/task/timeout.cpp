#include "leat/task/timeout.hpp"
#include "io/error_from.hpp"

#include <stdexcept>
#include <string>

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
    inner_->top = nullptr;
    // It has ended, but the others have their turn first. In a cancelled scope the next await is the cancellation point; a shield has none.
    if (!spend() && (shielded || !frame.strand->cancelled)) {
        wake();
        return false;
    }
    leave();
    return true;
}

timeout_base::~timeout_base() { settle(); }

void timeout_base::settle() noexcept {
    if (armed()) disarm();
    if (limit_.shared && limit_.shared->waiting_ == this) limit_.shared->waiting_ = nullptr;
}

void timeout_base::arm_for(time_point when) noexcept {
    if (when == time_point::max())
        disarm();
    else
        arm_at(when);
}

bool timeout_base::start(promise_base& frame, promise_base& first, std::source_location at) {
    if (limit_.shared) {
        if (limit_.shared->waiting_) throw std::logic_error("timeout_at: the deadline has a timeout already");
        limit_.shared->waiting_ = this;
    }
    outer_cancelled_ = frame.strand->cancelled;
    if (outer_cancelled_ && !spend()) {
        // The yield that is due is a cancellation point. Nothing has begun.
        first.error = std::make_exception_ptr(cancelled{});
        settle();
        return false;
    }
    if (limit_.shared)
        arm_for(limit_.shared->when_);
    else if (limit_.at != time_point{})
        arm_for(limit_.at);
    else
        arm(limit_.after);
    if (!run(frame, first, at, false)) return true;
    settle();
    return false;
}

void timeout_base::expired() noexcept {
    if (!inner_ || inner_->top == nullptr) return;  // it has ended, and only waits for its turn
    fired_ = true;
    if (limit_.shared) limit_.shared->expired_ = true;
    inner_->cancel();
}

void timeout_base::cancel() noexcept {
    outer_cancelled_ = true;
    inner_->cancel();
}

std::exception_ptr timeout_base::verdict(std::exception_ptr inside) noexcept {
    if (!fired_ || outer_cancelled_ || !is_cancelled(inside)) return inside;
    if (limit_.shared || limit_.at != time_point{}) return error_from([&] { return timeout_error("timed out: the deadline has passed"); });
    auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit_.after).count();
    return error_from([&] { return timeout_error("timed out after " + std::to_string(milliseconds) + " ms"); });
}

}  // namespace leat::detail

namespace leat {

void deadline::reschedule(time_point when) noexcept {
    when_ = when;
    if (waiting_ && !expired_) waiting_->arm_for(when);
}

}  // namespace leat
