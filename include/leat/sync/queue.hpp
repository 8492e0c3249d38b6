#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "leat/sync/detail/queue_core.hpp"

namespace leat {

/// Something was put into a queue that is closed (asyncio.QueueShutDown).
class queue_closed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

namespace detail {

template <class T>
class get_awaiter;
template <class T>
class put_awaiter;

/// First in, first out.
template <class T>
class fifo_store {
public:
    std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    void push_first(T&& item) { items_.push_front(std::move(item)); }
    T pop() {
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }
    void clear() noexcept { items_.clear(); }

private:
    std::deque<T> items_;
};

/// Last in, first out.
template <class T>
class lifo_store {
public:
    std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    void push_first(T&& item) { push(std::move(item)); }
    T pop() {
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }
    void clear() noexcept { items_.clear(); }

private:
    std::vector<T> items_;
};

struct smaller_first {
    template <class T>
    bool operator()(const T& a, const T& b) const {
        return a < b;
    }
};

/// A heap; among equals the one that came first.
template <class T, class Compare>
class priority_store {
public:
    std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { insert({std::move(item), next_++}); }
    void push_first(T&& item) { insert({std::move(item), --before_}); }
    T pop() {
        T item = std::move(items_.front().item);
        entry last = std::move(items_.back());
        items_.pop_back();
        if (!items_.empty()) sift_down(std::move(last));
        return item;
    }
    void clear() noexcept { items_.clear(); }

private:
    struct entry {
        T item;
        std::int64_t arrival;
    };
    bool before(const entry& a, const entry& b) const {
        if (compare_(a.item, b.item)) return true;
        return !compare_(b.item, a.item) && a.arrival < b.arrival;
    }
    void insert(entry added) {
        items_.push_back(std::move(added));
        for (std::size_t at = items_.size() - 1; at > 0;) {
            const std::size_t parent = (at - 1) / 2;
            if (!before(items_[at], items_[parent])) break;
            std::swap(items_[at], items_[parent]);
            at = parent;
        }
    }
    void sift_down(entry moved) {
        std::size_t at = 0;
        for (;;) {
            std::size_t child = 2 * at + 1;
            if (child >= items_.size()) break;
            if (child + 1 < items_.size() && before(items_[child + 1], items_[child])) ++child;
            if (!before(items_[child], moved)) break;
            items_[at] = std::move(items_[child]);
            at = child;
        }
        items_[at] = std::move(moved);
    }

    std::vector<entry> items_;
    std::int64_t next_ = 0;
    std::int64_t before_ = 0;
    [[no_unique_address]] Compare compare_;
};

template <class T>
class get_awaiter final : queue_getter {
public:
    explicit get_awaiter(queue_core& from) noexcept : queue_getter(from) {}
    ~get_awaiter() { detach(); }

