#include "command.hpp"

#include <exception>
#include <utility>

#include "leat/task/run.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

leat::task<int> guarded(std::string_view name, leat::task<int> work) {
    try {
        co_return co_await std::move(work);
    } catch (const std::exception& e) {
        complain(name, e.what());
    }
    co_return failed;
}

}  // namespace

int run_command(std::string_view name, leat::task<int> work) {
    // A slow disk is no news to whoever runs a tool; what it is doing is, when they ask.
    return leat::run(guarded(name, std::move(work)), {.slow_callback = leat::duration::zero(), .tasks_on_sigusr1 = true});
}

}  // namespace tool
