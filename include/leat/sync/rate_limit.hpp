#pragma once
#include "leat/sync/semaphore.hpp"
#include "leat/task/detail/timer.hpp"

namespace leat {

class rate_limit;

namespace detail {

class rate_awaiter final : listed_waiter {
public:
    rate_awaiter(rate_limit& of, double wanted) noexcept : of_(of), wanted_(wanted) {}
    ~rate_awaiter();

    bool await_ready() noexcept;
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
    friend class leat::rate_limit;
    enum : std::uint8_t { idle, queued, granted };
    bool start(promise_base& frame, std::source_location at) noexcept;
    void cancel() noexcept override;
    void give_back() noexcept override;
    const char* describe() const noexcept override { return "rate_limit::acquire"; }
    void leave_queue() noexcept;

    rate_limit& of_;
    double wanted_;
};

}  // namespace detail

/// Bounds how often something happens, or how many bytes flow, per second: a token bucket. It holds at most `burst` tokens, starts full,
/// and gains `per_second` of them each second. Served in order of arrival. Must outlive its waiters.
///
///     leat::rate_limit calls{10, 20};                    // ten a second, twenty at once after a pause
///     co_await calls.acquire();
///     leat::rate_limit bytes{1'000'000, 64 * 1024};      // a megabyte a second
///     co_await bytes.acquire(chunk.size());
///
/// More than `burst` at once is allowed: it waits for a full bucket, takes all that it wants, and leaves a debt that those who come next
/// wait for, so that the rate holds whatever the pieces' size. Threads: the loop's own.
class rate_limit final : detail::timer {
public:
    /// Throws std::invalid_argument unless both are positive and finite. Without a burst: one second's worth, at least 1.
    explicit rate_limit(double per_second);
    /// The same with the size of the bucket.
    rate_limit(double per_second, double burst);
    rate_limit(const rate_limit&) = delete;
    rate_limit& operator=(const rate_limit&) = delete;

    /// Completes when: `count` tokens were there (or a full bucket, if it is more), and it was this task's turn. Errors: none.
    /// Cancellation: at once, no token is taken. Allocates: never.
    detail::rate_awaiter acquire(double count = 1) noexcept { return detail::rate_awaiter{*this, count > 0 ? count : 0}; }
    /// Takes the tokens if they are there now and nobody waits.
    bool try_acquire(double count = 1) noexcept;
    /// Changes the rate for those who wait, too. The tokens that are there stay, as far as they fit. Throws as the constructor.
    void set_rate(double per_second, double burst);
    /// The same; the burst stays.
    void set_rate(double per_second) { set_rate(per_second, burst_); }

    /// The rate, in tokens a second.
    double per_second() const noexcept { return per_second_; }
    /// How many tokens it holds at most.
    double burst() const noexcept { return burst_; }
    /// How many tokens there are now; below zero it is in debt.
    double available() noexcept;

private:
    friend class detail::rate_awaiter;
    void expired() noexcept override;
    void refill() noexcept;
    bool take(double count) noexcept;
    void put_back(double count) noexcept;
    void serve() noexcept;

    double per_second_;
    double burst_;
    double tokens_;
    time_point filled_;
    detail::waiter_list waiting_;
};

}  // namespace leat
