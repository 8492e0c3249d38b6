// What asyncio's own tests of its queues ask for, asked of leat. Each test names those it answers; README.md has the rest.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
using numbers = std::vector<int>;

template <class Queue>
task<numbers> drain_in_order() {
    Queue q{10};
    for (int i : {1, 3, 2}) co_await q.put(i);
    numbers items;
    for (int i = 0; i < 3; ++i) {
        auto item = co_await q.get();
        items.push_back(*item);
    }
    co_return items;
}

// test_queues.QueueBasicTests.test_order, LifoQueueTests.test_order, PriorityQueueTests.test_order
TEST(ConformanceQueue, EachKindHasItsOrder) {
    EXPECT_EQ(in_loop(drain_in_order<queue<int>>()), (numbers{1, 3, 2}));
    EXPECT_EQ(in_loop(drain_in_order<lifo_queue<int>>()), (numbers{2, 3, 1}));
    EXPECT_EQ(in_loop(drain_in_order<priority_queue<int>>()), (numbers{1, 2, 3}));
}

// test_queues.QueueBasicTests.test_empty, test_full
TEST(ConformanceQueue, KnowsWhetherItIsEmptyOrFull) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        EXPECT_TRUE(q.empty());
        EXPECT_FALSE(q.full());
        co_await q.put(1);
        EXPECT_FALSE(q.empty());
        EXPECT_TRUE(q.full());
        EXPECT_EQ(co_await q.get(), 1);
        EXPECT_TRUE(q.empty());
    }());
}

// test_queues.QueueBasicTests.test_maxsize, QueuePutTests.test_blocking_put, test_blocking_put_wait
TEST(ConformanceQueue, AFullOneHoldsUpThePutter) {
    in_loop([]() -> task<> {
        queue<int> q{2};
        EXPECT_EQ(q.limit(), 2u);
        numbers have_been_put;
        task_group group;
        group.spawn([&]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                co_await q.put(i);
                have_been_put.push_back(i);
            }
        });
        co_await settle();
        EXPECT_EQ(have_been_put, (numbers{0, 1}));
        EXPECT_EQ(co_await q.get(), 0);
        co_await settle();
        EXPECT_EQ(have_been_put, (numbers{0, 1, 2}));
        EXPECT_EQ(co_await q.get(), 1);
        EXPECT_EQ(co_await q.get(), 2);
        co_await group.join();
    }());
}

// test_queues.QueueGetTests.test_blocking_get, test_nonblocking_get, test_nonblocking_get_exception,
// QueuePutTests.test_nonblocking_put, test_nonblocking_put_exception
TEST(ConformanceQueue, TheFormsThatDoNotWaitSayWhetherTheyCould) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        EXPECT_FALSE(q.try_get());
        EXPECT_TRUE(q.try_put(1));
        EXPECT_FALSE(q.try_put(2));
        EXPECT_EQ(q.try_get(), 1);
        EXPECT_TRUE(q.try_put(3));
        EXPECT_EQ(co_await q.get(), 3);
    }());
}

// test_queues.QueueGetTests.test_get_with_putters, test_get_with_waiting_putters
TEST(ConformanceQueue, AGetLetsTheNextPutterIn) {
    in_loop([]() -> task<> {
        queue<char> q{1};
        task_group group;
        group.spawn([&]() -> task<> { co_await q.put('a'); });
        group.spawn([&]() -> task<> { co_await q.put('b'); });
        EXPECT_EQ(co_await q.get(), 'a');
        EXPECT_EQ(co_await q.get(), 'b');
        co_await group.join();
    }());
}

// test_queues.QueueGetTests.test_blocking_get_wait, QueuePutTests.test_put_with_waiting_getters
TEST(ConformanceQueue, AGetWaitsForAPut) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        bool finished = false;
        task_group group;
        group.spawn([&]() -> task<> {
            EXPECT_EQ(co_await q.get(), 1);
            finished = true;
        });
        co_await settle();
        EXPECT_FALSE(finished);
        EXPECT_TRUE(q.try_put(1));
        co_await group.join();
        EXPECT_TRUE(finished);
    }());
}

// test_queues.QueueGetTests.test_get_cancelled_race
TEST(ConformanceQueue, ACancelledGetterDoesNotStandInTheWay) {
    in_loop([]() -> task<> {
        queue<char> q{1};
        task_group first, second;
        first.spawn([&]() -> task<> { [[maybe_unused]] auto item = co_await q.get(); });
        co_await settle();
        second.spawn([&]() -> task<> { EXPECT_EQ(co_await q.get(), 'a'); });
        co_await settle();
        first.cancel();
        co_await first.join();
        co_await q.put('a');
        co_await second.join();
    }());
}

