// What asyncio's own tests of TaskGroup ask for, asked of leat. Each test names those it answers; README.md has the rest.
// The block of an `async with TaskGroup()` is a body given to leat::with_group, or what stands between the group and its join().
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> crash(int turns, std::string why) {
    co_await settle(turns);
    throw std::runtime_error(why);
}

/// Sleeps, counts its cancellation, and may fail in its cleanup.
task<> sleeps(int& cancelled_ones, std::string fails_with = {}) {
    try {
        co_await sleep(1h);
    } catch (const cancelled&) {
        ++cancelled_ones;
        if (fails_with.empty()) throw;
    }
    throw std::runtime_error(fails_with);
}

/// The texts of all errors in a task's outcome, sorted; "cancelled" for that.
task<std::vector<std::string>> errors_of(task<> inside) {
    std::vector<std::string> texts;
    try {
        co_await std::move(inside);
    } catch (const error_group& several) {
        for (const auto& each : several.errors()) texts.push_back(describe(each));
    } catch (...) {
        texts.push_back(describe(std::current_exception()));
    }
    std::sort(texts.begin(), texts.end());
    co_return texts;
}
using texts = std::vector<std::string>;

// test_taskgroups.TestTaskGroup.test_taskgroup_01, test_taskgroup_02
TEST(ConformanceTaskGroup, WaitsForAllWhetherSpawnedAtOnceOrLater) {
    in_loop([]() -> task<> {
        int one = 0;
        int two = 0;
        auto sets = [](int& to, int value) -> task<> {
            co_await settle(2);
            to = value;
        };
        task_group group;
        group.spawn(sets(one, 42));
        co_await yield();
        group.spawn(sets(two, 11));
        co_await group.join();
        EXPECT_EQ(one, 42);
        EXPECT_EQ(two, 11);
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_03
TEST(ConformanceTaskGroup, AChildThatIsCancelledByItselfHarmsNobody) {
    in_loop([]() -> task<> {
        int done = 0;
        auto gives_up = []() -> task<> {
            co_await yield();
            throw cancelled{};
        };
        auto goes_on = [&]() -> task<> {
            co_await settle();
            done = 11;
        };
        task_group group;
        group.spawn(gives_up());
        group.spawn(goes_on());
        co_await group.join();
        EXPECT_EQ(done, 11);
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_04
TEST(ConformanceTaskGroup, AChildsErrorCancelsTheOthers) {
    in_loop([]() -> task<> {
        int cancelled_ones = 0;
        bool after = false;
        auto runner = [&]() -> task<> {
            task_group group;
            group.spawn(crash(1, "zero"));
            group.spawn(sleeps(cancelled_ones));
            co_await group.join();
            after = true;
        };
        const texts found1 = co_await errors_of(runner());
        EXPECT_EQ(found1, texts{"zero"});
        EXPECT_EQ(cancelled_ones, 1);
        EXPECT_FALSE(after);
    }());
}

// test_taskgroups.TestTaskGroup.test_cancel_children_on_child_error
TEST(ConformanceTaskGroup, AChildsErrorCancelsTheBodyAndAllErrorsArriveTogether) {
    in_loop([]() -> task<> {
        int cancelled_ones = 0;
        auto body = [&](task_group& group) -> task<> {
            for (int i = 0; i < 3; ++i) group.spawn(crash(1, "zero"));
            group.spawn(sleeps(cancelled_ones));
            co_await sleeps(cancelled_ones);
        };
        const texts found2 = co_await errors_of(with_group(body));
        EXPECT_EQ(found2, (texts{"zero", "zero", "zero"}));
        EXPECT_EQ(cancelled_ones, 2);
    }());
}

// test_taskgroups.TestTaskGroup.test_cancellation, test_taskgroup_22
TEST(ConformanceTaskGroup, CancellationOfTheJoinCancelsTheChildren) {
    in_loop([]() -> task<> {
        int cancelled_ones = 0;
        std::optional<texts> seen;
        auto runner = [&]() -> task<> {
            task_group group;
            for (int i = 0; i < 5; ++i) group.spawn(sleeps(cancelled_ones));
            co_await group.join();
        };
        task_group outer;
        outer.spawn([&]() -> task<> { seen = co_await errors_of(runner()); });
        co_await settle();
        outer.cancel();
        co_await outer.join();
        EXPECT_EQ(cancelled_ones, 5);
        EXPECT_EQ(seen, texts{"cancelled"});
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_07, test_taskgroup_17
TEST(ConformanceTaskGroup, CancellationReachesTheBodyAndTheChildren) {
    in_loop([]() -> task<> {
        int children = 0;
        int bodies = 0;
        auto body = [&](task_group& group) -> task<> {
            for (int i = 0; i < 5; ++i) group.spawn(sleeps(children));
            co_await sleeps(bodies);
        };
        std::optional<texts> seen;
        task_group outer;
        outer.spawn([&]() -> task<> { seen = co_await errors_of(with_group(body)); });
        co_await settle();
        outer.cancel();
        co_await outer.join();
        EXPECT_EQ(children, 5);
        EXPECT_EQ(bodies, 1);
        EXPECT_EQ(seen, texts{"cancelled"});
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_08, test_taskgroup_15, test_taskgroup_18
TEST(ConformanceTaskGroup, ErrorsOfTheCleanupAreNotLostInTheCancellation) {
    in_loop([]() -> task<> {
        int cancelled_ones = 0;
        auto body = [&](task_group& group) -> task<> {
            for (int i = 0; i < 2; ++i) group.spawn(sleeps(cancelled_ones, "cleanup"));
            co_await sleeps(cancelled_ones, "body");
        };
        std::optional<texts> seen;
        task_group outer;
        outer.spawn([&]() -> task<> { seen = co_await errors_of(with_group(body)); });
        co_await settle();
        outer.cancel();
        co_await outer.join();
        EXPECT_EQ(seen, (texts{"body", "cleanup", "cleanup"}));
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_09, test_taskgroup_10
TEST(ConformanceTaskGroup, AnErrorOfTheBodyCancelsTheChildren) {
    in_loop([]() -> task<> {
        for (int turns : {0, 4}) {
            int cancelled_ones = 0;
            auto body = [&](task_group& group) -> task<> {
                group.spawn(sleeps(cancelled_ones));
                group.spawn(sleeps(cancelled_ones));
                co_await settle(turns);
                throw std::runtime_error("body");
            };
            const texts found3 = co_await errors_of(with_group(body));
            EXPECT_EQ(found3, texts{"body"});
            EXPECT_EQ(cancelled_ones, 2);  // also those that had not begun: they start, cancelled
        }
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_11, test_taskgroup_12, test_taskgroup_13, test_taskgroup_14, test_taskgroup_16
TEST(ConformanceTaskGroup, ErrorsComeUpThroughNestedGroups) {
    in_loop([]() -> task<> {
        int cancelled_ones = 0;
        auto inner = [&](task_group& group) -> task<> {
            for (int i = 0; i < 3; ++i) group.spawn(sleeps(cancelled_ones, "inner"));
            co_await sleep(1h);
        };
        auto outer = [&](task_group& group) -> task<> {
            group.spawn(sleeps(cancelled_ones));
            co_await with_group(inner);
        };
        std::optional<texts> seen;
        task_group top;
        top.spawn([&]() -> task<> { seen = co_await errors_of(with_group(outer)); });
        co_await settle();
        top.cancel();
        co_await top.join();
        EXPECT_EQ(seen, (texts{"inner", "inner", "inner"}));
        EXPECT_EQ(cancelled_ones, 4);

        auto outer_crashes = [&](task_group& group) -> task<> {
            group.spawn(crash(4, "outer"));
            task_group inside;
            inside.spawn(sleeps(cancelled_ones));
            co_await inside.join();
        };
        const texts found4 = co_await errors_of(with_group(outer_crashes));
        EXPECT_EQ(found4, texts{"outer"});
        EXPECT_EQ(cancelled_ones, 5);

        auto inner_crashes = [&](task_group& group) -> task<> {
            group.spawn(sleeps(cancelled_ones));
            task_group inside;
            inside.spawn(crash(4, "inside"));
            co_await inside.join();
        };
        const texts found5 = co_await errors_of(with_group(inner_crashes));
        EXPECT_EQ(found5, texts{"inside"});
        EXPECT_EQ(cancelled_ones, 6);
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_19, test_taskgroup_20a, test_taskgroup_21a, test_taskgroup_context_manager_exit_raises
TEST(ConformanceTaskGroup, TheErrorsOfAChildAndOfTheBodyArriveTogether) {
    in_loop([]() -> task<> {
        int cancelled_ones = 0;
        auto body = [&](task_group& group) -> task<> {
            group.spawn(crash(1, "child"));
            co_await sleeps(cancelled_ones, "body");
        };
        const texts found6 = co_await errors_of(with_group(body));
        EXPECT_EQ(found6, (texts{"body", "child"}));
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_23
TEST(ConformanceTaskGroup, ChildrenThatHaveEndedAreForgotten) {
    in_loop([]() -> task<> {
        task_group group;
        for (int i = 0; i < 10; ++i) {
            group.spawn(settle(1));
            co_await settle(4);
            EXPECT_EQ(group.size(), 0u);
        }
        co_await group.join();
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_24, test_taskgroup_25
TEST(ConformanceTaskGroup, AChildMaySpawnSiblings) {
    in_loop([]() -> task<> {
        int hydras = 0;
        task_group group;
        auto hydra = [&](auto& self) -> task<> {
            ++hydras;
            co_await yield();
            group.spawn(self(self));
            group.spawn(self(self));
        };
        auto hercules = [&]() -> task<> {
            while (hydras < 10) co_await yield();
            throw std::runtime_error("hercules");
        };
        group.spawn(hydra(hydra));
        group.spawn(hercules());
        const texts found7 = co_await errors_of([](task_group& all) -> task<> { co_await all.join(); }(group));
        EXPECT_EQ(found7, texts{"hercules"});
        EXPECT_GE(hydras, 10);
    }());
}

// test_taskgroups.TestTaskGroup.test_taskgroup_no_create_task_after_failure
TEST(ConformanceTaskGroup, OneSpawnedAfterAFailureStartsCancelled) {
    in_loop([]() -> task<> {
        task_group group;
        bool waited = false;
        auto late = [&]() -> task<> {
            co_await sleep(1ms);
            waited = true;
        };
        auto spawns = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                group.spawn(late());
            }
        };
        group.spawn(crash(1, "first"));
        group.spawn(spawns());
        const texts found8 = co_await errors_of([](task_group& all) -> task<> { co_await all.join(); }(group));
        EXPECT_EQ(found8, texts{"first"});
        EXPECT_FALSE(waited);
    }());
}

}  // namespace
}  // namespace leat::testing
