#include "leat/sync/condition.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Condition, WaitUnlocksAndComesBackWithTheLock) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        std::string steps;
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            steps += 'w';
            co_await changed.wait(lock);
            EXPECT_TRUE(lock.owns(m));
            EXPECT_TRUE(m.locked());
            steps += 'n';
        });
        co_await settle();
        {
            auto lock = co_await m.lock();  // free while the other waits
            steps += 'l';
            changed.notify();
            co_await settle();
            EXPECT_EQ(steps, "wl");  // not before the lock is given back
        }
        co_await group.join();
        EXPECT_EQ(steps, "wln");
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Condition, NotifyWakesAsManyAsAskedInTheirOrder) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        std::string order;
        auto waits = [&](char name) -> task<> {
            auto lock = co_await m.lock();
            co_await changed.wait(lock);
            order += name;
        };
        task_group group;
        for (char c : std::string{"abcde"}) group.spawn(waits(c));
        co_await settle();
        changed.notify();
        co_await settle();
        EXPECT_EQ(order, "a");
        changed.notify(2);
        co_await settle();
        EXPECT_EQ(order, "abc");
        changed.notify_all();
        co_await group.join();
        EXPECT_EQ(order, "abcde");
        changed.notify_all();  // nobody: nothing
    }());
}

TEST(Condition, WaitForLooksBeforeAndAfterEachNotification) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        int value = 0;
        int looked = 0;
        auto ready = [&] {
            ++looked;
            return value == 2;
        };
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            co_await changed.wait_for(lock, ready);
            EXPECT_EQ(value, 2);
        });
        for (int i = 0; i < 2; ++i) {
            co_await settle();
            auto lock = co_await m.lock();
            ++value;
            changed.notify();
        }
        co_await group.join();
        EXPECT_EQ(looked, 3);
        auto lock = co_await m.lock();
        co_await changed.wait_for(lock, ready);  // true at once
        EXPECT_EQ(looked, 4);
    }());
}

TEST(Condition, WithoutTheLockItIsALogicError) {
    in_loop([]() -> task<> {
        mutex m;
        mutex other;
        condition changed{m};
        int refused = 0;
        mutex_lock none;
        auto wrong = co_await other.lock();
        for (mutex_lock* lock : {&none, &wrong}) {
            try {
                co_await changed.wait(*lock);
            } catch (const std::logic_error&) {
                ++refused;
            }
        }
        EXPECT_EQ(refused, 2);
        EXPECT_TRUE(other.locked());
    }());
}

TEST(Condition, ACancelledWaiterTakesTheLockAgainBeforeItThrows) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        std::string steps;
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            try {
                co_await changed.wait(lock);
            } catch (const cancelled&) {
                EXPECT_TRUE(lock.owns(m));
                steps += 'c';
                throw;
            }
        });
        co_await settle();
        auto lock = co_await m.lock();
        group.cancel();
        co_await settle();
        EXPECT_EQ(steps, "");  // it waits for the lock
        lock.unlock();
        co_await group.join();
        EXPECT_EQ(steps, "c");
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Condition, BeforeItBeginsACancelledWaitKeepsTheLock) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        bool held = false;
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            try {
                co_await changed.wait(lock);
            } catch (const cancelled&) {
                held = lock.owns(m) && m.locked();
                throw;
            }
        });
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(held);
    }());
}

TEST(Condition, ANotificationOfOneThatIsCancelledGoesToTheNext) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        std::string order;
        auto waits = [&](char name) -> task<> {
            auto lock = co_await m.lock();
            co_await changed.wait(lock);
            order += name;
        };
        task_group doomed, other;
        doomed.spawn(waits('x'));
        co_await settle();
        other.spawn(waits('a'));
        co_await settle();
        auto lock = co_await m.lock();
        changed.notify();  // to x, which waits for the lock now
        co_await settle();
        doomed.cancel();
        lock.unlock();
        co_await doomed.join();
        co_await other.join();
        EXPECT_EQ(order, "a");
    }());
}

TEST(Condition, ANotificationOfOneThatIsDestroyedGoesToTheNext) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        std::string order;
        auto waits = [&](char name) -> task<> {
            auto lock = co_await m.lock();
            co_await changed.wait(lock);
            order += name;
        };
        task_group other;
        {
            task_group doomed;
            doomed.spawn(waits('x'));
            co_await settle();
            other.spawn(waits('a'));
            co_await settle();
            changed.notify();  // to x, which has the lock by that
            EXPECT_TRUE(m.locked());
        }
        co_await other.join();
        EXPECT_EQ(order, "a");
        EXPECT_FALSE(m.locked());
    }());
}

TEST(Condition, AWaiterMayBeDestroyedWhileItWaits) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> {
                auto lock = co_await m.lock();
                co_await changed.wait(lock);
            });
            co_await settle();
        }
        EXPECT_FALSE(m.locked());
        changed.notify_all();
    }());
}

TEST(Condition, ATimeoutAroundAWaitEndsWithTheLockHeld) {
    in_loop([]() -> task<> {
        mutex m;
        condition changed{m};
        auto lock = co_await m.lock();
        auto outcome = co_await (timeout(1ms, changed.wait(lock)) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_TRUE(lock.owns(m));
        EXPECT_TRUE(m.locked());
    }());
}

}  // namespace
}  // namespace leat::testing
