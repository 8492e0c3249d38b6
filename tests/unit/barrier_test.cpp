#include "leat/sync/barrier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Barrier, LetsAllThroughOnceTheLastHasArrived) {
    in_loop([]() -> task<> {
        barrier gate{3};
        std::vector<std::size_t> places;
        auto worker = [&]() -> task<> { places.push_back(co_await gate.wait()); };
        task_group group;
        group.spawn(worker());
        group.spawn(worker());
        co_await settle();
        EXPECT_EQ(gate.waiting(), 2u);
        EXPECT_TRUE(places.empty());
        group.spawn(worker());
        co_await group.join();
        EXPECT_EQ(places, (std::vector<std::size_t>{0, 1, 2}));
        EXPECT_EQ(gate.waiting(), 0u);
        EXPECT_EQ(gate.parties(), 3u);
    }());
}

TEST(Barrier, NobodyIsInRoundTwoBeforeAllHaveLeftRoundOne) {
    in_loop([]() -> task<> {
        barrier gate{4};
        std::vector<int> rounds(4, 0);
        auto worker = [&](std::size_t who) -> task<> {
            for (int round = 0; round < 100; ++round) {
                co_await gate.wait();
                rounds[who] = round + 1;
                const auto [least, most] = std::minmax_element(rounds.begin(), rounds.end());
                EXPECT_LE(*most - *least, 1);
                for (std::size_t i = 0; i < who; ++i) co_await yield();
            }
        };
        task_group group;
        for (std::size_t i = 0; i < 4; ++i) group.spawn(worker(i));
        co_await group.join();
        EXPECT_EQ(rounds, (std::vector<int>(4, 100)));
    }());
}

TEST(Barrier, ResetThrowsOutThoseWhoWaitAndStartsAnew) {
    in_loop([]() -> task<> {
        barrier gate{3};
        std::string seen;
        auto worker = [&]() -> task<> {
            try {
                co_await gate.wait();
                seen += 'p';
            } catch (const broken_barrier& e) {
                EXPECT_STREQ(e.what(), "barrier::wait: the barrier was reset");
                seen += 'b';
            }
        };
        task_group group;
        group.spawn(worker());
        group.spawn(worker());
        co_await settle();
        gate.reset();
        EXPECT_FALSE(gate.broken());
        co_await group.join();
        EXPECT_EQ(seen, "bb");
        for (int i = 0; i < 3; ++i) group.spawn(worker());
        co_await group.join();
        EXPECT_EQ(seen, "bbppp");
    }());
}

TEST(Barrier, AbortBreaksItUntilAReset) {
    in_loop([]() -> task<> {
        barrier gate{2};
        task_group group;
        bool thrown = false;
        group.spawn([&]() -> task<> {
            auto outcome = co_await (gate.wait() | as_result);
            thrown = !outcome && outcome.error().message() == "barrier::wait: the barrier is broken";
        });
        co_await settle();
        gate.abort();
        EXPECT_TRUE(gate.broken());
        co_await group.join();
        EXPECT_TRUE(thrown);
        auto late = co_await (gate.wait() | as_result);
        EXPECT_FALSE(late);
        gate.reset();
        EXPECT_FALSE(gate.broken());
        group.spawn([&]() -> task<> { co_await gate.wait(); });
        co_await gate.wait();
        co_await group.join();
    }());
}

TEST(Barrier, ThoseWhoHavePassedAreNotTouchedByAnAbort) {
    in_loop([]() -> task<> {
        barrier gate{2};
        int passed = 0;
        auto worker = [&](bool aborts) -> task<> {
            const auto place = co_await gate.wait();
            if (aborts && place == 0) gate.abort();
            ++passed;
        };
        task_group group;
        group.spawn(worker(true));
        group.spawn(worker(true));
        co_await group.join();
        EXPECT_EQ(passed, 2);
    }());
}

TEST(Barrier, ACancelledWaiterDoesNotCount) {
    in_loop([]() -> task<> {
        barrier gate{2};
        int passed = 0;
        auto worker = [&]() -> task<> {
            co_await gate.wait();
            ++passed;
        };
        task_group doomed, group;
        doomed.spawn(worker());
        co_await settle();
        doomed.cancel();
        co_await doomed.join();
        EXPECT_EQ(gate.waiting(), 0u);
        group.spawn(worker());
        co_await settle();
        EXPECT_EQ(passed, 0);
        group.spawn(worker());
        co_await group.join();
        EXPECT_EQ(passed, 2);
    }());
}

TEST(Barrier, CancelledInTheTurnItOpensTheyPassAllTheSame) {
    in_loop([]() -> task<> {
        barrier gate{2};
        int passed = 0;
        task_group group;
        group.spawn([&]() -> task<> {
            co_await gate.wait();
            ++passed;
        });
        co_await settle();
        group.spawn([&]() -> task<> {
            auto place = co_await (gate.wait() | as_result);
            EXPECT_TRUE(place);
            ++passed;
        });
        co_await yield();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(passed, 2);
        group.spawn([&]() -> task<> { co_await gate.wait(); });  // before it starts
        group.cancel();
        co_await group.join();
        EXPECT_EQ(gate.waiting(), 0u);
    }());
}

TEST(Barrier, OneThatIsDestroyedWhileItWaitsDoesNotCount) {
    in_loop([]() -> task<> {
        barrier gate{2};
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { co_await gate.wait(); });
            co_await settle();
            EXPECT_EQ(gate.waiting(), 1u);
        }
        EXPECT_EQ(gate.waiting(), 0u);
    }());
}

TEST(Barrier, OfOneLetsEveryoneThroughAndOthersRun) {
    in_loop([]() -> task<> {
        barrier gate{1};
        bool stop = false;
        task_group group;
        group.spawn([&]() -> task<> {
            while (!stop) EXPECT_EQ(co_await gate.wait(), 0u);
        });
        group.spawn([&]() -> task<> {
            stop = true;
            co_return;
        });
        co_await group.join();
        EXPECT_EQ(thrown_by([] { barrier none{0}; }), "barrier: no parties");
    }());
}

}  // namespace
}  // namespace leat::testing
