#include "leat/task/interval.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

void hold_the_loop(duration time) {
    const auto until = now() + time;
    while (now() < until) {
    }
}

TEST(Interval, TicksAtMultiplesOfItsPeriod) {
    in_loop([]() -> task<> {
        interval every{1ms};
        const auto begin = every.last();
        for (int i = 0; i < 5; ++i) {
            const auto before = every.last();
            co_await every.next();
            EXPECT_GE(now(), every.last());
            EXPECT_GT(every.last(), before);
            EXPECT_EQ((every.last() - begin) % 1ms, 0ns);
        }
    }());
}

TEST(Interval, BurstGivesEachTick) {
    in_loop([]() -> task<> {
        interval every{1ms, missed_ticks::burst};
        const auto begin = every.last();
        hold_the_loop(5ms);
        for (int i = 1; i <= 5; ++i) {
            co_await every.next();
            EXPECT_EQ(every.last() - begin, i * 1ms);
        }
    }());
}

TEST(Interval, SkipGoesOnWithTheLatestThatIsDue) {
    in_loop([]() -> task<> {
        interval every{1ms, missed_ticks::skip};
        const auto begin = every.last();
        hold_the_loop(5ms);
        co_await every.next();
        EXPECT_GE(every.last() - begin, 5ms);
        EXPECT_EQ((every.last() - begin) % 1ms, 0ns);
    }());
}

TEST(Interval, DelayBeginsAnew) {
    in_loop([]() -> task<> {
        interval every{1h, missed_ticks::delay};
        EXPECT_EQ(every.period(), 1h);
        interval short_one{1ms, missed_ticks::delay};
        hold_the_loop(5ms);
        const auto late = now();
        co_await short_one.next();
        EXPECT_GE(short_one.last(), late);
    }());
}

TEST(Interval, ACancelledWaitIsOver) {
    in_loop([]() -> task<> {
        interval every{1h};
        EXPECT_THROW(interval{0ns}, std::invalid_argument);
        auto waited = co_await (timeout(1ms, every.next()) | as_result);
        EXPECT_FALSE(waited.has_value());
    }());
}

}  // namespace
}  // namespace leat::testing
