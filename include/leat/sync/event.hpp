#pragma once
#include "leat/sync/semaphore.hpp"

namespace leat {

class event;

namespace detail {

class event_awaiter final : listed_waiter {
public:
    explicit event_awaiter(event& of) noexcept : of_(of) {}
    ~event_awaiter();

    bool await_ready() const noexcept;
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    void await_resume() const {
        if (was_cancelled()) throw cancelled{};
    }
    result<void> finish() const {
        await_resume();
        return {};
    }

private:
    friend class leat::event;
    bool start(promise_base& frame, std::source_location at) noexcept;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "event::wait"; }

    event& of_;
};

}  // namespace detail

/// Something that happens once, or until it is cleared, and that many may wait for (asyncio.Event). Must outlive its waiters.
/// Threads: the loop's own.
class event {
public:
    event() = default;
    event(const event&) = delete;
    event& operator=(const event&) = delete;

    /// Wakes everyone who waits; who comes later does not wait.
    void set() noexcept;
    /// From now on `wait` waits again.
    void clear() noexcept { set_ = false; }
    /// Is it set?
    bool is_set() const noexcept { return set_; }
    /// Completes when: the event is set. Errors: none. Cancellation: at once, nothing is lost. Allocates: never.
    detail::event_awaiter wait() noexcept { return detail::event_awaiter{*this}; }

private:
    friend class detail::event_awaiter;
    bool set_ = false;
    detail::waiter_list waiting_;
};

}  // namespace leat
