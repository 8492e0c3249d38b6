#pragma once
#include <cstddef>

#include "leat/sync/semaphore.hpp"

namespace leat::detail {

class queue_core;

/// Waits for an item.
class queue_getter : protected listed_waiter {
protected:
    friend class queue_core;
    enum : std::uint8_t { idle, queued, has_item, at_end };

    explicit queue_getter(queue_core& from) noexcept : from_(from) {}
    ~queue_getter() = default;
    bool ready();
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    void give_back() noexcept override;
    const char* describe() const noexcept override { return "queue::get"; }
    /// To be called by the destructor of the class that holds the item.
    void detach() noexcept;

    queue_core& from_;
};

/// Waits for room, with its item.
class queue_putter : protected listed_waiter {
protected:
    friend class queue_core;
    enum : std::uint8_t { idle, queued, done, refused };

    explicit queue_putter(queue_core& to) noexcept : to_(to) {}
    ~queue_putter();
    bool ready();
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "queue::put"; }
    /// Null, or `queue_closed`; throws `cancelled`.
    std::exception_ptr error();

    queue_core& to_;
};

/// Waits until everything that was put has been dealt with.
class queue_join_awaiter final : listed_waiter {
public:
    explicit queue_join_awaiter(queue_core& of) noexcept : of_(of) {}
    ~queue_join_awaiter();

    bool await_ready() const noexcept;
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
    friend class queue_core;
    bool start(promise_base& frame, std::source_location at) noexcept;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "queue::join"; }

    queue_core& of_;
};

/// What a queue does that does not depend on the items' type. An item goes from hand to hand: to the first who waits for one, else into the
/// store; and from the store, whose place the first who waits for room fills.
class queue_core {
public:
    queue_core(const queue_core&) = delete;
    queue_core& operator=(const queue_core&) = delete;

protected:
    friend class queue_getter;
    friend class queue_putter;
    friend class queue_join_awaiter;

    explicit queue_core(std::size_t limit);
    ~queue_core() = default;

    /// The typed moves. The store is not empty in take().
    virtual std::size_t stored() const noexcept = 0;
    virtual void store(queue_putter& from) = 0;
    virtual void take(queue_getter& to) = 0;
    virtual void hand_over(queue_putter& from, queue_getter& to) = 0;
    /// An item that was given out and not taken: it was first, and is first again.
    virtual void restore(queue_getter& from) = 0;
    virtual void drop_stored() noexcept = 0;

    bool can_get() const noexcept { return stored() > 0; }
    bool can_put() const noexcept { return stored() < limit_ || !getters_.empty(); }
    void get(queue_getter& to);
    void put(queue_putter& from);
    /// For try_get: the first who waits for room may put now.
    void admit();
    void check_open() const;
    void finish_one();
    void shut(bool drop) noexcept;

    std::size_t limit_;
    std::size_t unfinished_ = 0;
    bool closed_ = false;

private:
    void wake_joiners() noexcept;

    waiter_list getters_;
    waiter_list putters_;
    waiter_list joiners_;
};

}  // namespace leat::detail
