#pragma once
#include <coroutine>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <source_location>

#include "leat/task/task.hpp"

namespace leat {

class signal_set;

namespace detail {

class signal_core;

class signal_awaiter final : waiter {
public:
    explicit signal_awaiter(signal_core& of) noexcept : of_(of) {}
    ~signal_awaiter();

    bool await_ready() noexcept;
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    int await_resume() {
        if (was_cancelled()) throw cancelled{};
        return take();
    }
    result<int> finish() { return await_resume(); }

private:
    friend class signal_core;
    bool start(promise_base& frame, std::source_location at);
    int take() noexcept;
    void cancel() noexcept override;
    void give_back() noexcept override;
    const char* describe() const noexcept override { return "signal_set::next"; }

    signal_core& of_;
};

}  // namespace detail

/// Signals as events: `leat::signal_set wishes{SIGHUP, SIGUSR1}; int signal = co_await wishes.next();` (the numbers are those of `csignal`).
///
/// While a set exists, its signals do nothing else: with SIGINT or SIGTERM in it the task is not cancelled, a server goes on, and the program
/// decides. Their former actions come back with the end of the last set that holds them. Several sets, on one loop or many, each get every signal;
/// one that comes again before it was taken counts once, as with any signal.
/// Needs a loop that handles signals (`run_options::handle_signals`), else std::logic_error; `leat::error` for a signal that cannot be caught.
/// Threads: the loop's own. Source: asyncio loop.add_signal_handler.
class signal_set {
public:
    signal_set(std::initializer_list<int> signals);  ///< catches them from now on
    signal_set(const signal_set&) = delete;
    signal_set& operator=(const signal_set&) = delete;
    ~signal_set();

    /// Completes when: one of the signals has come since the last call. @return its number. Errors: std::logic_error if another task waits here already.
    /// Cancellation: at once, no signal is lost. Allocates: never.
    detail::signal_awaiter next() noexcept { return detail::signal_awaiter{*core_}; }

private:
    std::unique_ptr<detail::signal_core> core_;
};

}  // namespace leat
