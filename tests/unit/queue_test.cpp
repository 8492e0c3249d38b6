#include "leat/sync/queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Queue, GivesTheItemsInTheirOrderUntilItIsClosed) {
    in_loop([]() -> task<> {
        queue<int> q{3};
        std::vector<int> got;
        task_group group;
        group.spawn([&]() -> task<> {
            for (int i = 0; i < 100; ++i) {
                co_await q.put(i);
                EXPECT_LE(q.size(), 3u);
            }
            q.close();
        });
        while (auto item = co_await q.get()) got.push_back(*item);
        co_await group.join();
        EXPECT_EQ(got.size(), 100u);
        for (int i = 0; i < 100; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
        const auto after = co_await q.get();
        EXPECT_FALSE(after);
    }());
}

TEST(Queue, AFullOneHoldsUpThoseWhoPutInTheirOrder) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        EXPECT_TRUE(q.empty());
        co_await q.put(0);
        EXPECT_TRUE(q.full());
        int put = 0;
        auto putter = [&](int item) -> task<> {
            co_await q.put(item);
            ++put;
        };
        task_group group;
        for (int i = 1; i <= 3; ++i) group.spawn(putter(i));
        co_await settle();
        EXPECT_EQ(put, 0);
        for (int i = 0; i <= 3; ++i) {
            auto item = co_await q.get();
            EXPECT_EQ(*item, i);
            co_await settle();
            EXPECT_EQ(put, std::min(i + 1, 3));
        }
        co_await group.join();
    }());
}

TEST(Queue, AnEmptyOneHoldsUpThoseWhoGetInTheirOrder) {
    in_loop([]() -> task<> {
        queue<char> q{8};
        std::string order;
        auto getter = [&](char name) -> task<> {
            auto item = co_await q.get();
            order += name;
            order += *item;
        };
        task_group group;
        for (char c : std::string{"abc"}) group.spawn(getter(c));
        co_await settle();
        for (char c : std::string{"123"}) co_await q.put(c);
        co_await group.join();
        EXPECT_EQ(order, "a1b2c3");
        EXPECT_TRUE(q.empty());
    }());
}

TEST(Queue, TakesItemsThatOnlyMove) {
    in_loop([]() -> task<> {
        queue<std::unique_ptr<int>> q{2};
        co_await q.put(std::make_unique<int>(7));
        auto kept = std::make_unique<int>(8);
        EXPECT_TRUE(q.try_put(std::move(kept)));
        auto untouched = std::make_unique<int>(9);
        EXPECT_FALSE(q.try_put(std::move(untouched)));
        EXPECT_EQ(*untouched, 9);
        auto first = co_await q.get();
        EXPECT_EQ(**first, 7);
        auto second = q.try_get();
        EXPECT_EQ(**second, 8);
        EXPECT_FALSE(q.try_get());
    }());
}

TEST(Queue, TryGetMakesRoomForOneWhoWaits) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        co_await q.put(1);
        task_group group;
        group.spawn([&]() -> task<> { co_await q.put(2); });
        co_await settle();
        EXPECT_EQ(q.try_get(), 1);
        EXPECT_EQ(q.try_get(), 2);  // it moved up at once
        co_await group.join();
    }());
}

TEST(Queue, TryPutHandsToOneWhoWaits) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        task_group group;
        group.spawn([&]() -> task<> {
            auto item = co_await q.get();
            EXPECT_EQ(*item, 5);
        });
        co_await settle();
        EXPECT_TRUE(q.try_put(5));
        EXPECT_TRUE(q.empty());
        EXPECT_TRUE(q.try_put(6));
        co_await group.join();
        EXPECT_EQ(q.size(), 1u);
    }());
}

