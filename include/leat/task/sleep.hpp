#pragma once
#include "leat/task/detail/timer.hpp"
#include "leat/task/task.hpp"

namespace leat {

namespace detail {

class sleep_awaiter final : waiter, timer {
public:
    explicit sleep_awaiter(time_point until) noexcept : until_(until) {}

    bool await_ready() const noexcept { return false; }
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
    bool start(promise_base& frame, std::source_location at);
    void expired() noexcept override { wake(); }
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "sleep"; }

    time_point until_;
};

}  // namespace detail

/// Suspends for at least `delay`. A delay of zero or less lets every other ready task run once (asyncio's sleep(0)).
/// Completes when: the time has passed. Errors: none. Cancellation: at once. Allocates: never. Source: asyncio.sleep.
detail::sleep_awaiter sleep(duration delay) noexcept;
/// Suspends until a point in time on the steady clock; one in the past lets every other ready task run once.
/// Completes when: the time has come. Errors: none. Cancellation: at once. Allocates: never. Source: asyncio loop.call_at.
detail::sleep_awaiter sleep_until(time_point when) noexcept;
/// The time on the clock that `sleep_until` counts by.
time_point now() noexcept;
/// Lets every other ready task run once, and sends what has been written: `sleep` of zero.
/// Completes when: the loop has had a turn. Errors: none. Cancellation: at once. Allocates: never. Source: asyncio.sleep(0).
detail::sleep_awaiter yield() noexcept;

}  // namespace leat
