#pragma once
#include <cstddef>
#include <optional>
#include <utility>

#include "leat/sync/semaphore.hpp"

namespace leat {

class mutex;
class condition;

namespace detail {
class condition_awaiter;
}

/// A locked mutex, unlocked by its destructor.
class [[nodiscard]] mutex_lock {
public:
    mutex_lock() = default;
    /// Takes over a mutex that the caller has locked. For `mutex`.
    explicit mutex_lock(mutex& of) noexcept : of_(&of) {}
    mutex_lock(mutex_lock&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    mutex_lock& operator=(mutex_lock&& other) noexcept {
        if (this != &other) {
            unlock();
            of_ = std::exchange(other.of_, nullptr);
        }
        return *this;
    }
    ~mutex_lock() { unlock(); }
    /// Unlocks early; harmless if it has been unlocked already.
    void unlock() noexcept;
    /// Is it locked by this?
    bool owns() const noexcept { return of_ != nullptr; }
    /// Is that one locked by this?
    bool owns(const mutex& of) const noexcept { return of_ == &of; }

private:
    friend class condition;
    mutex* of_ = nullptr;
};

namespace detail {

/// Waits in a mutex's queue; the mutex is handed to it locked.
class mutex_waiter : protected listed_waiter {
protected:
    friend class leat::mutex;
    enum : std::uint8_t { idle, queued, granted };

    explicit mutex_waiter(mutex& of) noexcept : of_(of) {}
    ~mutex_waiter();

    mutex& of_;
};

class lock_awaiter final : mutex_waiter {
public:
    explicit lock_awaiter(mutex& of) noexcept : mutex_waiter(of) {}

    bool await_ready() noexcept;
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    mutex_lock await_resume();
    result<mutex_lock> finish() { return await_resume(); }

private:
    bool start(promise_base& frame, std::source_location at) noexcept;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "mutex::lock"; }
};

}  // namespace detail

/// Lets one task at a time into a section that awaits (asyncio.Lock). Handed on in order of arrival; not recursive: a task that locks it
/// twice waits for itself. Between awaits a task needs no mutex: no other runs. Must outlive its locks and waiters.
/// Threads: the loop's own.
class mutex {
public:
    mutex() = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

    /// Completes when: nobody else holds it; at once if it is free. Errors: none. Cancellation: at once, the mutex goes to the next.
    /// Allocates: never. Source: asyncio.Lock.acquire. `auto lock = co_await m.lock();`
    detail::lock_awaiter lock() noexcept { return detail::lock_awaiter{*this}; }
    /// The lock if it is free now; nothing if it is not.
    std::optional<mutex_lock> try_lock() noexcept;
    /// Does anybody hold it?
    bool locked() const noexcept { return locked_; }

private:
    friend class mutex_lock;
    friend class detail::mutex_waiter;
    friend class detail::lock_awaiter;
    friend class condition;
    friend class detail::condition_awaiter;
    void unlock() noexcept;
    /// Locks for the waiter now (it is then granted) or queues it.
    void request(detail::mutex_waiter& by) noexcept;

    bool locked_ = false;
    detail::waiter_list waiting_;
};

inline void mutex_lock::unlock() noexcept {
    if (of_) std::exchange(of_, nullptr)->unlock();
}

}  // namespace leat