TEST(Queue, CloseRefusesThoseWhoPutAndLetsTheRestBeTaken) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        co_await q.put(1);
        bool refused = false;
        task_group group;
        group.spawn([&]() -> task<> {
            auto outcome = co_await (q.put(2) | as_result);
            refused = !outcome && outcome.error().message() == "queue::put: the queue is closed";
        });
        co_await settle();
        q.close();
        EXPECT_TRUE(q.closed());
        co_await group.join();
        EXPECT_TRUE(refused);
        EXPECT_EQ(thrown_by([&] { q.try_put(3); }), "queue::try_put: the queue is closed");
        auto late = co_await (q.put(4) | as_result);
        EXPECT_FALSE(late);
        auto rest = co_await q.get();
        EXPECT_EQ(rest, 1);
        auto end = co_await q.get();
        EXPECT_FALSE(end);
    }());
}

TEST(Queue, CloseWakesThoseWhoGet) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        int ended = 0;
        task_group group;
        for (int i = 0; i < 3; ++i)
            group.spawn([&]() -> task<> {
                auto item = co_await q.get();
                EXPECT_FALSE(item);
                ++ended;
            });
        co_await settle();
        q.close();
        co_await group.join();
        EXPECT_EQ(ended, 3);
    }());
}

TEST(Queue, CloseNowDropsWhatIsThereAndEndsTheJoin) {
    in_loop([]() -> task<> {
        queue<std::shared_ptr<int>> q{4};
        auto item = std::make_shared<int>(1);
        co_await q.put(item);
        co_await q.put(item);
        auto one = co_await q.get();
        one.reset();
        bool joined = false;
        task_group group;
        group.spawn([&]() -> task<> {
            co_await q.join();
            joined = true;
        });
        co_await settle();
        q.close_now();
        EXPECT_EQ(item.use_count(), 1);
        co_await settle();
        EXPECT_FALSE(joined);  // the one that was taken is not done
        q.task_done();
        co_await group.join();
        EXPECT_TRUE(joined);
        auto end = co_await q.get();
        EXPECT_FALSE(end);
    }());
}

TEST(Queue, JoinWaitsUntilEverythingIsDone) {
    in_loop([]() -> task<> {
        queue<int> q{10};
        co_await q.join();
        EXPECT_EQ(thrown_by([&] { q.task_done(); }), "queue::task_done: called more often than items were put");
        int sum = 0;
        task_group workers;
        for (int i = 0; i < 2; ++i)
            workers.spawn([&]() -> task<> {
                while (auto item = co_await q.get()) {
                    co_await yield();
                    sum += *item;
                    q.task_done();
                }
            });
        for (int i = 0; i < 100; ++i) co_await q.put(i);
        co_await q.join();
        EXPECT_EQ(sum, 4950);
        q.close();
        co_await workers.join();
    }());
}

TEST(Queue, ACancelledJoinLeaves) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        co_await q.put(1);
        auto outcome = co_await (timeout(1ms, q.join()) | as_result);
        EXPECT_FALSE(outcome);
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { co_await q.join(); });
            co_await settle();
        }
        q.task_done();
        co_await q.join();
    }());
}

TEST(Queue, ACancelledGetLosesNoItem) {
    in_loop([]() -> task<> {
        queue<int> q{4};
        task_group doomed;
        doomed.spawn([&]() -> task<> {
            [[maybe_unused]] auto item = co_await q.get();
            ADD_FAILURE() << "cancelled while it waited";
        });
        co_await settle();
        doomed.cancel();
        co_await q.put(1);
        co_await doomed.join();
        doomed.spawn([&]() -> task<> {
            auto item = co_await q.get();
            EXPECT_EQ(item, 1);  // what is there is given out, also in a cancelled scope
            item = co_await q.get();
        });
        doomed.cancel();
        co_await doomed.join();
    }());
}

TEST(Queue, AnItemGivenToOneThatIsDestroyedIsTheNextOnes) {
    in_loop([]() -> task<> {
        queue<int> q{4};
        std::vector<int> got;
        auto getter = [&]() -> task<> { got.push_back(*co_await q.get()); };
        task_group next;
        {
            task_group doomed;
            doomed.spawn(getter());
            co_await settle();
            next.spawn(getter());
            co_await settle();
            co_await q.put(1);  // in the hands of the one that dies
        }
        co_await next.join();
        EXPECT_EQ(got, (std::vector<int>{1}));
        {
            task_group doomed;
            doomed.spawn(getter());
            doomed.spawn(getter());
            co_await settle();
            co_await q.put(2);
            co_await q.put(3);
            co_await q.put(4);
        }
        EXPECT_EQ(q.size(), 3u);
        for (int i = 2; i <= 4; ++i) EXPECT_EQ(co_await q.get(), i);
    }());
}

