#include "leat/sync/event.hpp"

#include <gtest/gtest.h>

#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Event, WakesEveryoneInOrder) {
    in_loop([]() -> task<> {
        event happened;
        std::string order;
        auto waits = [&](char name) -> task<> {
            co_await happened.wait();
            order += name;
        };
        task_group group;
        for (char c : std::string{"abcd"}) group.spawn(waits(c));
        co_await settle();
        EXPECT_EQ(order, "");
        happened.set();
        co_await group.join();
        EXPECT_EQ(order, "abcd");
        co_await happened.wait();
    }());
}

TEST(Event, WaitsAgainAfterClear) {
    in_loop([]() -> task<> {
        event happened;
        happened.set();
        EXPECT_TRUE(happened.is_set());
        happened.clear();
        auto outcome = co_await (timeout(1ms, happened.wait()) | as_result);
        EXPECT_FALSE(outcome);
    }());
}

TEST(Event, SetAndClearInOneTurnStillWakesThoseWhoWaited) {
    in_loop([]() -> task<> {
        event happened;
        task_group group;
        group.spawn([&]() -> task<> { co_await happened.wait(); });
        co_await settle();
        happened.set();
        happened.clear();
        co_await group.join();
    }());
}

TEST(Event, OneThatWasWokenMayDestroyItself) {
    in_loop([]() -> task<> {
        event happened;
        bool other = false;
        task_group second;
        {
            task_group first;
            first.spawn([&]() -> task<> { co_await happened.wait(); });
            second.spawn([&]() -> task<> {
                co_await happened.wait();
                other = true;
            });
            co_await settle();
            happened.set();
        }
        co_await second.join();
        EXPECT_TRUE(other);
    }());
}

TEST(Event, AWaiterInTheMiddleMayBeCancelled) {
    in_loop([]() -> task<> {
        event happened;
        std::string order;
        auto waits = [&](char name) -> task<> {
            co_await happened.wait();
            order += name;
        };
        task_group a, b, c;
        a.spawn(waits('a'));
        b.spawn(waits('b'));
        c.spawn(waits('c'));
        co_await settle();
        b.cancel();
        co_await b.join();
        happened.set();
        co_await a.join();
        co_await c.join();
        EXPECT_EQ(order, "ac");
    }());
}

}  // namespace
}  // namespace leat::testing
