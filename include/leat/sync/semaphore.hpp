#pragma once
#include <cstddef>
#include <optional>
#include <utility>

#include "leat/task/task.hpp"

namespace leat {

class semaphore;

namespace detail {

/// A waiter in a queue that is served in order of arrival.
class queued_waiter : protected waiter {
protected:
    friend class waiter_queue;
    queued_waiter* next_ = nullptr;
};

/// A ring of which only the last is known, whose next is the first: one pointer, since every connection has such a queue.
class waiter_queue {
public:
    bool empty() const noexcept { return last_ == nullptr; }
    queued_waiter* first() const noexcept { return last_->next_; }
    void push(queued_waiter& w) noexcept;
    void remove(queued_waiter& w) noexcept;
    /// Another takes its place.
    void replace(queued_waiter& w, queued_waiter& by) noexcept;

private:
    queued_waiter* last_ = nullptr;
};

/// The same where thousands may wait in one queue: each can leave it at once, from anywhere.
class listed_waiter : protected waiter {
protected:
    friend class waiter_list;
    listed_waiter* previous_ = nullptr;
    listed_waiter* next_ = nullptr;
};

class waiter_list {
public:
    bool empty() const noexcept { return first_ == nullptr; }
    listed_waiter* first() const noexcept { return first_; }
    void push(listed_waiter& w) noexcept;
    void remove(listed_waiter& w) noexcept;

private:
    listed_waiter* first_ = nullptr;
    listed_waiter* last_ = nullptr;
};

}  // namespace detail

/// A place in a semaphore, given back by its destructor.
class [[nodiscard]] semaphore_slot {
public:
    semaphore_slot() = default;
    /// Takes over a place. For `semaphore`.
    explicit semaphore_slot(semaphore& from) noexcept : from_(&from) {}
    semaphore_slot(semaphore_slot&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    semaphore_slot& operator=(semaphore_slot&& other) noexcept {
        if (this != &other) {
            release();
            from_ = std::exchange(other.from_, nullptr);
        }
        return *this;
    }
    ~semaphore_slot() { release(); }
    /// Gives the place back early.
    void release() noexcept;

private:
    semaphore* from_ = nullptr;
};

namespace detail {

class acquire_awaiter final : listed_waiter {
public:
    explicit acquire_awaiter(semaphore& of) noexcept : of_(of) {}
    ~acquire_awaiter();

    bool await_ready() noexcept;
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    semaphore_slot await_resume();
    result<semaphore_slot> finish() { return await_resume(); }

private:
    friend class leat::semaphore;
    enum : std::uint8_t { idle, queued, granted };
    bool start(promise_base& frame, std::source_location at) noexcept;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "semaphore::acquire"; }

    semaphore& of_;
};

}  // namespace detail

/// Bounds how many tasks are inside a section at once (asyncio.Semaphore). Served in order of arrival. Must outlive its slots and waiters.
/// It is asyncio's BoundedSemaphore as well: a place is a `semaphore_slot`, which gives back what it took, once, so that there
/// are never more places than at the start. One made with 0 places lets nobody in.
/// Threads: the loop's own.
class semaphore {
public:
    /// With so many places free.
    explicit semaphore(std::size_t places) noexcept : free_(places) {}
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;

    /// Completes when: a place is free; at once if one is. Errors: none.
    /// Cancellation: no place is lost. Allocates: never. `auto slot = co_await slots.acquire();`
    detail::acquire_awaiter acquire() noexcept { return detail::acquire_awaiter{*this}; }
    /// A place if one is free now; nothing if not.
    std::optional<semaphore_slot> try_acquire() noexcept;
    /// How many places are free.
    std::size_t available() const noexcept { return free_; }

private:
    friend class semaphore_slot;
    friend class detail::acquire_awaiter;
    void release() noexcept;

    std::size_t free_;
    detail::waiter_list waiting_;
};

inline void semaphore_slot::release() noexcept {
    if (from_) std::exchange(from_, nullptr)->release();
}

}  // namespace leat