TEST(Queue, AnItemReachedByTheLoserOfARaceGoesBack) {
    in_loop([]() -> task<> {
        queue<int> first{1};
        queue<int> second{1};
        task_group group;
        group.spawn([&]() -> task<> {
            co_await settle();
            co_await first.put(1);  // both in one turn
            co_await second.put(2);
        });
        auto winner = co_await race(first.get(), second.get());
        EXPECT_EQ(winner.index(), 0u);
        co_await group.join();
        EXPECT_EQ(second.try_get(), 2);
    }());
}

TEST(Queue, ACancelledPutPutsNothing) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        co_await q.put(1);
        task_group doomed, other;
        doomed.spawn([&]() -> task<> { co_await q.put(2); });
        co_await settle();
        other.spawn([&]() -> task<> { co_await q.put(3); });
        co_await settle();
        doomed.cancel();
        co_await doomed.join();
        {
            task_group destroyed;
            destroyed.spawn([&]() -> task<> { co_await q.put(4); });
            co_await settle();
        }
        EXPECT_EQ(co_await q.get(), 1);
        EXPECT_EQ(co_await q.get(), 3);
        co_await other.join();
        EXPECT_TRUE(q.empty());
    }());
}

TEST(Queue, LoopsThatNeverWaitLetOthersRunAndCanBeCancelled) {
    in_loop([]() -> task<> {
        queue<int> q{1};
        int turns = 0;
        task_group busy;
        busy.spawn([&]() -> task<> {
            for (;;) {
                co_await q.put(1);
                [[maybe_unused]] auto item = co_await q.get();
                ++turns;
            }
        });
        co_await settle();
        EXPECT_GT(turns, 1);
        busy.cancel();
        co_await busy.join();
        EXPECT_LE(q.size(), 1u);
    }());
}

TEST(LifoQueue, GivesTheNewestFirst) {
    in_loop([]() -> task<> {
        lifo_queue<int> q{5};
        for (int i : {1, 3, 2}) co_await q.put(i);
        for (int i : {2, 3, 1}) EXPECT_EQ(co_await q.get(), i);
    }());
}

TEST(PriorityQueue, GivesTheSmallestFirstAndEqualOnesInOrder) {
    in_loop([]() -> task<> {
        struct job {
            int priority;
            char name;
        };
        struct sooner {
            bool operator()(const job& a, const job& b) const { return a.priority < b.priority; }
        };
        priority_queue<job, sooner> q{100};
        std::string names = "zyxwvutsrqponmlkjihgfedcba";
        for (std::size_t i = 0; i < names.size(); ++i) {
            const job next{static_cast<int>(i * 7 % 3), names[i]};
            co_await q.put(next);
        }
        q.close();
        std::string order;
        int last = 0;
        while (auto next = co_await q.get()) {
            EXPECT_GE(next->priority, last);
            if (next->priority > last) order += ' ';
            last = next->priority;
            order += next->name;
        }
        EXPECT_EQ(order, "zwtqnkheb yvspmjgda xurolifc");
        priority_queue<std::string> words{4};
        for (const char* word : {"pear", "apple", "fig"}) co_await words.put(word);
        EXPECT_EQ(*co_await words.get(), "apple");
    }());
}

TEST(Queue, ALimitOfNothingIsRefused) {
    EXPECT_EQ(thrown_by([] { queue<int> q{0}; }), "queue: a limit of 0 items");
    queue<int> q{7};
    EXPECT_EQ(q.limit(), 7u);
}

}  // namespace
}  // namespace leat::testing