// test_queues.QueueGetTests.test_why_are_getters_waiting, QueuePutTests.test_why_are_putters_waiting, test_put_cancelled
TEST(ConformanceQueue, NeitherSideIsLeftWaiting) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        task_group group;
        group.spawn([&]() -> task<> {
            for (int i = 0; i < 5; ++i) co_await q.put(i);
        });
        group.spawn([&]() -> task<> {
            for (int i = 0; i < 5; ++i) EXPECT_EQ(co_await q.get(), i);
        });
        co_await timeout(10s, group.join());

        queue<int> two{2};
        for (int i = 0; i < 4; ++i) group.spawn([&, i]() -> task<> { co_await two.put(i); });
        group.spawn([&]() -> task<> {
            co_await yield();
            for (auto n = two.size(); n > 0; --n) EXPECT_TRUE(two.try_get());
        });
        co_await timeout(10s, group.join());
    }());
}

// test_queues.QueueGetTests.test_cancelled_getters_not_being_held_in_self_getters
TEST(ConformanceQueue, AGetThatTimedOutTakesNothingLater) {
    in_loop([]() -> task<> {
        queue<int> q{5};
        EXPECT_FALSE(co_await (timeout(1ms, q.get()) | as_result));
        EXPECT_TRUE(q.try_put(1));
        EXPECT_EQ(q.size(), 1u);
    }());
}

// test_queues.QueuePutTests.test_get_cancel_drop_one_pending_reader, test_get_cancel_drop_many_pending_readers
TEST(ConformanceQueue, NoItemIsDroppedWithTheReaderThatWasToGetIt) {
    in_loop([]() -> task<> {
        queue<int> q{5};
        numbers got;
        auto reads = [&]() -> task<> {
            auto item = co_await q.get();
            got.push_back(*item);
        };
        task_group doomed, others;
        doomed.spawn(reads());
        co_await settle();
        others.spawn(reads());
        others.spawn(reads());
        co_await settle();
        EXPECT_TRUE(q.try_put(1));
        EXPECT_TRUE(q.try_put(2));
        doomed.cancel();  // it has its item: that wins
        co_await doomed.join();
        EXPECT_TRUE(q.try_put(3));
        co_await others.join();
        EXPECT_EQ(got, (numbers{1, 2, 3}));
    }());
}

// test_queues.QueuePutTests.test_put_cancel_drop
TEST(ConformanceQueue, APutThatHadRoomAsItWasCancelledHasPut) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        EXPECT_TRUE(q.try_put(1));
        task_group group;
        group.spawn([&]() -> task<> { co_await q.put(2); });
        co_await settle();
        EXPECT_EQ(q.try_get(), 1);
        group.cancel();
        co_await group.join();
        EXPECT_EQ(q.try_get(), 2);
        EXPECT_EQ(q.size(), 0u);
    }());
}

// test_queues.QueuePutTests.test_put_cancelled_race, test_cancelled_puts_not_being_held_in_self_putters,
// test_cancelled_put_silence_value_error_exception
TEST(ConformanceQueue, ACancelledPutterDoesNotStandInTheWay) {
    in_loop([]() -> task<> {
        queue<char> q{1};
        task_group group, doomed;
        group.spawn([&]() -> task<> { co_await q.put('a'); });
        group.spawn([&]() -> task<> { co_await q.put('b'); });
        doomed.spawn([&]() -> task<> { co_await q.put('X'); });
        co_await settle();
        EXPECT_EQ(group.size(), 1u);
        doomed.cancel();
        co_await doomed.join();
        EXPECT_EQ(q.try_get(), 'a');
        EXPECT_EQ(q.try_get(), 'b');
        EXPECT_FALSE(q.try_get());
        co_await group.join();
    }());
}

template <class Queue>
task<> task_done_and_join() {
    Queue q{100};
    co_await q.join();
    co_await q.join();
    EXPECT_NE(thrown_by([&] { q.task_done(); }), "");
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(q.try_put(i));
    int accumulator = 0;
    bool running = true;
    auto worker = [&]() -> task<> {
        while (running) {
            auto item = co_await q.get();
            accumulator += *item;
            q.task_done();
        }
    };
    task_group group;
    group.spawn(worker());
    group.spawn(worker());
    co_await q.join();
    EXPECT_EQ(accumulator, 4950);
    running = false;
    for (int i = 0; i < 2; ++i) co_await q.put(0);
    co_await group.join();
}

// test_queues._QueueJoinTestMixin.test_task_done_underflow, test_task_done, test_join_empty_queue
TEST(ConformanceQueue, JoinWaitsForEveryTaskDone) {
    in_loop(task_done_and_join<queue<int>>());
    in_loop(task_done_and_join<lifo_queue<int>>());
    in_loop(task_done_and_join<priority_queue<int>>());
}

}  // namespace
}  // namespace leat::testing
