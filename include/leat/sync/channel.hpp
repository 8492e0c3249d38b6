#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <utility>

#include "leat/sync/semaphore.hpp"
#include "leat/task/detail/mailbox.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// Something was sent to a channel that is closed.
class channel_closed : public std::logic_error {
public:
    /// The text names the call.
    channel_closed() : std::logic_error("channel: send: it is closed") {}
};

namespace detail {

struct shared_loop;
class channel_core;

/// One sender or receiver. What it waits for is a reservation: room for one item, or an item, which it then uses on its own thread.
class channel_waiter : letter, listed_waiter {
public:
    channel_waiter(const channel_waiter&) = delete;
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }

protected:
    friend class channel_core;
    enum phase : std::uint8_t { idle, queued, reserved, refused_by_close };

    channel_waiter(channel_core& of, bool sends) noexcept : of_(of), sends_(sends) {}
    ~channel_waiter();
    /// True if there is a reservation to use; false if the channel is closed. Throws `cancelled`.
    bool has_reservation() const {
        if (was_cancelled()) throw cancelled{};
        return phase_ == reserved;
    }

    channel_core& of_;
    phase phase_ = idle;  // under the channel's lock

private:
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    void give_back() noexcept override;
    void arrive() noexcept override { wake(); }
    const char* describe() const noexcept override { return sends_ ? "channel::send" : "channel::receive"; }

    bool sends_;
    std::shared_ptr<shared_loop> loop_;  // where it waits
};

/// Counts what is stored and reserved in a channel, and knows who waits; the items themselves are the template's.
class channel_core {
public:
    channel_core(const channel_core&) = delete;
    channel_core& operator=(const channel_core&) = delete;

    class guard {
    public:
        explicit guard(const channel_core& of) noexcept : of_(of) { of_.lock(); }
        ~guard() { of_.unlock(); }
        guard(const guard&) = delete;

    private:
        const channel_core& of_;
    };

protected:
    explicit channel_core(std::size_t capacity);
    ~channel_core();

    friend class channel_waiter;
    void lock() const noexcept;
    void unlock() const noexcept;
    // Under the lock:
    bool room() const noexcept;                // for one who comes now
    bool item_free() const noexcept;           // likewise
    bool closed() const noexcept;
    void stored(bool was_reserved) noexcept;   // the caller has added an item
    void taken(bool was_reserved) noexcept;    // has removed one
    void shut() noexcept;
    /// Blocks a plain thread until it has a reservation; false if the channel is closed. Throws std::logic_error on a loop's thread.
    bool reserve_in_thread(bool to_send);

    const std::size_t capacity_;

private:
    struct state;
    void give_up_reservation(channel_waiter& waiting) noexcept;
    void serve() noexcept;
    std::unique_ptr<state> state_;
};

}  // namespace detail

/// A bounded queue between tasks of any loops, and plain threads. The channel must outlive those who use it: usually it is a local of `main`, or of the
/// task that starts the others. Items arrive in the order in which they were sent by one sender.
///
/// Threads: everything may be called from any thread; awaiting needs a loop. Within one loop `leat::queue` does the same for less.
/// Allocates: the items, as they come; never to wait. Source: Python's asyncio.Queue and queue.Queue in one, with close() as Queue.shutdown.
template <class T>
class channel : detail::channel_core {
    class sender final : public detail::channel_waiter {
    public:
        sender(channel& of, T&& item) : channel_waiter(of, true), item_(std::move(item)) {}
        void await_resume() {
            if (!finish_send()) throw channel_closed{};
        }
        result<void> finish() {
            if (!finish_send()) return failure{std::make_exception_ptr(channel_closed{})};
            return {};
        }

    private:
        bool finish_send() {
            if (!has_reservation()) return false;
            auto& to = static_cast<channel&>(of_);
            guard lock{to};
            to.items_.push_back(std::move(item_));
            phase_ = idle;
            to.stored(true);
            return true;
        }
        T item_;
    };

    class receiver final : public detail::channel_waiter {
    public:
        explicit receiver(channel& of) noexcept : channel_waiter(of, false) {}
        std::optional<T> await_resume() {
            if (!has_reservation()) return std::nullopt;
            auto& from = static_cast<channel&>(of_);
            guard lock{from};
            phase_ = idle;
            return from.take_first(true);
        }
        result<std::optional<T>> finish() { return await_resume(); }
    };

public:
    /// @param capacity how many items it holds before senders wait; at least 1, or std::invalid_argument is thrown.
    explicit channel(std::size_t capacity) : channel_core(capacity) {}

    /// Completes when: the channel had room for the item, which is in it now. Errors: `channel_closed`.
    /// Cancellation: the item was not sent, and is destroyed; one that had room already is sent. Senders are served in order. May be called again.
    sender send(T item) { return sender{*this, std::move(item)}; }
    /// Completes when: there is an item; nullopt once the channel is closed and empty: `while (auto item = co_await jobs.receive())`.
    /// Errors: none. Cancellation: no item is lost, and one may call again. Receivers are served in order.
    receiver receive() noexcept { return receiver{*this}; }

    /// Sends if there is room now; moves from the item only then. Throws `channel_closed`.
    bool try_send(T& item) {
        guard lock{*this};
        if (closed()) throw channel_closed{};
        if (!room()) return false;
        items_.push_back(std::move(item));
        stored(false);
        return true;
    }
    /// The same for a temporary, which is gone if there was no room.
    bool try_send(T&& item) { return try_send(item); }
    /// What is there now, if anything.
    std::optional<T> try_receive() {
        guard lock{*this};
        if (!item_free()) return std::nullopt;
        return take_first(false);
    }

    /// For threads without a loop, as in `to_thread`: block until it is done. On a loop's thread: std::logic_error.
    void blocking_send(T item) {
        if (!reserve_in_thread(true)) throw channel_closed{};
        guard lock{*this};
        items_.push_back(std::move(item));
        stored(true);
    }
    /// The same for an item; nullopt once the channel is closed and empty.
    std::optional<T> blocking_receive() {
        if (!reserve_in_thread(false)) return std::nullopt;
        guard lock{*this};
        return take_first(true);
    }

    /// No more is sent: senders that wait fail, receivers get what is left, then nullopt. May be called again.
    void close() noexcept {
        guard lock{*this};
        shut();
    }
    /// Was it closed?
    bool is_closed() const noexcept {
        guard lock{*this};
        return closed();
    }
    /// Items in it now.
    std::size_t size() const noexcept {
        guard lock{*this};
        return items_.size();
    }
    /// How many items it holds before senders wait.
    std::size_t capacity() const noexcept { return capacity_; }

private:
    std::optional<T> take_first(bool was_reserved) {
        std::optional<T> item{std::move(items_.front())};
        items_.pop_front();
        taken(was_reserved);
        return item;
    }

    std::deque<T> items_;
};

}  // namespace leat
