// What asyncio's own tests of its locks ask for, asked of leat. Each test names those it answers; README.md has the rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
using numbers = std::vector<int>;

// --- Lock -------------------------------------------------------------------------------------------------------------

// test_locks.LockTests.test_lock, test_lock_by_with_statement, test_context_manager, test_release_no_waiters
TEST(ConformanceLock, IsHeldUntilItsLockGoes) {
    in_loop([]() -> task<> {
        mutex m;
        EXPECT_FALSE(m.locked());
        {
            auto lock = co_await m.lock();
            EXPECT_TRUE(m.locked());
        }
        EXPECT_FALSE(m.locked());
        auto lock = co_await m.lock();
        lock.unlock();
        EXPECT_FALSE(m.locked());
    }());
}

// test_locks.LockTests.test_release_not_acquired
TEST(ConformanceLock, OneThatIsNotHeldIsNotReleased) {
    in_loop([]() -> task<> {
        mutex m;
        auto lock = co_await m.lock();
        lock.unlock();
        auto other = co_await m.lock();
        lock.unlock();  // holds nothing: cannot release the other's
        EXPECT_TRUE(m.locked());
    }());
}

// test_locks.LockTests.test_acquire
TEST(ConformanceLock, IsHandedOnInTheOrderOfArrival) {
    in_loop([]() -> task<> {
        mutex m;
        numbers result;
        std::vector<mutex_lock> kept;
        auto c = [&](int n) -> task<> {
            auto lock = co_await m.lock();
            result.push_back(n);
            kept.push_back(std::move(lock));
        };
        auto held = co_await m.lock();
        task_group group;
        group.spawn(c(1));
        group.spawn(c(2));
        co_await settle();
        EXPECT_EQ(result, numbers{});
        held.unlock();
        co_await settle();
        EXPECT_EQ(result, numbers{1});
        co_await settle();
        EXPECT_EQ(result, numbers{1});
        group.spawn(c(3));
        kept[0].unlock();
        co_await settle();
        EXPECT_EQ(result, (numbers{1, 2}));
        kept[1].unlock();
        co_await group.join();
        EXPECT_EQ(result, (numbers{1, 2, 3}));
    }());
}

// test_locks.LockTests.test_acquire_cancel
TEST(ConformanceLock, ACancelledWaiterIsNoLongerInTheQueue) {
    in_loop([]() -> task<> {
        mutex m;
        auto held = co_await m.lock();
        bool thrown = false;
        task_group group;
        group.spawn([&]() -> task<> {
            try {
                auto lock = co_await m.lock();
            } catch (const cancelled&) {
                thrown = true;
                throw;
            }
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(thrown);
        held.unlock();
        EXPECT_FALSE(m.locked());  // nobody to hand it to
    }());
}

// test_locks.LockTests.test_cancel_race, test_cancel_release_race
TEST(ConformanceLock, CancellingOneWaiterAsTheLockIsReleasedWakesTheOther) {
    in_loop([]() -> task<> {
        mutex m;
        auto held = co_await m.lock();
        std::string order;
        auto waits = [&](char name) -> task<> {
            auto lock = co_await m.lock();
            order += name;
        };
        task_group a, b;
        a.spawn(waits('a'));
        co_await settle();
        b.spawn(waits('b'));
        co_await settle();
        a.cancel();
        held.unlock();
        co_await a.join();
        co_await b.join();
        EXPECT_EQ(order, "b");
        EXPECT_FALSE(m.locked());
    }());
}

// test_locks.LockTests.test_finished_waiter_cancelled
TEST(ConformanceLock, AWaiterThatHasGotItAndIsCancelledPassesItOn) {
    in_loop([]() -> task<> {
        mutex m;
        auto held = co_await m.lock();
        bool second = false;
        task_group b, c;
        b.spawn([&]() -> task<> { auto lock = co_await m.lock(); });
        co_await settle();
        c.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            second = true;
        });
        co_await settle();
        held.unlock();  // to b
        b.cancel();
        EXPECT_TRUE(m.locked());
        co_await b.join();
        co_await c.join();
        EXPECT_TRUE(second);
    }());
}

// --- Event ------------------------------------------------------------------------------------------------------------

