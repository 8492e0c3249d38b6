#pragma once
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "leat/task/task.hpp"

namespace leat {
namespace detail {

class thread_job;

/// The part of `to_thread` that does not know the function's type.
class thread_awaiter_base : protected waiter {
protected:
    thread_awaiter_base();
    ~thread_awaiter_base();
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "to_thread"; }
    /// Waits, blocking, until the function no longer runs. Called by the destructor of the class that holds the function.
    void settle() noexcept;

    virtual void call() noexcept = 0;

    std::exception_ptr error_;

private:
    friend class thread_job;
    std::unique_ptr<thread_job> job_;
};

template <class Callable, class... Arguments>
class thread_awaiter final : thread_awaiter_base {
    using T = std::invoke_result_t<Callable&, Arguments&&...>;

public:
    template <class C, class... A>
    explicit thread_awaiter(C&& callable, A&&... arguments)
        : callable_(std::forward<C>(callable)), arguments_(std::forward<A>(arguments)...) {}
    ~thread_awaiter() { settle(); }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    T await_resume() {
        if (was_cancelled()) throw cancelled{};
        if (error_) std::rethrow_exception(error_);
        if constexpr (!std::is_void_v<T>) return std::move(*value_);
    }
    result<T> finish() {
        if (was_cancelled()) throw cancelled{};
        if (error_) return failure{error_};
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return std::move(*value_);
    }

private:
    void call() noexcept override {
        try {
            if constexpr (std::is_void_v<T>)
                std::apply(callable_, std::move(arguments_));
            else
                value_.emplace(std::apply(callable_, std::move(arguments_)));
        } catch (...) {
            error_ = std::current_exception();
        }
    }

    Callable callable_;
    std::tuple<Arguments...> arguments_;
    std::optional<std::conditional_t<std::is_void_v<T>, char, T>> value_;
};

}  // namespace detail

/// Runs `callable(arguments...)` in a thread of the pool (at most 64 at once; more wait their turn), so that a call which blocks or computes
/// does not hold the loop.
/// Completes when: it has returned. @return what it returned. Errors: what it threw.
/// Cancellation: a call that has not begun is dropped; one that runs cannot be stopped and is waited for, and its result stands.
/// Destroying the waiting task blocks until the call has returned. Threads: the callable runs in another thread; it must not use streams,
/// files or tasks of the loop. Allocates: once. Source: asyncio.to_thread.
/// A lambda with owning captures must be named first (g++ 12 destroys one written inside `co_await` twice); arguments are the inline form.
template <class Callable, class... Arguments>
auto to_thread(Callable&& callable, Arguments&&... arguments) {
    static_assert(detail::safe_inline_callable<Callable>, "name it first: g++ 12 destroys a closure written inside co_await twice");
    return detail::thread_awaiter<std::decay_t<Callable>, std::decay_t<Arguments>...>{std::forward<Callable>(callable),
                                                                                      std::forward<Arguments>(arguments)...};
}

}  // namespace leat
