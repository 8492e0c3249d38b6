#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "leat/io/result.hpp"
#include "leat/task/detail/context.hpp"
#include "leat/task/task.hpp"

namespace leat {

template <class T>
class generator;

namespace detail {

/// Suspends at `co_yield`: for whoever waits for the next value the frame has ended, for now.
struct yield_awaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        frame_ended(frame.promise());
    }
    void await_resume() noexcept {}
};

template <class T>
struct generator_promise : promise_base {
    static_assert(!std::is_reference_v<T>, "a generator yields values; yield a pointer or a std::reference_wrapper");
    static_assert(!std::is_void_v<T>, "a generator yields values");

    std::optional<T> value;
    bool running = false;  // between next() and its answer

    generator<T> get_return_object() noexcept;
    std::suspend_always initial_suspend() noexcept { return {}; }
    final_awaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { fail(); }
    void return_void() noexcept {}
    template <class U = T>
    yield_awaiter yield_value(U&& yielded) {
        value.emplace(std::forward<U>(yielded));
        return {};
    }
};

/// Throws std::logic_error: two next() at once, or moved during one.
[[noreturn]] void generator_misused();

template <class T>
class next_awaiter {
public:
    explicit next_awaiter(std::coroutine_handle<generator_promise<T>>& frame) noexcept : frame_(frame) {}
    next_awaiter(const next_awaiter&) = delete;
    next_awaiter& operator=(const next_awaiter&) = delete;
    /// Dropped while the generator waits for something: its frame goes first, as that of any task that is awaited.
    ~next_awaiter() {
        if (!pending_ || !frame_) return;
        frame_.promise().running = false;
        if (!answered()) std::exchange(frame_, nullptr).destroy();
    }

    bool await_ready() const {
        if (!frame_) return true;
        if (frame_.promise().running) generator_misused();
        return answered();  // by its end, or by a value that another call left
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent, std::source_location at = std::source_location::current()) {
        pending_ = true;
        frame_.promise().running = true;
        return !start_child(parent.promise(), frame_.promise(), at);
    }
    std::optional<T> await_resume() { return finish().value(); }
    result<std::optional<T>> finish() {
        if (std::exchange(pending_, false)) {
            if (!frame_) generator_misused();
            frame_.promise().running = false;
        }
        if (!frame_) return std::optional<T>{};
        auto& promise = frame_.promise();
        if (promise.error) {
            auto why = std::exchange(promise.error, nullptr);
            if (is_cancelled(why)) throw cancelled{};
            return failure{std::move(why)};
        }
        return std::exchange(promise.value, std::nullopt);
    }

private:
    bool answered() const noexcept { return frame_.promise().value.has_value() || frame_.done(); }

    std::coroutine_handle<generator_promise<T>>& frame_;
    bool pending_ = false;
};

}  // namespace detail

/// A coroutine that produces one value after another and may await in between: what an `async def` with `yield` is in Python.
///
///     leat::generator<record> records(leat::stream_reader& from) {
///         while (auto line = co_await from.read_line()) co_yield parse(*line);
///     }
///     auto all = records(reader);
///     while (auto next = co_await all.next()) use(*next);
///
/// Nothing of it runs before the first `next()`, and nothing between two of them: each call runs it up to its next value, in the task that
/// awaits. Destroying it, at any moment, destroys its frame with all that it waits for, so that `break` out of the loop is fine; it then
/// runs destructors only, and cannot await. Must outlive the call. Threads: the loop's own. Allocates: its frame, from a free list.
template <class T>
class [[nodiscard("a generator does nothing until next() is awaited")]] generator {
public:
    using promise_type = detail::generator_promise<T>;
    using value_type = T;

    generator() = default;
    /// For the compiler.
    explicit generator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    generator& operator=(generator&& other) noexcept {
        if (this != &other) {
            destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~generator() { destroy(); }

    /// Completes when: the body yields or ends. @return the value, moved out, or nullopt at the end, and from then on.
    /// Errors: what the body throws; it has ended then. std::logic_error for two calls at once, or if it is moved meanwhile.
    /// Cancellation: comes down into the body like into any task that is awaited; a body that lets it pass has ended, and a call that is dropped while
    /// the body waits ends it too. A value that is there is not lost. Allocates: never. Source: asynchronous generators, PEP 525.
    detail::next_awaiter<T> next() noexcept { return detail::next_awaiter<T>{frame_}; }

private:
    void destroy() noexcept {
        if (frame_) std::exchange(frame_, nullptr).destroy();
    }

    std::coroutine_handle<promise_type> frame_;
};

template <class T>
generator<T> detail::generator_promise<T>::get_return_object() noexcept {
    static_assert(alignof(generator_promise<T>) <= 2 * alignof(void*), "an over-aligned value would move the promise inside the frame");
    return generator<T>{std::coroutine_handle<generator_promise<T>>::from_promise(*this)};
}

}  // namespace leat
