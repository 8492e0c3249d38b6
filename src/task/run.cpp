#include "leat/task/run.hpp"

#include <signal.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

#include "task/error_trace.hpp"
#include "task/loop.hpp"

namespace leat {
namespace detail {
namespace {

/// The root of the tree.
struct root_strand final : context {
    root_strand() noexcept : context(nullptr, [](context& ended) noexcept { static_cast<root_strand&>(ended).done = true; }) {}
    bool done = false;
};

}  // namespace

int run_frame(promise_base& first, const run_options& options, function_ref<void()> ended, loop_seat seat) {
    loop_set* const set = seat.set;
    // The first loop's thread is the one that takes signals, so that their handlers are never beside it.
    loop here({.catches_signals = options.handle_signals && seat.index == 0,
               .dumps_tasks = options.tasks_on_sigusr1,
               .slow_callback = options.slow_callback,
               .set = set ? set->shared_from_this() : nullptr,
               .first = seat.index == 0});
    if (set) set->join(seat.index, here.shared());
    root_strand root;
    here.set_root(&root);
    schedule_strand(root, first);
    here.run_until(root.done);
    here.set_root(nullptr);
    const bool failed = first.error && here.ending_signal() == 0;
    ended();
    if (set) set->task_ended(failed);
    here.part();
    here.finish(options.linger);
    return here.ending_signal();
}

void expect_one_loop(const run_options& options) {
    if (options.threads != 1)
        throw std::invalid_argument("leat::run: a task runs once; for several threads give a callable that returns a task");
}

int report_uncaught(const std::exception_ptr& error, int signal) noexcept {
    if (is_cancelled(error)) return signal != 0 ? 128 + signal : 1;
    std::string text = "leat: uncaught error: " + describe(error) + "\n" + trace_of(error);
    std::fwrite(text.data(), 1, text.size(), stderr);
    return 1;
}

}  // namespace detail

int detail::run_in_set(task<void> main, const run_options& options, loop_seat seat) {
    std::exception_ptr error;
    auto ended = [&] {
        error = std::move(main.frame().promise().error);
        main = {};
    };
    int signal = run_frame(main.frame().promise(), options, ended, seat);
    return error ? report_uncaught(error, signal) : 0;
}

int detail::run_in_set(task<int> main, const run_options& options, loop_seat seat) {
    std::exception_ptr error;
    int status = 0;
    auto ended = [&] {
        auto& promise = main.frame().promise();
        error = std::move(promise.error);
        if (!error) status = *promise.value;
        main = {};
    };
    int signal = run_frame(main.frame().promise(), options, ended, seat);
    return error ? report_uncaught(error, signal) : status;
}

int run(task<void> main, run_options options) {
    detail::expect_one_loop(options);
    return detail::run_in_set(std::move(main), options, {});
}

int run(task<int> main, run_options options) {
    detail::expect_one_loop(options);
    return detail::run_in_set(std::move(main), options, {});
}

}  // namespace leat
