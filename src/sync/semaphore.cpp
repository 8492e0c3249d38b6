#include "leat/sync/semaphore.hpp"

namespace leat {
namespace detail {

void waiter_queue::push(queued_waiter& w) noexcept {
    if (last_) {
        w.next_ = last_->next_;
        last_->next_ = &w;
    } else {
        w.next_ = &w;
    }
    last_ = &w;
}

/// From the front at once; from the middle, when a waiter is cancelled, by a walk.
void waiter_queue::remove(queued_waiter& w) noexcept {
    queued_waiter* before = last_;
    while (before->next_ != &w) before = before->next_;
    if (before == &w) {
        last_ = nullptr;
        return;
    }
    before->next_ = w.next_;
    if (last_ == &w) last_ = before;
}

void waiter_queue::replace(queued_waiter& w, queued_waiter& by) noexcept {
    queued_waiter* before = last_;
    while (before->next_ != &w) before = before->next_;
    by.next_ = w.next_ == &w ? &by : w.next_;
    if (before != &w) before->next_ = &by;
    if (last_ == &w) last_ = &by;
}

void waiter_list::push(listed_waiter& w) noexcept {
    w.previous_ = last_;
    w.next_ = nullptr;
    (last_ ? last_->next_ : first_) = &w;
    last_ = &w;
}

void waiter_list::remove(listed_waiter& w) noexcept {
    (w.previous_ ? w.previous_->next_ : first_) = w.next_;
    (w.next_ ? w.next_->previous_ : last_) = w.previous_;
}

acquire_awaiter::~acquire_awaiter() {
    if (state_ == queued) of_.waiting_.remove(*this);
    if (state_ == granted) of_.release();  // granted, but its frame died before it could take the place
}

bool acquire_awaiter::await_ready() noexcept {
    if (of_.free_ == 0 || !spend()) return false;
    --of_.free_;
    state_ = granted;
    return true;
}

bool acquire_awaiter::start(promise_base& frame, std::source_location at) noexcept {
    if (!suspend(frame, at)) return false;
    if (of_.free_ > 0) {
        --of_.free_;
        state_ = granted;
        wake();  // it has its place; the others have their turn first
        return true;
    }
    of_.waiting_.push(*this);
    state_ = queued;
    return true;
}

void acquire_awaiter::cancel() noexcept {
    of_.waiting_.remove(*this);
    state_ = idle;
    wake_cancelled();
}

semaphore_slot acquire_awaiter::await_resume() {
    if (was_cancelled()) throw cancelled{};
    state_ = idle;
    return semaphore_slot{of_};
}

}  // namespace detail

std::optional<semaphore_slot> semaphore::try_acquire() noexcept {
    if (free_ == 0) return std::nullopt;
    --free_;
    return semaphore_slot{*this};
}

void semaphore::release() noexcept {
    if (waiting_.empty()) {
        ++free_;
        return;
    }
    auto& next = static_cast<detail::acquire_awaiter&>(*waiting_.first());
    waiting_.remove(next);
    next.state_ = detail::acquire_awaiter::granted;
    next.wake();
}

}  // namespace leat
