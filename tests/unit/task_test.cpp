#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<int> give(int value) { co_return value; }
task<> nothing() { co_return; }
task<std::unique_ptr<int>> give_owned(int value) { co_return std::make_unique<int>(value); }
task<int> fail(std::string why) {
    throw std::runtime_error(why);
    co_return 0;
}

static_assert(!std::is_copy_constructible_v<task<int>>);
static_assert(!std::is_copy_assignable_v<task<int>>);
static_assert(std::is_nothrow_move_constructible_v<task<int>>);

TEST(Task, ReturnsItsValue) { EXPECT_EQ(in_loop(give(7)), 7); }

TEST(Task, ReturnsWhatCanOnlyBeMoved) {
    EXPECT_EQ(*in_loop([]() -> task<std::unique_ptr<int>> {
        auto owned = co_await give_owned(5);
        ++*owned;
        co_return owned;
    }()), 6);
}

TEST(Task, RethrowsItsException) {
    EXPECT_EQ(thrown_by([] { in_loop(fail("broken")); }), "broken");
}

TEST(Task, AnExceptionCanBeCaughtInTheAwaitingTask) {
    in_loop([]() -> task<> {
        std::string text;
        try {
            co_await fail("inner");
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "inner");
        EXPECT_EQ(co_await give(2), 2);
    }());
}

TEST(Task, DoesNotStartBeforeItIsAwaited) {
    in_loop([]() -> task<> {
        bool started = false;
        auto body = [&]() -> task<> {
            started = true;
            co_return;
        };
        auto lazy = body();
        co_await yield();
        EXPECT_FALSE(started);
        co_await std::move(lazy);
        EXPECT_TRUE(started);
    }());
}

TEST(Task, OneThatIsNeverAwaitedIsDestroyedWithItsArguments) {
    auto held = std::make_shared<int>(1);
    {
        auto body = [](std::shared_ptr<int> p) -> task<int> { co_return *p; };
        auto dropped = body(held);
        EXPECT_EQ(held.use_count(), 2);
    }
    EXPECT_EQ(held.use_count(), 1);
}

TEST(Task, SuspendedOnesAreDestroyedInnermostFirst) {
    std::string graves;
    in_loop([&]() -> task<> {
        auto inner = [&]() -> task<> {
            tombstone mine(graves, 'i');
            co_await sleep(1h);
        };
        auto middle = [&]() -> task<> {
            tombstone mine(graves, 'm');
            co_await inner();
        };
        auto outer = [&]() -> task<> {
            tombstone mine(graves, 'o');
            co_await middle();
        };
        {
            task_group group;
            group.spawn(outer());
            co_await settle();
            EXPECT_EQ(graves, "");
        }
        EXPECT_EQ(graves, "imo");
    }());
}

TEST(Task, AMillionSynchronousAwaitsDoNotGrowTheStack) {
    EXPECT_EQ(in_loop([]() -> task<long> {
        long sum = 0;
        for (int i = 0; i < 1'000'000; ++i) sum += co_await give(1);
        co_return sum;
    }()), 1'000'000);
}

TEST(Task, AMillionResultsDoNotGrowTheStack) {
    EXPECT_EQ(in_loop([]() -> task<long> {
        long sum = 0;
        for (int i = 0; i < 1'000'000; ++i) {
            auto value = co_await (give(1) | as_result);
            sum += *value;
        }
        co_return sum;
    }()), 1'000'000);
}

