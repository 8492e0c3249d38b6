#pragma once
#include <cstddef>
#include <utility>

#include "leat/sync/mutex.hpp"

namespace leat {

class condition;

namespace detail {

/// Waits for a notification, then in the mutex's queue.
class condition_awaiter final : mutex_waiter {
public:
    condition_awaiter(condition& at, mutex& of, mutex_lock& lock) noexcept : mutex_waiter(of), condition_(at), lock_(lock) {}
    ~condition_awaiter();

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    void await_resume();
    result<void> finish() {
        await_resume();
        return {};
    }

private:
    friend class leat::condition;
    enum : std::uint8_t { waiting = 3 };  // for a notification; the other states are the mutex's
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "condition::wait"; }

    condition& condition_;
    mutex_lock& lock_;
    bool notified_ = false;
    bool thrown_ = false;  // cancelled while it waited: it throws once it has the lock again
};

}  // namespace detail

/// Tasks that wait until something about what a mutex guards has changed (asyncio.Condition).
///
///     leat::mutex m;  leat::condition changed{m};
///     auto lock = co_await m.lock();
///     co_await changed.wait_for(lock, ready);          // ready: a callable with a name
///
/// Must outlive its waiters; the mutex must outlive it. Threads: the loop's own.
class condition {
public:
    /// For what this mutex guards.
    explicit condition(mutex& guarding) noexcept : mutex_(guarding) {}
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;

    /// Unlocks, waits for a notification, and locks again.
    /// Completes when: it was notified and has the lock again. There are no spurious wake-ups, but another task may have had the lock before:
    /// look again, or use `wait_for`. Errors: std::logic_error if `lock` does not hold this condition's mutex.
    /// Cancellation: takes the lock again first, however long that lasts, then throws `cancelled`; a notification that it had got goes to the
    /// next waiter. Destroyed while it waits: `lock` holds nothing. Allocates: never. Source: asyncio.Condition.wait.
    detail::condition_awaiter wait(mutex_lock& lock) noexcept { return detail::condition_awaiter{*this, mutex_, lock}; }
    /// Waits until `predicate()` is true; does not suspend if it is. `lock` holds the mutex whenever it is called, and in the end.
    /// Completes when: it is true. Errors: what the predicate throws, and those of `wait`. Cancellation: as `wait`. Allocates: a frame.
    /// Source: asyncio.Condition.wait_for.
    template <class Predicate>
    task<> wait_for(mutex_lock& lock, Predicate&& predicate) {
        static_assert(detail::safe_inline_callable<Predicate>, "name it first: g++ 12 destroys a closure written inside co_await twice");
        return wait_until_true(lock, std::forward<Predicate>(predicate));
    }
    /// Wakes the first `count` that wait. They run once they have the lock, in their order. Needs no lock itself.
    void notify(std::size_t count = 1) noexcept;
    /// Wakes all that wait.
    void notify_all() noexcept { notify(static_cast<std::size_t>(-1)); }

private:
    friend class detail::condition_awaiter;
    template <class Predicate>
    task<> wait_until_true(mutex_lock& lock, Predicate predicate) {
        while (!predicate()) co_await wait(lock);
    }

    mutex& mutex_;
    detail::waiter_list waiting_;
};

}  // namespace leat
