#pragma once
#include <optional>
#include <type_traits>
#include <utility>

#include "leat/task/detail/timer.hpp"
#include "leat/task/task.hpp"

namespace leat {

class deadline;

namespace detail {

/// A strand of its own below the awaiting one, for `timeout` and `shield`.
class inner_strand : protected waiter {
public:
    inner_strand(const inner_strand&) = delete;

protected:
    inner_strand() = default;
    ~inner_strand() = default;
    /// True if the frame has ended at once.
    bool run(promise_base& frame, promise_base& first, std::source_location at, bool shielded) noexcept;
    void give_back() noexcept override {
        if (inner_) inner_->give_back();
    }

    struct strand_type final : context {
        strand_type(context* up, inner_strand& in) noexcept;
        inner_strand& owner;
    };
    std::optional<strand_type> inner_;
};

/// When a timeout ends what is inside it.
struct timeout_limit {
    duration after{};                   // from its start on; not used with `at` or `shared`
    time_point at{};                    // the epoch: none
    leat::deadline* shared = nullptr;   // one that may be moved meanwhile
};

class timeout_base : protected inner_strand, timer {
protected:
    explicit timeout_base(timeout_limit limit) noexcept : limit_(limit) {}
    ~timeout_base();
    bool start(promise_base& frame, promise_base& first, std::source_location at);
    void expired() noexcept override;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "timeout"; }
    /// After the inside has ended: what to throw instead of its `cancelled`.
    std::exception_ptr verdict(std::exception_ptr inside) noexcept;

private:
    friend class leat::deadline;
    void arm_for(time_point when) noexcept;
    void settle() noexcept;

    timeout_limit limit_;
    bool fired_ = false;
    bool outer_cancelled_ = false;
};

template <class T>
class timeout_awaiter final : timeout_base {
public:
    timeout_awaiter(timeout_limit limit, task<T>&& inside) noexcept : timeout_base(limit), inside_(std::move(inside)) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), inside_.frame().promise(), at);
    }
    T await_resume() {
        auto& ended = inside_.frame().promise();
        if (ended.error) std::rethrow_exception(verdict(std::move(ended.error)));
        return ended.take();
    }
    result<T> finish() {
        auto& ended = inside_.frame().promise();
        if (ended.error) {
            auto error = verdict(std::move(ended.error));
            if (is_cancelled(error)) throw cancelled{};
            return failure{std::move(error)};
        }
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return std::move(*ended.value);
    }

private:
    task<T> inside_;
};

/// `timeout(…)` before it is awaited. Awaited where it stands: neither copied nor moved.
template <class T>
class [[nodiscard]] timeout_call {
public:
    timeout_call(timeout_limit limit, task<T>&& inside) noexcept : limit_(limit), inside_(std::move(inside)) {}
    timeout_call(const timeout_call&) = delete;
    timeout_call& operator=(const timeout_call&) = delete;
    timeout_awaiter<T> operator co_await() && noexcept { return timeout_awaiter<T>{limit_, std::move(inside_)}; }

private:
    timeout_limit limit_;
    task<T> inside_;
};

}  // namespace detail

/// Runs an awaitable and cancels it when `limit` has passed.
/// Completes when: it has ended; also after the limit, since the inside is waited for while it cleans up.
/// Errors: `timeout_error` if this limit's own timer ended it; a value that was reached all the same wins. Its own exceptions pass.
/// Cancellation: from outside passes through as `cancelled`. Reads lose no byte.
/// A task is taken by value, an awaiter borrowed: `timeout(50ms, reader.read_line())`; await it where it stands.
/// Allocates: one frame for a borrowed awaiter, else never. Source: asyncio.timeout, asyncio.wait_for.
template <class Awaitable>
auto timeout(duration limit, Awaitable&& inside) {
    using T = decltype(detail::as_task(std::forward<Awaitable>(inside)));
    return detail::timeout_call<typename T::value_type>{{.after = limit}, detail::as_task(std::forward<Awaitable>(inside))};
}

/// The same with a point in time on the clock of `leat::now()`: `timeout_at(leat::now() + 30s, …)`. One limit for several steps is
/// written once and given to each of them. One in the past ends what would suspend; `time_point::max()` is never.
/// Completes when: as `timeout`. Errors: `timeout_error`, likewise. Cancellation: from outside passes through. Allocates: as `timeout`. Source: asyncio.timeout_at.
template <class Awaitable>
auto timeout_at(time_point when, Awaitable&& inside) {
    using T = decltype(detail::as_task(std::forward<Awaitable>(inside)));
    return detail::timeout_call<typename T::value_type>{{.at = when == time_point{} ? time_point{duration{1}} : when},
                                                        detail::as_task(std::forward<Awaitable>(inside))};
}

/// A point in time that may be moved while `timeout_at` waits for it (asyncio.timeout's `reschedule` and `expired`):
///
///     leat::deadline idle{leat::now() + 30s};
///     co_await leat::timeout_at(idle, converse(peer, idle));        // which calls idle.reschedule(leat::now() + 30s)
///
/// For one `timeout_at` at a time; must outlive it. Threads: the loop's own.
class deadline {
public:
    /// Without a time: never.
    explicit deadline(time_point when = time_point::max()) noexcept : when_(when) {}
    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;

    /// The time it stands at.
    time_point when() const noexcept { return when_; }
    /// Moves it, also into the past (then it strikes at the loop's next turn) and to never (`time_point::max()`). Too late once it has expired.
    void reschedule(time_point when) noexcept;
    /// Has it ended what was inside?
    bool expired() const noexcept { return expired_; }

private:
    friend class detail::timeout_base;
    time_point when_;
    bool expired_ = false;
    detail::timeout_base* waiting_ = nullptr;
};

/// The same with a point in time that may be moved meanwhile.
/// Completes when: as `timeout`. Cancellation: from outside passes through. Errors: as the others; std::logic_error if another `timeout_at` has this deadline now.
template <class Awaitable>
auto timeout_at(deadline& until, Awaitable&& inside) {
    using T = decltype(detail::as_task(std::forward<Awaitable>(inside)));
    return detail::timeout_call<typename T::value_type>{{.shared = &until}, detail::as_task(std::forward<Awaitable>(inside))};
}

}  // namespace leat
