#pragma once
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "leat/io/duration.hpp"
#include "leat/io/function_ref.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// How `run` behaves. Trivial, so that it may be written inside any expression.
struct run_options {
    /// How long `run` waits, after the task has ended, for dropped writers and files to finish closing; then they are cut off.
    duration linger = std::chrono::seconds{5};
    /// SIGINT and SIGTERM cancel the task (exit status 130 and 143). Off: the process's own handlers stay. Of several loops in one
    /// process the first takes the signals.
    bool handle_signals = true;
};

namespace detail {

/// Runs the frame on a new loop until it has ended, calls `ended`, which destroys it, and runs what it left behind. Returns the signal that
/// cancelled it, or 0.
int run_frame(promise_base& first, const run_options& options, function_ref<void()> ended);
/// Prints an uncaught error with the chain of tasks it came through; the exit status for it.
int report_uncaught(const std::exception_ptr& error, int signal) noexcept;

}  // namespace detail

/// Runs a task on a new loop of this thread until it has ended, and is meant as the last line of `main`:
/// `int main() { return leat::run(serve()); }`.
/// @return 0 for `task<>`, the value for `task<int>`; 1 after an uncaught exception, which is printed on standard error with the
///         chain of awaiting tasks; 130 if SIGINT and 143 if SIGTERM cancelled it.
/// Dropped writers and files are closed in order first, within the linger time. Source: asyncio.run.
int run(task<void> main, run_options options = {});
int run(task<int> main, run_options options = {});

/// The same, for embedding and for tests: returns the task's value and rethrows its exception; throws `cancelled` if a signal ended it.
template <class T>
T run_until_complete(task<T> main, run_options options = {}) {
    std::optional<result<T>> outcome;
    auto ended = [&] {
        auto& promise = main.frame().promise();
        if (promise.error)
            outcome.emplace(failure{std::move(promise.error)});
        else if constexpr (std::is_void_v<T>)
            outcome.emplace();
        else
            outcome.emplace(std::move(*promise.value));
        main = {};
    };
    detail::run_frame(main.frame().promise(), options, ended);
    return std::move(*outcome).value();
}

}  // namespace leat