// test_locks.EventTests.test_wait
TEST(ConformanceEvent, WakesThoseWhoWait) {
    in_loop([]() -> task<> {
        event ev;
        numbers result;
        auto c = [&](int n) -> task<> {
            co_await ev.wait();
            result.push_back(n);
        };
        task_group group;
        group.spawn(c(1));
        group.spawn(c(2));
        co_await settle();
        EXPECT_EQ(result, numbers{});
        group.spawn(c(3));
        ev.set();
        co_await group.join();
        std::sort(result.begin(), result.end());
        EXPECT_EQ(result, (numbers{1, 2, 3}));
    }());
}

// test_locks.EventTests.test_wait_on_set, test_clear
TEST(ConformanceEvent, OneThatIsSetDoesNotWaitUntilItIsCleared) {
    in_loop([]() -> task<> {
        event ev;
        EXPECT_FALSE(ev.is_set());
        ev.set();
        EXPECT_TRUE(ev.is_set());
        co_await ev.wait();
        ev.clear();
        EXPECT_FALSE(ev.is_set());
    }());
}

// test_locks.EventTests.test_wait_cancel
TEST(ConformanceEvent, ACancelledWaiterLeaves) {
    in_loop([]() -> task<> {
        event ev;
        bool woken = false;
        task_group group;
        group.spawn([&]() -> task<> {
            co_await ev.wait();
            woken = true;
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        ev.set();
        co_await settle();
        EXPECT_FALSE(woken);
    }());
}

// test_locks.EventTests.test_clear_with_waiters
TEST(ConformanceEvent, SetAndClearedAtOnceItWakesThoseWhoWaitedOnce) {
    in_loop([]() -> task<> {
        event ev;
        numbers result;
        task_group group;
        group.spawn([&]() -> task<> {
            co_await ev.wait();
            result.push_back(1);
        });
        co_await settle();
        ev.set();
        ev.clear();
        EXPECT_FALSE(ev.is_set());
        ev.set();
        ev.set();
        co_await group.join();
        EXPECT_EQ(result, numbers{1});
    }());
}

// --- Condition --------------------------------------------------------------------------------------------------------

// test_locks.ConditionTests.test_wait
TEST(ConformanceCondition, ANotifiedOneGoesOnWhenTheLockIsFree) {
    in_loop([]() -> task<> {
        mutex m;
        condition cond{m};
        numbers result;
        std::vector<mutex_lock> kept;
        auto c = [&](int n) -> task<> {
            auto lock = co_await m.lock();
            co_await cond.wait(lock);
            result.push_back(n);
            kept.push_back(std::move(lock));
        };
        task_group group;
        for (int n : {1, 2, 3}) group.spawn(c(n));
        co_await settle();
        EXPECT_EQ(result, numbers{});
        EXPECT_FALSE(m.locked());
        auto lock = co_await m.lock();
        cond.notify();
        co_await settle();
        EXPECT_EQ(result, numbers{});
        EXPECT_TRUE(m.locked());
        lock.unlock();
        co_await settle();
        EXPECT_EQ(result, numbers{1});
        EXPECT_TRUE(m.locked());
        cond.notify(2);
        co_await settle();
        EXPECT_EQ(result, numbers{1});
        kept[0].unlock();
        co_await settle();
        EXPECT_EQ(result, (numbers{1, 2}));
        kept[1].unlock();
        co_await group.join();
        EXPECT_EQ(result, (numbers{1, 2, 3}));
        EXPECT_TRUE(m.locked());
    }());
}

// test_locks.ConditionTests.test_wait_cancel
TEST(ConformanceCondition, ACancelledOneHasTheLockAgain) {
    in_loop([]() -> task<> {
        mutex m;
        condition cond{m};
        bool had_lock = false;
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            try {
                co_await cond.wait(lock);
            } catch (const cancelled&) {
                had_lock = m.locked() && lock.owns();
                throw;
            }
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(had_lock);
    }());
}

// test_locks.ConditionTests.test_wait_cancel_contested, test_wait_cancel_after_notify
TEST(ConformanceCondition, CancelledAfterTheNotificationItStillWaitsForTheLock) {
    in_loop([]() -> task<> {
        mutex m;
        condition cond{m};
        bool waited = false;
        bool thrown = false;
        bool had_lock = false;
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            waited = true;
            try {
                co_await cond.wait(lock);
            } catch (const cancelled&) {
                thrown = true;
                had_lock = lock.owns();
                throw;
            }
        });
        co_await settle();
        auto lock = co_await m.lock();
        cond.notify();
        co_await settle();
        group.cancel();
        co_await settle();
        EXPECT_EQ(group.size(), 1u);
        lock.unlock();
        co_await group.join();
        EXPECT_TRUE(waited && thrown && had_lock);
    }());
}