TEST(Task, AMillionSuspendingAwaitsDoNotGrowTheStack) {
    EXPECT_EQ(in_loop([]() -> task<long> {
        auto later = []() -> task<int> {
            co_await yield();
            co_return 1;
        };
        long sum = 0;
        for (int i = 0; i < 100'000; ++i) sum += co_await later();
        co_return sum;
    }()), 100'000);
}

task<int> depth(int levels) {
    if (levels == 0) {
        co_await yield();
        co_return 0;
    }
    co_return 1 + co_await depth(levels - 1);
}

TEST(Task, RecursionAThousandDeepUnwindsWithoutTheStack) { EXPECT_EQ(in_loop(depth(1000)), 1000); }

task<int> throwing_depth(int levels) {
    if (levels == 0) {
        co_await yield();
        throw std::runtime_error("from the bottom");
    }
    co_return 1 + co_await throwing_depth(levels - 1);
}

TEST(Task, AnErrorPassesAThousandFrames) {
    EXPECT_EQ(thrown_by([] { in_loop(throwing_depth(1000)); }), "from the bottom");
}

TEST(Task, OneThatNeverSuspendsLetsOthersRun) {
    in_loop([]() -> task<> {
        bool other_ran = false;
        bool timer_fired = false;
        auto other = [&]() -> task<> {
            other_ran = true;
            co_await sleep(1ns);
            timer_fired = true;
        };
        task_group group;
        group.spawn(other());
        while (!timer_fired) co_await nothing();
        EXPECT_TRUE(other_ran);
        co_await group.join();
    }());
}

// The budget's yield is a cancellation point: this loop would run for ever, and the loop of the thread with it.
TEST(Task, OneThatNeverSuspendsCanBeCancelled) {
    in_loop([]() -> task<> {
        auto spin = []() -> task<> {
            for (;;) co_await nothing();
        };
        auto outcome = co_await (timeout(1ms, spin()) | as_result);
        EXPECT_FALSE(outcome);
    }());
}

TEST(Task, CancellationIsSticky) {
    in_loop([]() -> task<> {
        int thrown = 0;
        auto stubborn = [&]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                try {
                    co_await sleep(1h);
                } catch (const cancelled&) {
                    ++thrown;
                }
            }
        };
        task_group group;
        group.spawn(stubborn());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(thrown, 3);
    }());
}

TEST(Task, CancellationIsNoStdException) {
    static_assert(!std::is_base_of_v<std::exception, cancelled>);
    in_loop([]() -> task<> {
        bool swallowed = false;
        bool went_on = false;
        auto careless = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const std::exception&) {
                swallowed = true;
            }
            went_on = true;
        };
        task_group group;
        group.spawn(careless());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_FALSE(swallowed);
        EXPECT_FALSE(went_on);
    }());
}

TEST(Task, CancelledBeforeItsStartEndsAtItsFirstSuspension) {
    in_loop([]() -> task<> {
        std::string steps;
        auto child = [&]() -> task<> {
            steps += 's';
            co_await nothing();
            steps += 'n';
            co_await sleep(1h);
            steps += 'x';
        };
        task_group group;
        group.spawn(child());
        group.cancel();
        co_await group.join();
        EXPECT_EQ(steps, "sn");
    }());
}

TEST(Task, AResultThatIsThereWinsOverCancellation) {
    in_loop([]() -> task<> {
        bool finished = false;
        auto child = [&]() -> task<> {
            co_await yield();
            finished = true;
        };
        task_group group;
        group.spawn(child());
        co_await yield();  // the child waits for its turn, which is queued
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(finished);
    }());
}

TEST(Task, WorksInEveryExpression) {
    in_loop([]() -> task<> {
        const int sum = co_await give(1) + co_await give(2);
        EXPECT_EQ(sum, 3);
        std::string text = std::to_string(co_await give(4)) + "!";
        EXPECT_EQ(text, "4!");
        for (int i = co_await give(0); i < co_await give(2); ++i) EXPECT_LT(i, 2);
    }());
}

// The root's parameters live as long as its frame: they may hold streams, which need the loop.
TEST(Task, TheRootsArgumentsDieWhileTheLoopRuns) {
    struct closes {
        std::string* graves;
        explicit closes(std::string& g) : graves(&g) {}
        closes(closes&& other) noexcept : graves(std::exchange(other.graves, nullptr)) {}
        ~closes() {
            if (!graves) return;
            try {
                task_group outside;
                outside.spawn(nothing());
                *graves += "inside";
            } catch (const std::logic_error&) {
                *graves += "outside";
            }
        }
    };
    std::string graves;
    in_loop([](closes) -> task<> { co_return; }(closes{graves}));
    EXPECT_EQ(graves, "inside");
}

}  // namespace
}  // namespace leat::testing
