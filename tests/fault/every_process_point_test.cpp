#include <gtest/gtest.h>

#include <string>

#include "fault/every_point.hpp"
#include "leat/leat.hpp"
#include "unit/tls_support.hpp"

// Children: what starts them, in this process and, before the program runs, in theirs; their pipes; their end. See every_point.hpp.

namespace leat::testing {
namespace {

const expectations of_processes{.words = {"spawn", "read", "write", "wait", "open", "close", "run_process", "eventfd", "epoll_create1", "to_thread", "poll"}, .counts_pipes = true};

task<> through_cat(const std::string& bytes) {
    auto process = co_await spawn_process({"/bin/cat"}, {.standard_input = stdio::pipe, .standard_output = stdio::pipe, .standard_error = stdio::pipe});
    auto all = co_await process.communicate(bytes);
    const exit_status status = co_await process.wait();
    demand(status.success(), "cat has failed, and no error was told");
    demand(all.output == bytes, "what cat wrote is not what it was given");
    demand(all.error_output.empty(), "cat complains");
}

task<> run_to_end(const std::string& bytes) {
    const auto completed = co_await run_process({"cat"}, {.input = bytes, .check = true});
    demand(completed.output == bytes, "the output is wrong");
}

task<> piped(reports& said) {
    const std::string bytes = tls_test::noise(150'000);
    co_await part(through_cat(bytes), said);
    co_await undisturbed_part(through_cat("again"), said, "the next child fails as well");
}

task<> awaited(reports& said) {
    co_await part(run_to_end("some input"), said);
    auto status_of = []() -> task<> {
        auto process = co_await spawn_process({"sh", "-c", "exit 3"}, {.standard_input = stdio::null, .working_directory = "/"});
        const exit_status status = co_await process.wait();
        demand(status.code == 3, "the status is wrong");
    };
    co_await part(status_of(), said);
    auto killed = []() -> task<> {
        auto process = co_await spawn_process({"sleep", "1000"}, {.standard_output = stdio::null});
        process.terminate();
        const exit_status status = co_await process.wait();
        demand(status.signal == 15, "it was not killed by that signal");
        auto dropped = co_await spawn_process({"sleep", "1000"});
    };
    co_await part(killed(), said);
    co_await undisturbed_part(run_to_end("more"), said, "the next child fails as well");
}

task<> of_a_pipe(reports& said) {
    auto exchange = []() -> task<> {
        auto ends = open_pipe();
        co_await ends.writer.write("through a pipe\n");
        co_await ends.writer.close();  // a write that fails later is told of here; the line would be waited for in vain
        auto line = co_await ends.reader.read_line();
        demand(line == "through a pipe\n", "the line is wrong");
        auto end = co_await ends.reader.read();
        demand(!end, "there is more");
    };
    co_await part(exchange(), said);
    co_await undisturbed_part(exchange(), said, "the next pipe fails as well");
}

TEST(EveryProcessPoint, PipesToAndFromAChildSurviveEveryCall) { every_call_fails_once(piped, of_processes); }
TEST(EveryProcessPoint, PipesToAndFromAChildSurviveEveryAllocation) { every_allocation_fails_once(piped, of_processes); }
TEST(EveryProcessPoint, RunWaitAndKillSurviveEveryCall) { every_call_fails_once(awaited, of_processes); }
TEST(EveryProcessPoint, RunWaitAndKillSurviveEveryAllocation) { every_allocation_fails_once(awaited, of_processes); }
TEST(EveryProcessPoint, APipeSurvivesEveryCall) { every_call_fails_once(of_a_pipe, of_processes); }
TEST(EveryProcessPoint, APipeSurvivesEveryAllocation) { every_allocation_fails_once(of_a_pipe, of_processes); }

}  // namespace
}  // namespace leat::testing
