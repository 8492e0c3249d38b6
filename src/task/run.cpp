#include "leat/task/run.hpp"

#include <signal.h>

#include <cstdio>
#include <string>

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

int run_frame(promise_base& first, const run_options& options, function_ref<void()> ended) {
    loop here(options.handle_signals);
    root_strand root;
    here.set_root(&root);
    schedule_strand(root, first);
    here.run_until(root.done);
    here.set_root(nullptr);
    ended();
    here.finish(options.linger);
    return here.ending_signal();
}

int report_uncaught(const std::exception_ptr& error, int signal) noexcept {
    if (is_cancelled(error)) return signal != 0 ? 128 + signal : 1;
    std::string text = "leat: uncaught error: " + describe(error) + "\n" + trace_of(error);
    std::fwrite(text.data(), 1, text.size(), stderr);
    return 1;
}

}  // namespace detail

int run(task<void> main, run_options options) {
    std::exception_ptr error;
    auto ended = [&] {
        error = std::move(main.frame().promise().error);
        main = {};
    };
    int signal = detail::run_frame(main.frame().promise(), options, ended);
    return error ? detail::report_uncaught(error, signal) : 0;
}

int run(task<int> main, run_options options) {
    std::exception_ptr error;
    int status = 0;
    auto ended = [&] {
        auto& promise = main.frame().promise();
        error = std::move(promise.error);
        if (!error) status = *promise.value;
        main = {};
    };
    int signal = detail::run_frame(main.frame().promise(), options, ended);
    return error ? detail::report_uncaught(error, signal) : status;
}

}  // namespace leat
