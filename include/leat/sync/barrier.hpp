#pragma once
#include <cstddef>
#include <stdexcept>

#include "leat/sync/semaphore.hpp"

namespace leat {

class barrier;

/// The barrier was aborted, or reset while the task waited at it (asyncio.BrokenBarrierError).
class broken_barrier : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

namespace detail {

class barrier_awaiter final : listed_waiter {
public:
    explicit barrier_awaiter(barrier& of) noexcept : of_(of) {}
    ~barrier_awaiter();

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    std::size_t await_resume();
    result<std::size_t> finish();

private:
    friend class leat::barrier;
    enum : std::uint8_t { idle, waiting, passed, was_reset, was_aborted };
    bool start(promise_base& frame, std::source_location at) noexcept;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "barrier::wait"; }

    barrier& of_;
    std::size_t place_ = 0;
};

}  // namespace detail

/// Lets tasks through once a number of them have arrived, all together, and then the next so many (asyncio.Barrier). Must outlive its waiters.
/// Threads: the loop's own.
class barrier {
public:
    /// Throws std::invalid_argument for 0 parties.
    explicit barrier(std::size_t parties);
    barrier(const barrier&) = delete;
    barrier& operator=(const barrier&) = delete;

    /// Completes when: as many as there are parties wait. @return the place in the order of arrival, from 0: one of them can do what is to
    /// be done once. Errors: `broken_barrier` if it is aborted, or reset meanwhile. Cancellation: at once; the others wait for one
    /// more. May be called again at once: the next round does not mix with those who are on their way out. Allocates: never.
    detail::barrier_awaiter wait() noexcept { return detail::barrier_awaiter{*this}; }
    /// Those who wait get `broken_barrier`; the barrier is as new, also after an abort.
    void reset() noexcept;
    /// Those who wait, and all who come, get `broken_barrier`, until a reset.
    void abort() noexcept;

    /// How many have to arrive.
    std::size_t parties() const noexcept { return parties_; }
    /// How many wait now.
    std::size_t waiting() const noexcept { return arrived_; }
    /// Was it aborted, and not reset since?
    bool broken() const noexcept { return broken_; }

private:
    friend class detail::barrier_awaiter;
    void let_go(std::uint8_t how) noexcept;

    std::size_t parties_;
    std::size_t arrived_ = 0;
    bool broken_ = false;
    detail::waiter_list waiting_;
};

}  // namespace leat
