#pragma once
#include <cstddef>
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
    /// With a callable: how many loops, each in a thread of its own, the first in the calling one. 0: as many as the process may use cores.
    /// A task runs once, so with a task it must be 1.
    std::size_t threads = 1;
    /// A task that keeps its loop from the others longer than this between two awaits is logged (warn) with the two lines. Zero: none
    /// is. Told to within 4 ms. Source: asyncio's slow_callback_duration.
    duration slow_callback = std::chrono::milliseconds{250};
    /// SIGUSR1 prints the tree of tasks of every loop of the process on standard error. Needs handle_signals.
    bool tasks_on_sigusr1 = false;
};

namespace detail {

class loop_set;

/// Which of the loops of one `run` it is; none, of a set of one.
struct loop_seat {
    loop_set* set = nullptr;
    std::size_t index = 0;
};

/// Runs the frame on a new loop until it has ended, calls `ended`, which destroys it, and runs what it left behind. Returns the signal that
/// cancelled it, or 0.
int run_frame(promise_base& first, const run_options& options, function_ref<void()> ended, loop_seat seat = {});
/// Calls `body(index, set)` in that many threads at once; the first status, by index, that is not 0.
int run_threads(std::size_t threads, function_ref<int(std::size_t, loop_set&)> body);
/// Throws std::invalid_argument unless the options ask for one loop.
void expect_one_loop(const run_options& options);
/// How many loops to make for this option.
std::size_t thread_count(std::size_t asked);
/// Prints an uncaught error with the chain of tasks it came through; the exit status for it.
int report_uncaught(const std::exception_ptr& error, int signal) noexcept;

}  // namespace detail

/// Runs a task on a new loop of this thread until it has ended, and is meant as the last line of `main`:
/// `int main() { return leat::run(serve()); }`.
/// @return 0 for `task<>`, the value for `task<int>`; 1 after an uncaught exception, which is printed on standard error with the
///         chain of awaiting tasks; 130 if SIGINT and 143 if SIGTERM cancelled it.
/// Dropped writers and files are closed in order first, within the linger time. Source: asyncio.run.
int run(task<void> main, run_options options = {});
/// The same for a task that gives the exit status.
int run(task<int> main, run_options options = {});

namespace detail {

int run_in_set(task<void> main, const run_options& options, loop_seat seat);
int run_in_set(task<int> main, const run_options& options, loop_seat seat);

template <class Main>
auto call_main(Main& main, std::size_t index) {
    if constexpr (std::is_invocable_v<Main&, std::size_t>)
        return main(index);
    else
        return main();
}

}  // namespace detail

/// Calls `main()`, or `main(index)`, once on each of `options.threads` loops and runs the tasks that it returns side by side:
/// `int main() { return leat::run([] { return serve(8888); }, {.threads = 0}); }`. The loops share nothing: servers take
/// `{.reuse_port = true}` and the kernel spreads the connections, `channel` and `run_on` go from loop to loop.
/// SIGINT and SIGTERM reach every loop. An uncaught error of one cancels the others. Each loop serves its siblings (`run_on`) until the last task
/// has ended. The callable is called from several threads at once.
/// @return the first status, in the order of the loops, that is not 0; else 0.
template <class Main>
    requires(!detail::is_task<std::remove_cvref_t<Main>>)
int run(Main&& main, run_options options = {}) {
    auto body = [&](std::size_t index, detail::loop_set& set) {
        return detail::run_in_set(detail::call_main(main, index), options, {&set, index});
    };
    return detail::run_threads(detail::thread_count(options.threads), body);
}

/// The same, for embedding and for tests: returns the task's value and rethrows its exception; throws `cancelled` if a signal ended it.
template <class T>
T run_until_complete(task<T> main, run_options options = {}) {
    detail::expect_one_loop(options);
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
