#pragma once
#include "leat/task/timeout.hpp"

namespace leat {
namespace detail {

template <class T>
class shield_awaiter final : inner_strand {
public:
    explicit shield_awaiter(task<T>&& inside) noexcept : inside_(std::move(inside)) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return !run(frame.promise(), inside_.frame().promise(), at, true);
    }
    T await_resume() { return inside_.frame().promise().take(); }
    result<T> finish() { return task_awaiter<T>{inside_.frame()}.finish(); }

private:
    void cancel() noexcept override {}
    void give_back() noexcept override {}
    const char* describe() const noexcept override { return "shield"; }

    task<T> inside_;
};

template <class T>
class [[nodiscard]] shield_call {
public:
    explicit shield_call(task<T>&& inside) noexcept : inside_(std::move(inside)) {}
    shield_call(const shield_call&) = delete;
    shield_call& operator=(const shield_call&) = delete;
    shield_awaiter<T> operator co_await() && noexcept { return shield_awaiter<T>{std::move(inside_)}; }

private:
    task<T> inside_;
};

}  // namespace detail

/// Runs an awaitable that cancellation from outside does not reach: for cleanup that must await.
/// Completes when: it has ended; its result is returned even in a cancelled scope, whose next suspending await throws. Errors: its own.
/// Cancellation: has no effect until it has ended. Unlike asyncio.shield nothing is left behind: the inside is always waited for.
/// Awaited where it stands. Threads: the loop's own. Allocates: as `timeout`. Source: asyncio.shield.
template <class Awaitable>
auto shield(Awaitable&& inside) {
    using T = decltype(detail::as_task(std::forward<Awaitable>(inside)));
    return detail::shield_call<typename T::value_type>{detail::as_task(std::forward<Awaitable>(inside))};
}

}  // namespace leat