// test_locks.ConditionTests.test_wait_unacquired, test_wait_for_unacquired
TEST(ConformanceCondition, WithoutTheLockWaitIsAnErrorUnlessThePredicateIsTrue) {
    in_loop([]() -> task<> {
        mutex m;
        condition cond{m};
        mutex_lock none;
        auto yes = [] { return true; };
        auto no = [] { return false; };
        int refused = 0;
        try {
            co_await cond.wait(none);
        } catch (const std::logic_error&) {
            ++refused;
        }
        try {
            co_await cond.wait_for(none, no);
        } catch (const std::logic_error&) {
            ++refused;
        }
        EXPECT_EQ(refused, 2);
        co_await cond.wait_for(none, yes);
    }());
}

// test_locks.ConditionTests.test_wait_for
TEST(ConformanceCondition, WaitForGoesOnOnceThePredicateIsTrue) {
    in_loop([]() -> task<> {
        mutex m;
        condition cond{m};
        bool true_now = false;
        numbers result;
        auto predicate = [&] { return true_now; };
        task_group group;
        group.spawn([&]() -> task<> {
            auto lock = co_await m.lock();
            co_await cond.wait_for(lock, predicate);
            result.push_back(1);
        });
        co_await settle();
        EXPECT_EQ(result, numbers{});
        cond.notify();
        co_await settle();
        EXPECT_EQ(result, numbers{});
        true_now = true;
        cond.notify();
        co_await group.join();
        EXPECT_EQ(result, numbers{1});
    }());
}

// test_locks.ConditionTests.test_notify, test_notify_all
TEST(ConformanceCondition, NotifyWakesSoManyAndNotifyAllAll) {
    in_loop([]() -> task<> {
        mutex m;
        condition cond{m};
        numbers result;
        auto c = [&](int n) -> task<> {
            auto lock = co_await m.lock();
            co_await cond.wait(lock);
            result.push_back(n);
        };
        task_group group;
        for (int n : {1, 2, 3}) group.spawn(c(n));
        co_await settle();
        cond.notify(1);
        co_await settle();
        EXPECT_EQ(result, numbers{1});
        cond.notify(1);
        cond.notify(2048);
        co_await group.join();
        EXPECT_EQ(result, (numbers{1, 2, 3}));
        for (int n : {4, 5}) group.spawn(c(n));
        co_await settle();
        cond.notify_all();
        co_await group.join();
        EXPECT_EQ(result, (numbers{1, 2, 3, 4, 5}));
    }());
}

// test_locks.ConditionTests.test_explicit_lock, test_context_manager
TEST(ConformanceCondition, UsesTheMutexItIsGiven) {
    in_loop([]() -> task<> {
        mutex m;
        condition one{m};
        condition two{m};  // two conditions of one mutex
        int woken = 0;
        task_group group;
        for (condition* each : {&one, &two})
            group.spawn([&, each]() -> task<> {
                auto lock = co_await m.lock();
                EXPECT_TRUE(m.locked());
                co_await each->wait(lock);
                ++woken;
            });
        co_await settle();
        two.notify_all();
        co_await settle();
        EXPECT_EQ(woken, 1);
        one.notify_all();
        co_await group.join();
        EXPECT_FALSE(m.locked());
    }());
}

