#include "command.hpp"

#include <exception>
#include <utility>

#include "leat/io/error.hpp"
#include "leat/task/run.hpp"
#include "leat/task/shield.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

leat::task<int> guarded(std::string_view name, leat::task<int> work) {
    int status = failed;
    bool interrupted = false;
    try {
        status = co_await std::move(work);
    } catch (const leat::cancelled&) {
        interrupted = true;
    } catch (const std::exception& e) {
        complain(name, e.what());
    }
    // Whoever has interrupted it waits for nobody else.
    if (interrupted) {
        co_await leat::shield(standard_error().drain_briefly());
        throw leat::cancelled{};
    }
    if (!standard_error().idle()) co_await standard_error().drain();
    co_return status;
}

}  // namespace

int run_command(std::string_view name, leat::task<int> work) {
    // A slow disk is no news to whoever runs a tool; what it is doing is, when they ask.
    return leat::run(guarded(name, std::move(work)), {.slow_callback = leat::duration::zero(), .tasks_on_sigusr1 = true});
}

}  // namespace tool
