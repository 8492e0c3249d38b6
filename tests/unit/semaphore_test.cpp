#include "leat/sync/semaphore.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Semaphore, BoundsHowManyAreInside) {
    in_loop([]() -> task<> {
        semaphore slots{3};
        int inside = 0;
        int most = 0;
        auto worker = [&]() -> task<> {
            auto slot = co_await slots.acquire();
            most = std::max(most, ++inside);
            co_await settle(3);
            --inside;
        };
        task_group group;
        for (int i = 0; i < 20; ++i) group.spawn(worker());
        co_await group.join();
        EXPECT_EQ(most, 3);
        EXPECT_EQ(slots.available(), 3u);
    }());
}

TEST(Semaphore, ServesInTheOrderOfArrival) {
    in_loop([]() -> task<> {
        semaphore slots{1};
        std::string order;
        auto worker = [&](char name) -> task<> {
            auto slot = co_await slots.acquire();
            order += name;
            co_await yield();
        };
        task_group group;
        for (char c : std::string{"abcdef"}) group.spawn(worker(c));
        co_await group.join();
        EXPECT_EQ(order, "abcdef");
    }());
}

TEST(Semaphore, ASlotCanBeGivenBackEarlyAndMoved) {
    in_loop([]() -> task<> {
        semaphore slots{2};
        auto one = co_await slots.acquire();
        auto two = co_await slots.acquire();
        EXPECT_EQ(slots.available(), 0u);
        one.release();
        one.release();
        EXPECT_EQ(slots.available(), 1u);
        one = std::move(two);
        EXPECT_EQ(slots.available(), 1u);
        one = {};
        EXPECT_EQ(slots.available(), 2u);
    }());
}

TEST(Semaphore, CancelledWaitersLoseNoPlace) {
    in_loop([]() -> task<> {
        semaphore slots{1};
        std::string order;
        auto held = co_await slots.acquire();
        auto worker = [&](char name) -> task<> {
            auto slot = co_await slots.acquire();
            order += name;
        };
        task_group first, doomed, last;
        first.spawn(worker('a'));
        doomed.spawn(worker('x'));
        doomed.spawn(worker('y'));
        last.spawn(worker('b'));
        co_await settle();
        doomed.cancel();
        co_await doomed.join();
        held.release();
        co_await first.join();
        co_await last.join();
        EXPECT_EQ(order, "ab");
        EXPECT_EQ(slots.available(), 1u);
    }());
}

TEST(Semaphore, APlaceGrantedToAWaiterThatIsDestroyedGoesToTheNext) {
    in_loop([]() -> task<> {
        semaphore slots{1};
        bool served = false;
        auto held = co_await slots.acquire();
        task_group next;
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { auto slot = co_await slots.acquire(); });
            co_await settle();
            next.spawn([&]() -> task<> {
                auto slot = co_await slots.acquire();
                served = true;
            });
            co_await settle();
            held.release();  // granted to the one that dies now
        }
        co_await next.join();
        EXPECT_TRUE(served);
        EXPECT_EQ(slots.available(), 1u);
    }());
}

TEST(Semaphore, APlaceGrantedInTheTurnOfTheCancellationIsNotLost) {
    in_loop([]() -> task<> {
        semaphore slots{1};
        auto held = co_await slots.acquire();
        task_group group;
        group.spawn([&]() -> task<> {
            auto slot = co_await slots.acquire();
            co_await sleep(1h);
        });
        co_await settle();
        held.release();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(slots.available(), 1u);
    }());
}

TEST(Semaphore, WorksAsAResultAndInATimeout) {
    in_loop([]() -> task<> {
        semaphore slots{1};
        auto slot = co_await (slots.acquire() | as_result);
        EXPECT_TRUE(slot);
        auto none = co_await (timeout(1ms, slots.acquire()) | as_result);
        EXPECT_FALSE(none);
        EXPECT_EQ(slots.available(), 0u);
    }());
}

TEST(Semaphore, AHundredThousandWaitersAreCancelledInNoTime) {
    in_loop([]() -> task<> {
        semaphore slots{0};
        task_group group;
        for (int i = 0; i < 100'000; ++i) group.spawn([&]() -> task<> { auto slot = co_await slots.acquire(); });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(slots.available(), 0u);
    }());
}

}  // namespace
}  // namespace leat::testing
