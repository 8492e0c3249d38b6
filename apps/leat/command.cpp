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

int run_command(std::string_view name, leat::task<int> work) { return leat::run(guarded(name, std::move(work))); }

}  // namespace tool