// test_locks.ConditionTests.test_timeout_in_block
TEST(ConformanceCondition, AWaitMayTimeOut) {
    in_loop([]() -> task<> {
        mutex m;
        condition cond{m};
        auto lock = co_await m.lock();
        bool timed_out = false;
        try {
            co_await timeout(1ms, cond.wait(lock));
        } catch (const timeout_error&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        EXPECT_TRUE(lock.owns());
    }());
}

// --- Semaphore --------------------------------------------------------------------------------------------------------

// test_locks.SemaphoreTests.test_initial_value_zero
TEST(ConformanceSemaphore, WithNoPlacesLetsNobodyIn) {
    in_loop([]() -> task<> {
        semaphore sem{0};
        EXPECT_FALSE(sem.try_acquire());
        EXPECT_FALSE(co_await (timeout(1ms, sem.acquire()) | as_result));
    }());
}

// test_locks.SemaphoreTests.test_semaphore, test_release_no_waiters, test_release_not_acquired
TEST(ConformanceSemaphore, APlaceGoesBackOnce) {
    in_loop([]() -> task<> {
        semaphore sem{1};
        EXPECT_EQ(sem.available(), 1u);
        auto slot = co_await sem.acquire();
        EXPECT_EQ(sem.available(), 0u);
        slot.release();
        slot.release();  // the bounded semaphore's promise: never more places than at the start
        EXPECT_EQ(sem.available(), 1u);
    }());
}

// test_locks.SemaphoreTests.test_acquire
TEST(ConformanceSemaphore, LetsSoManyIn) {
    in_loop([]() -> task<> {
        semaphore sem{3};
        auto one = co_await sem.acquire();
        auto two = co_await sem.acquire();
        EXPECT_EQ(sem.available(), 1u);
        numbers result;
        std::vector<semaphore_slot> kept;
        auto c = [&](int n) -> task<> {
            auto slot = co_await sem.acquire();
            result.push_back(n);
            kept.push_back(std::move(slot));
        };
        task_group group;
        for (int n : {1, 2, 3}) group.spawn(c(n));
        co_await settle();
        EXPECT_EQ(result, numbers{1});
        group.spawn(c(4));
        one.release();
        two.release();
        EXPECT_EQ(sem.available(), 0u);  // handed over
        co_await settle();
        EXPECT_EQ(result, (numbers{1, 2, 3}));
        kept[0].release();
        co_await group.join();
        EXPECT_EQ(result, (numbers{1, 2, 3, 4}));
    }());
}

// test_locks.SemaphoreTests.test_acquire_cancel, test_acquire_cancel_before_awoken, test_acquire_hang
TEST(ConformanceSemaphore, CancelledWaitersDoNotStandInTheWay) {
    in_loop([]() -> task<> {
        semaphore sem{1};
        auto held = co_await sem.acquire();
        std::string order;
        auto waits = [&](char name) -> task<> {
            auto slot = co_await sem.acquire();
            order += name;
            co_await sleep(1h);
        };
        task_group doomed, group;
        doomed.spawn(waits('1'));
        doomed.spawn(waits('2'));
        co_await settle();
        group.spawn(waits('3'));
        group.spawn(waits('4'));
        co_await settle();
        doomed.cancel();
        held.release();
        co_await settle();
        EXPECT_EQ(order, "3");
        EXPECT_EQ(sem.available(), 0u);
        group.cancel();
        co_await group.join();
        co_await doomed.join();
        EXPECT_EQ(sem.available(), 1u);
    }());
}

// test_locks.SemaphoreTests.test_acquire_no_hang
TEST(ConformanceSemaphore, OneCancelledAsItGetsAPlaceGivesItBack) {
    in_loop([]() -> task<> {
        semaphore sem{1};
        task_group second;
        task_group first;
        first.spawn([&]() -> task<> {
            {
                auto slot = co_await sem.acquire();
                co_await yield();
            }
            second.cancel();
        });
        second.spawn([&]() -> task<> { auto slot = co_await sem.acquire(); });
        co_await first.join();
        co_await second.join();
        auto slot = co_await timeout(1s, sem.acquire());
    }());
}

// test_locks.SemaphoreTests.test_acquire_fifo_order, test_acquire_fifo_order_2, test_acquire_fifo_order_3
TEST(ConformanceSemaphore, ServesInTheOrderOfArrival) {
    in_loop([]() -> task<> {
        semaphore sem{1};
        std::string result;
        auto c = [&](char name) -> task<> {
            for (int round = 0; round < 2; ++round) {
                auto slot = co_await sem.acquire();
                result += name;
                co_await sleep(1ms);
            }
        };
        task_group group;
        for (char name : std::string{"abc"}) group.spawn(c(name));
        co_await group.join();
        EXPECT_EQ(result, "abcabc");
    }());
}

}  // namespace
}  // namespace leat::testing
