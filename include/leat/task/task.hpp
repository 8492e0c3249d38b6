#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "leat/io/error.hpp"
#include "leat/io/result.hpp"
#include "leat/task/detail/context.hpp"

namespace leat {

template <class T = void>
class task;

namespace detail {

template <class T>
struct promise : promise_base {
    static_assert(!std::is_reference_v<T>, "a task returns a value; return a pointer or a std::reference_wrapper");

    std::optional<T> value;

    task<T> get_return_object() noexcept;
    std::suspend_always initial_suspend() noexcept { return {}; }
    final_awaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { fail(); }
    template <class U>
    void return_value(U&& returned) {
        value.emplace(std::forward<U>(returned));
    }
    T take() {
        if (error) std::rethrow_exception(std::move(error));
        return std::move(*value);
    }
};

template <>
struct promise<void> : promise_base {
    task<void> get_return_object() noexcept;
    std::suspend_always initial_suspend() noexcept { return {}; }
    final_awaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { fail(); }
    void return_void() noexcept {}
    void take() {
        if (error) std::rethrow_exception(std::move(error));
    }
};

template <class T>
class task_awaiter {
public:
    explicit task_awaiter(std::coroutine_handle<promise<T>> child) noexcept : child_(child) {}
    task_awaiter(const task_awaiter&) = delete;
    task_awaiter& operator=(const task_awaiter&) = delete;

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent, std::source_location at = std::source_location::current()) {
        return !start_child(parent.promise(), child_.promise(), at);
    }
    T await_resume() { return child_.promise().take(); }
    result<T> finish() {
        auto& ended = child_.promise();
        if (ended.error) {
            if (is_cancelled(ended.error)) throw cancelled{};
            return failure{std::move(ended.error)};
        }
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return std::move(*ended.value);
    }

private:
    std::coroutine_handle<promise<T>> child_;
};

}  // namespace detail

/// A coroutine that produces a T: what an `async def` is in Python. Nothing of it runs before it is awaited, spawned in a
/// `task_group` or given to a combinator or to `leat::run`; it runs on the loop of whoever awaits it.
///
/// Completes when: its body returns or throws; the awaiting expression then returns the value or rethrows.
/// Cancellation: comes down from the scope it runs in, as `leat::cancelled` thrown at the await it is suspended in.
/// Destruction: a suspended task that is dropped is destroyed at once, innermost frame first; that is sound whatever it waits on.
/// Threads: a task stays on the loop that started it. Allocates: its frame, from a free list of the thread.
template <class T>
class [[nodiscard("a task does nothing until it is awaited or spawned")]] task {
public:
    using promise_type = detail::promise<T>;
    using value_type = T;

    task() = default;
    /// For the compiler.
    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~task() { destroy(); }

    /// Runs it as a part of the awaiting task; a task is awaited once, as a temporary or moved.
    detail::task_awaiter<T> operator co_await() && noexcept { return detail::task_awaiter<T>{frame_}; }

    /// Is there a coroutine? Not after it was moved from or spawned.
    explicit operator bool() const noexcept { return frame_ != nullptr; }
    /// For leat's combinators: the frame, still owned by this task.
    std::coroutine_handle<promise_type> frame() const noexcept { return frame_; }
    /// For leat's combinators: the frame, now owned by the caller.
    std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, nullptr); }

private:
    void destroy() noexcept {
        if (frame_) frame_.destroy();
        frame_ = nullptr;
    }

    std::coroutine_handle<promise_type> frame_;
};

namespace detail {

template <class T>
task<T> promise<T>::get_return_object() noexcept {
    static_assert(alignof(promise<T>) <= 2 * alignof(void*), "an over-aligned result would move the promise inside the frame");
    return task<T>{std::coroutine_handle<promise<T>>::from_promise(*this)};
}
inline task<void> promise<void>::get_return_object() noexcept {
    return task<void>{std::coroutine_handle<promise<void>>::from_promise(*this)};
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

template <class Awaitable>
using awaited_t = decltype(awaiter_of(std::declval<Awaitable>()).await_resume());

/// A borrowed awaiter as a task, so that every combinator deals in tasks alone.
template <class Awaiter>
task<awaited_t<Awaiter&>> borrow(Awaiter& awaiter) {
    co_return co_await awaiter;
}

/// A borrowed combinator (timeout in a race, …) as a task.
template <class Combinator>
task<awaited_t<Combinator>> borrow_combinator(Combinator& combinator) {
    co_return co_await std::move(combinator);
}

/// Tasks by value, awaiters by reference.
template <class Awaitable>
auto as_task(Awaitable&& awaitable) {
    if constexpr (is_task<std::remove_cvref_t<Awaitable>>) {
        static_assert(!std::is_lvalue_reference_v<Awaitable>, "give a task away: std::move(it)");
        return std::remove_cvref_t<Awaitable>{std::move(awaitable)};
    } else if constexpr (requires { std::forward<Awaitable>(awaitable).operator co_await(); }) {
        return borrow_combinator(awaitable);
    } else {
        return borrow(awaitable);
    }
}

/// Option and argument checks: a closure with a destructor, written inside an awaiting expression, is destroyed twice by g++ 12.
template <class Callable>
inline constexpr bool safe_inline_callable =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    std::is_lvalue_reference_v<Callable> || std::is_trivially_destructible_v<std::remove_cvref_t<Callable>>;
#else
    true;
#endif

}  // namespace detail
}  // namespace leat
