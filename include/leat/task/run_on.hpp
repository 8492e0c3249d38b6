#pragma once
#include <utility>

#include "leat/task/loop_handle.hpp"
#include "leat/task/task.hpp"

namespace leat {
namespace detail {

class remote_call;

class run_on_base : protected waiter {
public:
    run_on_base(const run_on_base&) = delete;

protected:
    run_on_base() = default;
    ~run_on_base() = default;
    bool start(promise_base& frame, promise_base& first, const loop_handle& where, std::source_location at);
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "run_on"; }
    /// True if the frame was destroyed on the other loop, and is not to be touched any more.
    bool abandon() noexcept;
    /// The call has ended, or never begun: what went wrong apart from the task.
    std::exception_ptr settle() noexcept;

private:
    friend class remote_call;
    remote_call* call_ = nullptr;
    bool refused_ = false;
};

template <class T>
class run_on_awaiter final : run_on_base {
public:
    run_on_awaiter(loop_handle where, task<T>&& inside) noexcept : where_(std::move(where)), inside_(std::move(inside)) {}
    ~run_on_awaiter() {
        if (abandon()) inside_.release();
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), inside_.frame().promise(), where_, at);
    }
    T await_resume() {
        if (auto error = settle()) std::rethrow_exception(std::move(error));
        return inside_.frame().promise().take();
    }
    result<T> finish() {
        auto& ended = inside_.frame().promise();
        auto error = settle();
        if (!error) error = std::move(ended.error);
        if (error) {
            if (is_cancelled(error)) throw cancelled{};
            return failure{std::move(error)};
        }
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return std::move(*ended.value);
    }

private:
    loop_handle where_;
    task<T> inside_;
};

/// `run_on(…)` before it is awaited. Awaited where it stands.
template <class T>
class [[nodiscard]] run_on_call {
public:
    run_on_call(loop_handle where, task<T>&& inside) noexcept : where_(std::move(where)), inside_(std::move(inside)) {}
    run_on_call(const run_on_call&) = delete;
    run_on_call& operator=(const run_on_call&) = delete;
    run_on_awaiter<T> operator co_await() && noexcept { return run_on_awaiter<T>{std::move(where_), std::move(inside_)}; }

private:
    loop_handle where_;
    task<T> inside_;
};

}  // namespace detail

/// Runs a task on another loop, and waits for it here: `auto total = co_await leat::run_on(shard, count(key));`
/// The task must own what it uses, or use what this one leaves alone meanwhile; it must not touch streams, files or events of
/// this loop. On this very loop it is a child like any other.
/// Completes when: the task has ended there. @return what it returned. Errors: what it threw; `leat::error` (ECANCELED) if that loop has ended or
/// ends before the task could begin; a loop that ends cancels what others run on it.
/// Cancellation: goes to the task there, which is waited for; a result that it has reached stands. Destroying the waiting task blocks this
/// loop until the other has destroyed its part: for the length of one callback there.
/// Threads: this is the way from one loop to another; `loop_handle::post` is the way from other threads. Allocates: about 250 bytes.
/// Source: asyncio.run_coroutine_threadsafe.
template <class T>
detail::run_on_call<T> run_on(loop_handle where, task<T> inside) {
    return detail::run_on_call<T>{std::move(where), std::move(inside)};
}

}  // namespace leat
