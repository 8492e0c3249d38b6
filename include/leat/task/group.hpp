#pragma once
#include <concepts>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

#include "leat/task/task.hpp"

namespace leat {

class task_group;

namespace detail {

class join_awaiter;

/// Where children run side by side: what a group, a server and the combinators share. It is the scope above their strands.
class nursery : context {
public:
    nursery() noexcept;
    nursery(const nursery&) = delete;
    nursery& operator=(const nursery&) = delete;
    ~nursery();

    /// Takes the frame over and queues it; it starts at the loop's next turn.
    void adopt(promise_base& first);
    void cancel() noexcept;
    /// Cancels those who lost a race; what they reached in the same turn goes back to where it came from.
    void cancel_losers() noexcept;
    void give_back() noexcept;
    bool empty() const noexcept { return first_child == nullptr; }
    std::size_t size() const noexcept { return size_; }

private:
    friend class join_awaiter;
    struct child;
    static void child_finished(context& strand) noexcept;

    std::size_t size_ = 0;
    join_awaiter* joining_ = nullptr;
    std::vector<std::exception_ptr> errors_;  // the first of them cancelled the other children
};

class join_awaiter final : waiter {
public:
    explicit join_awaiter(nursery& children) noexcept : children_(children) {}
    ~join_awaiter() {
        if (children_.joining_ == this) children_.joining_ = nullptr;
    }

    bool await_ready() const noexcept { return children_.empty() && spend(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    void await_resume();
    result<void> finish();

private:
    friend class nursery;
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    void give_back() noexcept override { children_.give_back(); }
    /// A child was added after the last one had ended, and before the frame went on.
    void unwake() noexcept;
    const char* describe() const noexcept override { return "task_group::join"; }
    std::exception_ptr take_error();

    nursery& children_;
};

/// Keeps a callable and its arguments alive beside the task that it makes.
template <class Callable, class... Arguments>
task<> call_in_task(Callable callable, Arguments... arguments) {
    co_await callable(std::move(arguments)...);
}

}  // namespace detail

/// Children that run side by side and end with their scope (Python's TaskGroup, trio's nursery).
///
/// A child's error cancels its siblings. `join()` waits for all, then rethrows a sole error as itself and several as one
/// `error_group`. None outlives the group: one that dies without `join` (a throw between `spawn` and `join`) destroys its suspended
/// children at once, innermost frame first, and an error that a child had thrown by then is logged. To be used inside a task, and where it stands: neither copied nor moved.
/// Threads: the loop's own. Allocates: about 80 bytes a child beside its frame, from a free list.
class task_group {
public:
    task_group() noexcept = default;
    /// Destroys the children that have not ended. A child must not destroy its own group.
    ~task_group() = default;

    /// Starts a task as a child; it first runs at the loop's next turn. What a task<T> returns is dropped.
    /// In a cancelled scope, and after a sibling's error, the child starts cancelled.
    template <class T>
    void spawn(task<T> child) {
        children_.adopt(child.release().promise());
    }
    /// Starts `callable(arguments...)`, which returns a task, and keeps the callable (a lambda's captures) and the arguments alive as
    /// long as it runs.
    template <class Callable, class... Arguments>
        requires std::invocable<Callable&, Arguments...>
    void spawn(Callable callable, Arguments... arguments) {
        spawn(detail::call_in_task(std::move(callable), std::move(arguments)...));
    }

    /// Completes when: every child has ended, also those spawned meanwhile.
    /// Errors: a child's exception; several as `error_group`. Cancellation: cancels the children, waits for them, then throws
    /// `cancelled`. May be called again after more children were spawned. Allocates: never.
    detail::join_awaiter join() noexcept { return detail::join_awaiter{children_}; }
    /// Cancels every child; they end at their next await. `join` then does not throw for it.
    void cancel() noexcept { children_.cancel(); }
    /// How many children have not ended.
    std::size_t size() const noexcept { return children_.size(); }
    /// For leat's combinators.
    detail::nursery& children() noexcept { return children_; }

private:
    detail::nursery children_;
};

namespace detail {

template <class Body>
task<> run_with_group(Body body) {
    task_group group;
    group.spawn(body(group));
    co_await group.join();
}

}  // namespace detail

/// Runs `body(group)`, a task, as the first child of a group, and waits for it and for everything it spawned there: what the block of an
/// `async with TaskGroup()` is in Python. A child's error cancels the body as well, the body's error cancels the children, and
/// all errors arrive together, as from `join`.
/// Completes when: the body and every child have ended. Errors: a sole one as itself, several as `error_group`. Cancellation: cancels all, waits for them.
/// Allocates: a frame, beside what the body and each child take. Source: asyncio.TaskGroup.
///
///     auto body = [&](leat::task_group& group) -> leat::task<> { group.spawn(listen()); co_await talk(); };
///     co_await leat::with_group(body);
template <class Body>
task<> with_group(Body&& body) {
    static_assert(detail::safe_inline_callable<Body>, "name it first: g++ 12 destroys a closure written inside co_await twice");
    return detail::run_with_group<std::decay_t<Body>>(std::forward<Body>(body));
}

}  // namespace leat
