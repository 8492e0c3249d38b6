#include "leat/debug/tasks.hpp"

#include <gtest/gtest.h>

#include <string>

#include "debug/names.hpp"
#include "leat/leat.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> inner(event& until) { co_await until.wait(); }
task<> outer(event& until) { co_await inner(until); }

TEST(PrintTasks, ShowsTheTreeWithLinesAndWhatIsWaitedFor) {
    in_loop([]() -> task<> {
        event until;
        semaphore none{0};
        auto pair = co_await connect_pair();
        task_group group;
        group.spawn(outer(until));
        group.spawn([&]() -> task<> { auto slot = co_await none.acquire(); });
        group.spawn([&]() -> task<> { co_await timeout(1h, pair.reader.read_line()); });
        group.spawn([&]() -> task<> { co_await sleep(1h); });
        co_await settle();
        const std::string tree = debug::format_tasks();
        for (std::string_view part : {"outer at debug_test.cpp:", "awaits leat::testing::", "inner at debug_test.cpp:", "waits for event::wait", "waits for semaphore::acquire",
                                      "waits for timeout", "waits for read_line", "waits for sleep", "running"})
            EXPECT_NE(tree.find(part), std::string::npos) << part << " in:\n" << tree;
        group.cancel();
        co_await group.join();
        EXPECT_EQ(debug::format_tasks().find("event::wait"), std::string::npos);
    }());
}

// The frame that was resumed last has ended and is gone; the tree is asked for by the one that awaited it.
TEST(PrintTasks, DoesNotLookAtFramesThatHaveEnded) {
    in_loop([]() -> task<> {
        auto child = []() -> task<int> {
            co_await yield();
            co_return 1;
        };
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(co_await child(), 1);
            const std::string tree = debug::format_tasks();
            EXPECT_NE(tree.find("running"), std::string::npos) << tree;
            EXPECT_EQ(tree.find("awaits"), std::string::npos) << tree;
        }
        auto nested = [&]() -> task<> {
            co_await child();
            EXPECT_NE(debug::format_tasks().find("running"), std::string::npos);
        };
        co_await timeout(1h, nested());
        co_await shield(nested());
        auto at_once = []() -> task<> {
            EXPECT_NE(debug::format_tasks().find("running"), std::string::npos);
            co_return;
        };
        co_await timeout(1h, at_once());
    }());
}

TEST(FunctionNames, AreCutToTheNameInEveryCompilersSpelling) {
    EXPECT_EQ(debug::function_only("void serve(serve()::_Z5servev.Frame*)"), "serve");
    EXPECT_EQ(debug::function_only("leat::task<> serve()"), "serve");
    EXPECT_EQ(debug::function_only("task<> app::(anonymous namespace)::serve(int)"), "app::(anonymous namespace)::serve");
    EXPECT_EQ(debug::function_only("task<int> (anonymous namespace)::serve(std::pair<int, int>)"), "(anonymous namespace)::serve");
    EXPECT_EQ(debug::function_only("main"), "main");
    EXPECT_EQ(debug::file_only("/a/b/c.cpp"), "c.cpp");
    EXPECT_EQ(debug::file_only("c.cpp"), "c.cpp");
}

TEST(PrintTasks, OutsideRunThereAreNone) { EXPECT_EQ(debug::format_tasks(), ""); }

}  // namespace
}  // namespace leat::testing
