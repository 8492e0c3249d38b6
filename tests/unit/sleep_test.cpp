#include <gtest/gtest.h>

#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Sleep, IsNotShorterThanAsked) {
    in_loop([]() -> task<> {
        const auto before = now();
        co_await sleep(5ms);
        EXPECT_GE(now() - before, 5ms);
    }());
}

TEST(Sleep, EndsInTheOrderOfTheTimes) {
    in_loop([]() -> task<> {
        std::string order;
        const auto start = now();
        auto at = [&](char name, duration delay) -> task<> {
            co_await sleep_until(start + delay);  // check-idioms: allow sleep, it is what is tested
            order += name;
        };
        co_await gather(at('c', 3ms), at('a', 1ms), at('b', 2ms));
        EXPECT_EQ(order, "abc");
    }());
}

TEST(Sleep, OfZeroLetsEveryOtherReadyTaskRunOnce) {
    in_loop([]() -> task<> {
        std::string order;
        auto child = [&](char name) -> task<> {
            for (int i = 0; i < 3; ++i) {
                order += name;
                co_await sleep(0s);
            }
        };
        co_await gather(child('a'), child('b'));
        EXPECT_EQ(order, "ababab");
    }());
}

TEST(Sleep, OfTheLongestTimeDoesNotEnd) {
    in_loop([]() -> task<> {
        bool ended = false;
        auto forever = [&]() -> task<> {
            co_await sleep(duration::max());
            ended = true;
        };
        auto until_forever = [&]() -> task<> {
            co_await sleep_until(time_point::max());  // check-idioms: allow sleep, it is what is tested
            ended = true;
        };
        task_group group;
        group.spawn(forever());
        group.spawn(until_forever());
        co_await sleep(2ms);
        EXPECT_FALSE(ended);
        group.cancel();
        co_await group.join();
        EXPECT_FALSE(ended);
    }());
}

TEST(Sleep, OfLessThanNothingIsAYield) {
    in_loop([]() -> task<> {
        co_await sleep(-1h);
        co_await sleep(duration::min());
    }());
}

TEST(Sleep, YieldingForEverStarvesNoTimer) {
    in_loop([]() -> task<> {
        bool fired = false;
        task_group group;
        group.spawn([&]() -> task<> {
            co_await sleep(1ms);
            fired = true;
        });
        while (!fired) co_await yield();
        co_await group.join();
    }());
}

}  // namespace
}  // namespace leat::testing
