#include <gtest/gtest.h>

#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Shield, CancellationDoesNotReachTheInside) {
    in_loop([]() -> task<> {
        std::string steps;
        auto child = [&]() -> task<> {
            auto inside = [&]() -> task<int> {
                co_await settle();
                steps += 'i';
                co_return 3;
            };
            EXPECT_EQ(co_await shield(inside()), 3);
            steps += 'o';
            co_await yield();
            steps += 'x';
        };
        task_group group;
        group.spawn(child());
        co_await yield();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(steps, "io");
    }());
}

TEST(Shield, WorksInACancelledScope) {
    in_loop([]() -> task<> {
        std::string steps;
        auto child = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                steps += 'c';
            }
            co_await shield(sleep(1ms));
            steps += 's';
            co_await shield(timeout(1h, settle()));
            steps += 't';
            bool again = false;
            try {
                co_await yield();
            } catch (const cancelled&) {
                again = true;
            }
            EXPECT_TRUE(again);
        };
        task_group group;
        group.spawn(child());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(steps, "cst");
    }());
}

TEST(Shield, PassesExceptionsOn) {
    in_loop([]() -> task<> {
        auto fails = []() -> task<> {
            co_await yield();
            throw std::runtime_error("inside");
        };
        auto outcome = co_await (shield(fails()) | as_result);
        EXPECT_EQ(outcome.error().message(), "inside");
    }());
}

TEST(Shield, ATimeoutInsideStillWorks) {
    in_loop([]() -> task<> {
        auto outcome = co_await (shield(timeout(1ms, sleep(1h))) | as_result);
        EXPECT_FALSE(outcome);
    }());
}

TEST(Shield, ATimeoutOutsideWaitsForIt) {
    in_loop([]() -> task<> {
        bool ended = false;
        auto inside = [&]() -> task<> {
            co_await sleep(5ms);
            ended = true;
        };
        auto outer = [&]() -> task<> { co_await shield(inside()); };
        co_await timeout(1ms, outer());  // a result that is reached wins
        EXPECT_TRUE(ended);
    }());
}

}  // namespace
}  // namespace leat::testing
