#include "leat/sync/rate_limit.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

double seconds_since(time_point start) { return std::chrono::duration<double>(now() - start).count(); }

TEST(RateLimit, GivesTheBurstAtOnceAndThenTheRate) {
    in_loop([]() -> task<> {
        rate_limit limit{1000, 10};
        const auto start = now();
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(limit.try_acquire());
        EXPECT_LT(limit.available(), 10);
        for (int i = 0; i < 50; ++i) co_await limit.acquire();
        EXPECT_GE(seconds_since(start), 0.0499);  // 50 after the first 10
    }());
}

TEST(RateLimit, MoreThanTheBurstIsPaidForByThoseWhoFollow) {
    in_loop([]() -> task<> {
        rate_limit bytes{100'000, 1000};
        const auto start = now();
        co_await bytes.acquire(3000);  // at once: the bucket is full
        EXPECT_LT(bytes.available(), 0);
        EXPECT_FALSE(bytes.try_acquire(1));
        co_await bytes.acquire(1000);  // 2000 of debt, and its own
        EXPECT_GE(seconds_since(start), 0.0299);
    }());
}

TEST(RateLimit, ServesInTheOrderOfArrivalWhateverTheyWant) {
    in_loop([]() -> task<> {
        rate_limit limit{2000, 10};
        std::string order;
        auto worker = [&](char name, double wanted) -> task<> {
            co_await limit.acquire(wanted);
            order += name;
        };
        co_await limit.acquire(10);
        task_group group;
        group.spawn(worker('a', 10));
        group.spawn(worker('b', 1));
        group.spawn(worker('c', 5));
        co_await yield();
        co_await yield();
        EXPECT_FALSE(limit.try_acquire(0));  // others are waiting
        co_await group.join();
        EXPECT_EQ(order, "abc");
    }());
}

TEST(RateLimit, ANewRateHoldsForThoseWhoWait) {
    in_loop([]() -> task<> {
        rate_limit limit{0.001, 1};
        co_await limit.acquire();
        bool served = false;
        task_group group;
        group.spawn([&]() -> task<> {
            co_await limit.acquire();  // a quarter of an hour
            served = true;
        });
        co_await settle();
        EXPECT_FALSE(served);
        limit.set_rate(1e6);
        EXPECT_EQ(limit.per_second(), 1e6);
        EXPECT_EQ(limit.burst(), 1);
        co_await group.join();
        EXPECT_TRUE(served);
    }());
}

TEST(RateLimit, CancelledOnesTakeNoToken) {
    in_loop([]() -> task<> {
        rate_limit limit{0.001, 100};
        co_await limit.acquire(50);
        task_group doomed;
        std::string order;
        doomed.spawn([&]() -> task<> { co_await limit.acquire(90); });
        co_await settle();
        task_group other;
        other.spawn([&]() -> task<> {
            co_await limit.acquire(40);  // is there, but it is not its turn
            order += 'o';
        });
        co_await settle();
        EXPECT_EQ(order, "");
        doomed.cancel();
        co_await doomed.join();
        co_await other.join();
        EXPECT_NEAR(limit.available(), 10, 1);
        doomed.spawn([&]() -> task<> { co_await limit.acquire(90); });  // before it starts
        doomed.cancel();
        co_await doomed.join();
        EXPECT_NEAR(limit.available(), 10, 1);
    }());
}

TEST(RateLimit, TokensOfOneThatIsDestroyedGoBack) {
    in_loop([]() -> task<> {
        rate_limit limit{0.001, 100};
        co_await limit.acquire(100);
        task_group other;
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { co_await limit.acquire(100); });
            doomed.spawn([&]() -> task<> { co_await limit.acquire(1); });
            co_await settle();
            other.spawn([&]() -> task<> { co_await limit.acquire(100); });
            co_await settle();
            limit.set_rate(1e9, 100);
            co_await sleep(1ms);
            limit.set_rate(0.001, 100);
        }
        co_await other.join();
    }());
}

TEST(RateLimit, ALoopThatNeverWaitsLetsOthersRun) {
    in_loop([]() -> task<> {
        rate_limit limit{1e12, 1e12};
        bool stop = false;
        task_group group;
        group.spawn([&]() -> task<> {
            while (!stop) co_await limit.acquire();
        });
        group.spawn([&]() -> task<> {
            stop = true;
            co_return;
        });
        co_await group.join();
    }());
}

TEST(RateLimit, AnImpossibleRateIsRefused) {
    for (double bad : {0.0, -1.0, 1.0 / 0.0, 0.0 / 0.0}) {
        EXPECT_NE(thrown_by([&] { rate_limit limit{bad}; }), "");
        EXPECT_NE(thrown_by([&] { rate_limit limit{1, bad}; }), "");
    }
    rate_limit slow{0.5};
    EXPECT_EQ(slow.burst(), 1);
}

TEST(RateLimit, WorksAsAResultAndInATimeout) {
    in_loop([]() -> task<> {
        rate_limit limit{0.001, 1};
        auto first = co_await (limit.acquire() | as_result);
        EXPECT_TRUE(first);
        auto second = co_await (timeout(1ms, limit.acquire()) | as_result);
        EXPECT_FALSE(second);
    }());
}

}  // namespace
}  // namespace leat::testing
