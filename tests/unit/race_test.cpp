#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<int> number(int value, int turns = 1) {
    for (int i = 0; i < turns; ++i) co_await yield();
    co_return value;
}

TEST(Race, TheFirstWins) {
    in_loop([]() -> task<> {
        const auto first = co_await race(number(1, 5), number(2, 1));
        EXPECT_EQ(first.index(), 1u);
        EXPECT_EQ(std::get<1>(first), 2);
    }());
}

TEST(Race, OfAVectorTellsWhichAndWhat) {
    in_loop([]() -> task<> {
        std::vector<task<int>> branches;
        for (int i = 0; i < 10; ++i) branches.push_back(number(i, i == 6 ? 1 : 5));
        const auto first = co_await race(std::move(branches));
        EXPECT_EQ(first.index, 6u);
        EXPECT_EQ(first.value, 6);
    }());
}

TEST(Race, LosersAreCancelledAndWaitedFor) {
    in_loop([]() -> task<> {
        std::string steps;
        auto loser = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                steps += 'c';
            }
            co_await shield(settle());
            steps += 'e';
        };
        const auto first = co_await race(number(3), loser());
        EXPECT_EQ(first.index(), 0u);
        EXPECT_EQ(steps, "ce");
    }());
}

TEST(Race, AnErrorDecidesToo) {
    in_loop([]() -> task<> {
        auto fails = []() -> task<> {
            co_await yield();
            throw std::runtime_error("first");
        };
        auto outcome = co_await (race(fails(), sleep(1h)) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(outcome.error().message(), "first");
    }());
}

TEST(Race, CancellationReachesEveryBranch) {
    in_loop([]() -> task<> {
        int ended = 0;
        auto branch = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                ++ended;
                throw;
            }
        };
        bool returned = false;
        auto all = [&]() -> task<> {
            co_await race(branch(), branch());
            returned = true;
        };
        task_group group;
        group.spawn(all());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(ended, 2);
        EXPECT_FALSE(returned);
    }());
}

TEST(Race, BorrowsAwaiters) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        event stop;
        pair.peer.send("a line\n");
        {
            const auto first = co_await race(pair.reader.read_line(), stop.wait());
            EXPECT_EQ(first.index(), 0u);
            EXPECT_EQ(*std::get_if<0>(&first), "a line\n");
        }
        stop.set();
        const auto second = co_await race(pair.reader.read_line(), stop.wait());
        EXPECT_EQ(second.index(), 1u);
        pair.peer.send("kept\n");
        const auto kept = co_await pair.reader.read_line();
        EXPECT_EQ(kept, "kept\n");
    }());
}

TEST(Race, NestsWithTimeout) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        event never;
        auto outcome = co_await (race(timeout(1ms, pair.reader.read_line()), never.wait()) | as_result);
        EXPECT_FALSE(outcome);
        bool timed_out = false;
        try {
            std::rethrow_exception(outcome.error().exception());
        } catch (const timeout_error&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
    }());
}

// The borrowed awaiters live in the frame that awaits, and longer than the branches that waited for them.
TEST(Race, DestroyedWhileItWaitsItLetsGoOfTheBorrowedAwaiters) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        event never;
        semaphore slots{0};
        task_group others;
        others.spawn([&]() -> task<> { co_await never.wait(); });
        {
            task_group group;
            group.spawn([&]() -> task<> { co_await race(pair.reader.read_line(), never.wait(), slots.acquire(), sleep(1h), others.join()); });
            group.spawn([&]() -> task<> { co_await timeout(1h, never.wait()); });
            co_await settle();
        }
        pair.peer.send("next\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "next\n");
        never.set();
        co_await others.join();
    }());
}

// Both have a line at hand: the second must not take its own and drop it.
TEST(Race, TheLosersLineIsNotLostWhenBothAreBuffered) {
    in_loop([]() -> task<> {
        auto a = co_await connect_pair();
        auto b = co_await connect_pair();
        a.peer.send("a0\na1\na2\n");
        b.peer.send("b0\nb1\nb2\n");
        std::string read_a;
        std::string read_b;
        // One line each makes sure that the rest is buffered.
        auto first_a = co_await a.reader.read_line();
        read_a += *first_a;
        auto first_b = co_await b.reader.read_line();
        read_b += *first_b;
        for (int i = 0; i < 4; ++i) {
            auto first = co_await race(a.reader.read_line(), b.reader.read_line());
            if (first.index() == 0)
                read_a += *std::get<0>(first);
            else
                read_b += *std::get<1>(first);
            if (read_a.size() == 9) break;
        }
        while (read_b.size() < 9) {
            auto line = co_await b.reader.read_line();
            read_b += *line;
        }
        EXPECT_EQ(read_a, "a0\na1\na2\n");
        EXPECT_EQ(read_b, "b0\nb1\nb2\n");
    }());
}

// Both lines arrive in one turn of the loop: the loser's read has its value already, and gives it back.
TEST(Race, TheLosersLineIsNotLostWhenBothArriveAtOnce) {
    in_loop([]() -> task<> {
        auto a = co_await connect_pair();
        auto b = co_await connect_pair();
        for (int round = 0; round < 100; ++round) {
            task_group senders;
            senders.spawn([&]() -> task<> {
                co_await settle();  // the race waits in the kernel's view
                a.peer.send("a\n");
                b.peer.send("b\n");
            });
            auto first = co_await race(a.reader.read_line(), timeout(1h, b.reader.read_line()));
            stream_reader& other = first.index() == 0 ? b.reader : a.reader;
            auto second = co_await other.read_line();
            EXPECT_EQ(second, first.index() == 0 ? "b\n" : "a\n");
            co_await senders.join();
        }
    }());
}

TEST(Race, ALineIsNotLostToAnEventOfTheSameTurn) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        event stop;
        bool reads_too = false;
        auto outcome = [&]() -> task<> {
            const auto first = co_await race(stop.wait(), pair.reader.read_line());
            reads_too = first.index() == 1;
        };
        task_group group;
        group.spawn(outcome());
        co_await settle();
        pair.peer.send("line\n");
        stop.set();
        co_await group.join();
        EXPECT_FALSE(reads_too);
        const auto line = co_await pair.reader.read_line();
        EXPECT_EQ(line, "line\n");
    }());
}

}  // namespace
}  // namespace leat::testing
