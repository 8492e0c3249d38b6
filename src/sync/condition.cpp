#include "leat/sync/condition.hpp"

#include <stdexcept>

namespace leat {
namespace detail {

condition_awaiter::~condition_awaiter() {
    if (state_ == waiting) condition_.waiting_.remove(*this);
    // Notified, and destroyed before it could act on it: that is another's turn then.
    if ((state_ == queued || state_ == granted) && notified_ && !thrown_) condition_.notify();
}

bool condition_awaiter::start(promise_base& frame, std::source_location at) {
    if (!lock_.owns(of_)) throw std::logic_error("condition::wait: the lock does not hold the condition's mutex");
    if (!suspend(frame, at)) return false;
    condition_.waiting_.push(*this);
    state_ = waiting;
    lock_.unlock();
    return true;
}

void condition_awaiter::cancel() noexcept {
    thrown_ = true;
    if (state_ == waiting) {
        condition_.waiting_.remove(*this);
        of_.request(*this);
    } else if (notified_) {
        condition_.notify();
    }
}

void condition_awaiter::await_resume() {
    if (was_cancelled()) throw cancelled{};  // it never began: the lock is still held
    state_ = idle;
    lock_ = mutex_lock{of_};
    if (thrown_) throw cancelled{};
}

}  // namespace detail

void condition::notify(std::size_t count) noexcept {
    for (; count > 0 && !waiting_.empty(); --count) {
        auto& next = static_cast<detail::condition_awaiter&>(*waiting_.first());
        waiting_.remove(next);
        next.notified_ = true;
        mutex_.request(next);  // straight into the mutex's queue: nobody wakes only to find it locked
    }
}

}  // namespace leat
