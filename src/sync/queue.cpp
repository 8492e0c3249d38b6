#include "leat/sync/queue.hpp"

#include <stdexcept>
#include <utility>

namespace leat {
namespace detail {

// --- get --------------------------------------------------------------------------------------------------------------

bool queue_getter::ready() {
    if ((!from_.can_get() && !from_.closed_) || !spend()) return false;
    if (from_.can_get())
        from_.get(*this);
    else
        state_ = at_end;
    return true;
}

bool queue_getter::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    if (from_.can_get()) {
        from_.get(*this);
        wake();  // the others have their turn first
    } else if (from_.closed_) {
        state_ = at_end;
        wake();
    } else {
        from_.getters_.push(*this);
        state_ = queued;
    }
    return true;
}

void queue_getter::cancel() noexcept {
    detach();
    wake_cancelled();
}

void queue_getter::give_back() noexcept {
    if (state_ != has_item) return;
    detach();
    wake_cancelled();
}

void queue_getter::detach() noexcept {
    const auto was = std::exchange(state_, idle);
    if (was == queued) from_.getters_.remove(*this);
    if (was != has_item) return;
    // Whoever waits takes it; with nobody there it goes back to the front.
    from_.restore(*this);
    if (from_.getters_.empty()) return;
    auto& next = static_cast<queue_getter&>(*from_.getters_.first());
    from_.getters_.remove(next);
    from_.take(next);
    next.state_ = has_item;
    next.wake();
}

// --- put --------------------------------------------------------------------------------------------------------------

queue_putter::~queue_putter() {
    if (state_ == queued) to_.putters_.remove(*this);
}

bool queue_putter::ready() {
    if (to_.closed_) {
        state_ = refused;
        return true;
    }
    if (!to_.can_put() || !spend()) return false;
    to_.put(*this);
    state_ = done;
    return true;
}

bool queue_putter::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    if (to_.can_put()) {
        to_.put(*this);
        state_ = done;
        wake();  // the others have their turn first
    } else {
        to_.putters_.push(*this);
        state_ = queued;
    }
    return true;
}

void queue_putter::cancel() noexcept {
    to_.putters_.remove(*this);
    state_ = idle;
    wake_cancelled();
}

std::exception_ptr queue_putter::error() {
    if (was_cancelled()) throw cancelled{};
    if (state_ != refused) return nullptr;
    return std::make_exception_ptr(queue_closed("queue::put: the queue is closed"));
}

// --- join -------------------------------------------------------------------------------------------------------------

queue_join_awaiter::~queue_join_awaiter() {
    if (state_ == 1) of_.joiners_.remove(*this);
}

bool queue_join_awaiter::await_ready() const noexcept { return of_.unfinished_ == 0 && spend(); }

bool queue_join_awaiter::start(promise_base& frame, std::source_location at) noexcept {
    if (!suspend(frame, at)) return false;
    if (of_.unfinished_ == 0) {
        wake();
        return true;
    }
    of_.joiners_.push(*this);
    state_ = 1;
    return true;
}

void queue_join_awaiter::cancel() noexcept {
    of_.joiners_.remove(*this);
    state_ = 0;
    wake_cancelled();
}

// --- the queue --------------------------------------------------------------------------------------------------------

queue_core::queue_core(std::size_t limit) : limit_(limit) {
    if (limit == 0) throw std::invalid_argument("queue: a limit of 0 items");
}

void queue_core::get(queue_getter& to) {
    take(to);
    to.state_ = queue_getter::has_item;
    admit();
}

void queue_core::put(queue_putter& from) {
    if (getters_.empty()) {
        store(from);
    } else {
        auto& next = static_cast<queue_getter&>(*getters_.first());
        hand_over(from, next);
        getters_.remove(next);
        next.state_ = queue_getter::has_item;
        next.wake();
    }
    ++unfinished_;
}

void queue_core::admit() {
    if (putters_.empty() || stored() >= limit_) return;
    auto& next = static_cast<queue_putter&>(*putters_.first());
    store(next);
    ++unfinished_;
    putters_.remove(next);
    next.state_ = queue_putter::done;
    next.wake();
}

void queue_core::check_open() const {
    if (closed_) throw queue_closed("queue::try_put: the queue is closed");
}

void queue_core::wake_joiners() noexcept {
    while (!joiners_.empty()) {
        auto& next = static_cast<queue_join_awaiter&>(*joiners_.first());
        joiners_.remove(next);
        next.state_ = 0;
        next.wake();
    }
}

void queue_core::finish_one() {
    if (unfinished_ == 0) throw std::logic_error("queue::task_done: called more often than items were put");
    if (--unfinished_ == 0) wake_joiners();
}

void queue_core::shut(bool drop) noexcept {
    closed_ = true;
    if (drop) {
        const std::size_t dropped = stored();
        drop_stored();
        unfinished_ -= dropped < unfinished_ ? dropped : unfinished_;
        if (unfinished_ == 0) wake_joiners();
    }
    while (!putters_.empty()) {
        auto& next = static_cast<queue_putter&>(*putters_.first());
        putters_.remove(next);
        next.state_ = queue_putter::refused;
        next.wake();
    }
    while (!getters_.empty()) {  // they wait because there is nothing
        auto& next = static_cast<queue_getter&>(*getters_.first());
        getters_.remove(next);
        next.state_ = queue_getter::at_end;
        next.wake();
    }
}

}  // namespace detail
}  // namespace leat
