#include "leat/sync/mutex.hpp"

#include <gtest/gtest.h>

#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Mutex, LetsOneInAtATimeInTheOrderOfArrival) {
    in_loop([]() -> task<> {
        mutex m;
        std::string order;
        int inside = 0;
        auto worker = [&](char name) -> task<> {
            auto lock = co_await m.lock();
            EXPECT_EQ(++inside, 1);
            order += name;
            co_await settle(2);
            --inside;
        };
        task_group group;
        for (char c : std::string{"abcdef"}) group.spawn(worker(c));
        co_await group.join();
        EXPECT_EQ(order, "abcdef");
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Mutex, NobodySlipsInBetweenUnlockAndTheNextInTheQueue) {
    in_loop([]() -> task<> {
        mutex m;
        std::string order;
        auto first = co_await m.lock();
        auto worker = [&](char name) -> task<> {
            auto lock = co_await m.lock();
            order += name;
        };
        task_group group;
        group.spawn(worker('a'));
        co_await settle();
        first.unlock();
        EXPECT_TRUE(m.locked());  // it is the waiter's already
        auto second = co_await m.lock();
        order += 'b';
        co_await group.join();
        EXPECT_EQ(order, "ab");
    }());
}

TEST(Mutex, ALockCanBeGivenBackEarlyMovedAndTried) {
    in_loop([]() -> task<> {
        mutex m;
        auto lock = co_await m.lock();
        EXPECT_TRUE(lock.owns());
        EXPECT_FALSE(m.try_lock());
        mutex_lock moved = std::move(lock);
        EXPECT_TRUE(m.locked());
        EXPECT_TRUE(moved.owns(m));
        moved.unlock();
        moved.unlock();
        EXPECT_FALSE(m.locked());
        {
            auto tried = m.try_lock();
            EXPECT_TRUE(tried);
            EXPECT_TRUE(m.locked());
        }
        EXPECT_FALSE(m.locked());
        auto as_one = co_await (m.lock() | as_result);
        EXPECT_TRUE(as_one);
    }());
}

TEST(Mutex, InACancelledScopeAFreeOneIsStillLocked) {
    in_loop([]() -> task<> {
        mutex m;
        bool got = false;
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();  // does not suspend
            got = true;
        });
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(got);
        auto held = co_await m.lock();
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            ADD_FAILURE() << "it would have to wait";
        });
        group.cancel();
        co_await group.join();
    }());
}

TEST(Mutex, CancelledWaitersLeaveTheQueue) {
    in_loop([]() -> task<> {
        mutex m;
        std::string order;
        auto held = co_await m.lock();
        auto worker = [&](char name) -> task<> {
            auto lock = co_await m.lock();
            order += name;
        };
        task_group first, doomed, last;
        first.spawn(worker('a'));
        doomed.spawn(worker('x'));
        last.spawn(worker('b'));
        co_await settle();
        doomed.cancel();
        co_await doomed.join();
        held.unlock();
        co_await first.join();
        co_await last.join();
        EXPECT_EQ(order, "ab");
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Mutex, OneHandedOverInTheTurnOfTheCancellationIsUsedOrPassedOn) {
    in_loop([]() -> task<> {
        mutex m;
        auto held = co_await m.lock();
        bool got = false;
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            got = true;
            co_await sleep(1h);
        });
        co_await settle();
        held.unlock();
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(got);
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Mutex, OneHandedToAWaiterThatIsDestroyedGoesToTheNext) {
    in_loop([]() -> task<> {
        mutex m;
        bool served = false;
        auto held = co_await m.lock();
        task_group next;
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { auto lock = co_await m.lock(); });
            co_await settle();
            next.spawn([&]() -> task<> {
                auto lock = co_await m.lock();
                served = true;
            });
            co_await settle();
            held.unlock();
        }
        co_await next.join();
        EXPECT_TRUE(served);
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Mutex, AWaiterInTheQueueMayBeDestroyed) {
    in_loop([]() -> task<> {
        mutex m;
        auto held = co_await m.lock();
        {
            task_group doomed;
            for (int i = 0; i < 3; ++i) doomed.spawn([&]() -> task<> { auto lock = co_await m.lock(); });
            co_await settle();
        }
        held.unlock();
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Mutex, ALoopThatAlwaysFindsItFreeLetsOthersRun) {
    in_loop([]() -> task<> {
        mutex m;
        bool stop = false;
        task_group group;
        group.spawn([&]() -> task<> {
            while (!stop) auto lock = co_await m.lock();
        });
        group.spawn([&]() -> task<> {
            stop = true;
            co_return;
        });
        co_await group.join();
    }());
}

TEST(Mutex, ALoopThatAlwaysFindsItFreeCanBeCancelled) {
    in_loop([]() -> task<> {
        mutex m;
        task_group group;
        group.spawn([&]() -> task<> {
            for (;;) auto lock = co_await m.lock();
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_FALSE(m.locked());
    }());
}

}  // namespace
}  // namespace leat::testing
