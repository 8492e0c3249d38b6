#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "leat/leat.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<int> number(int value) {
    co_await yield();
    co_return value;
}
task<std::string> text(std::string value) { co_return value; }
task<> nothing() { co_await yield(); }
task<int> fail(std::string why) {
    co_await yield();
    throw std::runtime_error(why);
}

TEST(Gather, GivesATuple) {
    in_loop([]() -> task<> {
        auto [a, b] = co_await gather(number(1), text("two"));
        EXPECT_EQ(a, 1);
        EXPECT_EQ(b, "two");
    }());
}

TEST(Gather, HasAPlaceForVoid) {
    in_loop([]() -> task<> {
        auto all = co_await gather(number(1), nothing(), text("x"));
        static_assert(std::is_same_v<decltype(all), std::tuple<int, std::monostate, std::string>>);
        EXPECT_EQ(std::get<2>(all), "x");
    }());
}

TEST(Gather, GivesAVectorFromAVector) {
    in_loop([]() -> task<> {
        std::vector<task<int>> branches;
        for (int i = 0; i < 100; ++i) branches.push_back(number(i));
        const auto values = co_await gather(std::move(branches));
        EXPECT_EQ(values.size(), 100u);
        for (int i = 0; i < 100; ++i) EXPECT_EQ(values[i], i);
        const auto none = co_await gather(std::vector<task<int>>{});
        EXPECT_TRUE(none.empty());
    }());
}

TEST(Gather, TakesAVectorOfVoid) {
    in_loop([]() -> task<> {
        int count = 0;
        auto one = [&]() -> task<> {
            co_await yield();
            ++count;
        };
        std::vector<task<>> branches;
        for (int i = 0; i < 10; ++i) branches.push_back(one());
        co_await gather(std::move(branches));
        EXPECT_EQ(count, 10);
    }());
}

TEST(Gather, CanBeKeptWhenItHoldsTasksOnly) {
    in_loop([]() -> task<> {
        auto kept = gather(number(1), number(2));
        co_await yield();
        const auto values = co_await std::move(kept);
        EXPECT_EQ(values, std::tuple(1, 2));
    }());
}

TEST(Gather, AnErrorCancelsTheOthersAndIsRethrown) {
    in_loop([]() -> task<> {
        bool ended = false;
        auto long_one = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                ended = true;
                throw;
            }
        };
        auto outcome = co_await (gather(long_one(), fail("broken")) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(outcome.error().message(), "broken");
        EXPECT_TRUE(ended);
    }());
}

TEST(Gather, SeveralErrorsAreAnErrorGroup) {
    in_loop([]() -> task<> {
        auto outcome = co_await (gather(fail("a"), fail("b"), number(1)) | as_result);
        EXPECT_EQ(outcome.error().message(), "2 errors: a; b");
    }());
}

TEST(Gather, CancellationReachesEveryBranch) {
    in_loop([]() -> task<> {
        int ended = 0;
        auto branch = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                ++ended;
                throw;
            }
        };
        auto all = [&]() -> task<> { co_await gather(branch(), branch(), branch()); };
        task_group group;
        group.spawn(all());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(ended, 3);
    }());
}

// A branch that throws `cancelled` by itself is no error for a group, but it has no value either.
TEST(Gather, ABranchThatThrowsCancelledByItselfGivesNoValueOutOfNothing) {
    in_loop([]() -> task<> {
        auto gives_up = []() -> task<std::string> {
            co_await yield();
            throw cancelled{};
        };
        bool thrown = false;
        try {
            co_await gather(gives_up(), number(1));
        } catch (const cancelled&) {
            thrown = true;
        }
        EXPECT_TRUE(thrown);
        std::vector<task<std::string>> several;
        several.push_back(gives_up());
        bool thrown_again = false;
        try {
            co_await gather(std::move(several));
        } catch (const cancelled&) {
            thrown_again = true;
        }
        EXPECT_TRUE(thrown_again);
    }());
}

TEST(Gather, BorrowsAwaiters) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("hello\n");
        auto [line, slept] = co_await gather(pair.reader.read_line(), sleep(1ms));
        (void)slept;
        EXPECT_EQ(line, "hello\n");
    }());
}

}  // namespace
}  // namespace leat::testing