    bool await_ready() { return ready(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    std::optional<T> await_resume() {
        if (was_cancelled()) throw cancelled{};
        state_ = idle;
        return std::move(item_);
    }
    result<std::optional<T>> finish() { return await_resume(); }

private:
    template <class U, class Store>
    friend class typed_queue;
    std::optional<T> item_;
};

template <class T>
class put_awaiter final : queue_putter {
public:
    put_awaiter(queue_core& to, T&& item) : queue_putter(to), item_(std::move(item)) {}

    bool await_ready() { return ready(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    void await_resume() {
        if (auto why = error()) std::rethrow_exception(why);
    }
    result<void> finish() {
        if (auto why = error()) return failure{std::move(why)};
        return {};
    }

private:
    template <class U, class Store>
    friend class typed_queue;
    T item_;
};

/// What `queue`, `lifo_queue` and `priority_queue` have in common.
template <class T, class Store>
class typed_queue : queue_core {
public:
    using value_type = T;

    /// Completes when: there was room, and the item is in the queue or in the hands of one who waited for it.
    /// Errors: `queue_closed`. Cancellation: nothing was put, and the item is gone with the call; may be called again. Allocates: what
    /// storing the item needs. Source: asyncio.Queue.put.
    put_awaiter<T> put(T item) { return put_awaiter<T>{*this, std::move(item)}; }
    /// Completes when: an item is there. @return it, or nullopt once the queue is closed and empty:
    /// `while (auto item = co_await q.get())`. Errors: none. Cancellation: no item is lost, the next one gets it. Allocates: never.
    /// Source: asyncio.Queue.get.
    get_awaiter<T> get() noexcept { return get_awaiter<T>{*this}; }

    /// Puts the item if there is room now; else false, and the item is untouched. Throws `queue_closed`.
    bool try_put(T&& item) {
        check_open();
        if (!can_put()) return false;
        put_now(std::move(item));
        return true;
    }
    /// The same with a copy.
    bool try_put(const T& item) {
        check_open();
        if (!can_put()) return false;
        put_now(T(item));
        return true;
    }
    /// An item if there is one now.
    std::optional<T> try_get() {
        if (!can_get()) return std::nullopt;
        std::optional<T> item{items_.pop()};
        admit();
        return item;
    }

    /// Nothing more can be put: those who wait to put get `queue_closed`, those who get go on until it is empty and then have nullopt.
    /// Source: asyncio.Queue.shutdown.
    void close() noexcept { shut(false); }
    /// The same, and what is in the queue is dropped, and counts as done for `join`. Source: asyncio.Queue.shutdown(immediate=True).
    void close_now() noexcept { shut(true); }
    bool closed() const noexcept { return closed_; }  ///< was it closed?

    /// What was got has been dealt with: one item more. Throws std::logic_error if more are done than were put.
    void task_done() { finish_one(); }
    /// Completes when: `task_done` was called for each item that was put. Errors: none. Cancellation: at once. Allocates: never.
    /// Source: asyncio.Queue.join.
    queue_join_awaiter join() noexcept { return queue_join_awaiter{*this}; }

    std::size_t size() const noexcept { return items_.size(); }  ///< items in it now
    bool empty() const noexcept { return size() == 0; }  ///< is there none?
    bool full() const noexcept { return size() >= limit_; }  ///< has it as many as it may have?
    std::size_t limit() const noexcept { return limit_; }  ///< how many it may have

protected:
    explicit typed_queue(std::size_t limit) : queue_core(limit) {}  ///< at most so many items
    ~typed_queue() = default;

private:
    static T& item_of(queue_putter& from) noexcept { return static_cast<put_awaiter<T>&>(from).item_; }
    static std::optional<T>& item_of(queue_getter& to) noexcept { return static_cast<get_awaiter<T>&>(to).item_; }

    void put_now(T&& item) {
        put_awaiter<T> by{*this, std::move(item)};
        queue_core::put(by);
    }
    std::size_t stored() const noexcept override { return items_.size(); }
    void store(queue_putter& from) override { items_.push(std::move(item_of(from))); }
    void take(queue_getter& to) override { item_of(to).emplace(items_.pop()); }
    void hand_over(queue_putter& from, queue_getter& to) override { item_of(to).emplace(std::move(item_of(from))); }
    void restore(queue_getter& from) override {
        items_.push_first(std::move(*item_of(from)));
        item_of(from).reset();
    }
    void drop_stored() noexcept override { items_.clear(); }

    Store items_;
};

}  // namespace detail

/// Items from tasks that make them to tasks that use them, first in, first out, at most `limit` at once (asyncio.Queue). Whoever puts into a
/// full one waits, whoever gets from an empty one too, each served in order of arrival. Must outlive its waiters.
///
///     leat::queue<job> jobs{100};
///     co_await jobs.put(std::move(next));              // one side; jobs.close() at the end
///     while (auto job = co_await jobs.get()) …         // the other
///
/// The limit has no default, and 0 throws std::invalid_argument: nothing is unbounded by accident. Threads: the loop's own.
template <class T>
class queue : public detail::typed_queue<T, detail::fifo_store<T>> {
public:
    /// At most so many items; at least 1.
    explicit queue(std::size_t limit) : detail::typed_queue<T, detail::fifo_store<T>>(limit) {}
};

/// The same, but the newest item comes out first (asyncio.LifoQueue).
template <class T>
class lifo_queue : public detail::typed_queue<T, detail::lifo_store<T>> {
public:
    /// At most so many items; at least 1.
    explicit lifo_queue(std::size_t limit) : detail::typed_queue<T, detail::lifo_store<T>>(limit) {}
};

/// The same, but the item that `Compare` puts before the others comes out first: the smallest, unless told otherwise, as
/// asyncio.PriorityQueue and unlike std::priority_queue have it. Equal ones come out in order of arrival.
template <class T, class Compare = detail::smaller_first>
class priority_queue : public detail::typed_queue<T, detail::priority_store<T, Compare>> {
public:
    /// At most so many items; at least 1.
    explicit priority_queue(std::size_t limit) : detail::typed_queue<T, detail::priority_store<T, Compare>>(limit) {}
};

}  // namespace leat
