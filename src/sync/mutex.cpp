#include "leat/sync/mutex.hpp"

namespace leat {
namespace detail {

mutex_waiter::~mutex_waiter() {
    if (state_ == queued) of_.waiting_.remove(*this);
    if (state_ == granted) of_.unlock();  // granted, but its frame died before it could take the lock
}

bool lock_awaiter::await_ready() noexcept {
    if (of_.locked_ || !spend()) return false;
    of_.locked_ = true;
    state_ = granted;
    return true;
}

bool lock_awaiter::start(promise_base& frame, std::source_location at) noexcept {
    if (!suspend(frame, at)) return false;
    of_.request(*this);
    return true;
}

void lock_awaiter::cancel() noexcept {
    of_.waiting_.remove(*this);
    state_ = idle;
    wake_cancelled();
}

mutex_lock lock_awaiter::await_resume() {
    if (was_cancelled()) throw cancelled{};
    state_ = idle;
    return mutex_lock{of_};
}

}  // namespace detail

std::optional<mutex_lock> mutex::try_lock() noexcept {
    if (locked_) return std::nullopt;
    locked_ = true;
    return mutex_lock{*this};
}

void mutex::request(detail::mutex_waiter& by) noexcept {
    if (locked_) {
        waiting_.push(by);
        by.state_ = detail::mutex_waiter::queued;
        return;
    }
    locked_ = true;
    by.state_ = detail::mutex_waiter::granted;
    by.wake();
}

void mutex::unlock() noexcept {
    if (waiting_.empty()) {
        locked_ = false;
        return;
    }
    // It stays locked: it goes from hand to hand, so that nobody slips in between.
    auto& next = static_cast<detail::mutex_waiter&>(*waiting_.first());
    waiting_.remove(next);
    next.state_ = detail::mutex_waiter::granted;
    next.wake();
}

}  // namespace leat
