#include "leat/task/as_completed.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<int> after(int turns, int value) {
    co_await settle(turns);
    co_return value;
}
task<int> fails_after(int turns) {
    co_await settle(turns);
    throw std::runtime_error("failed");
}

TEST(AsCompleted, GivesTheResultsInTheOrderOfTheirEnds) {
    in_loop([]() -> task<> {
        std::vector<task<int>> tasks;
        for (int turns : {5, 1, 3}) tasks.push_back(after(turns, turns));
        auto results = as_completed(std::move(tasks));
        EXPECT_EQ(results.remaining(), 3u);
        std::vector<int> values;
        std::vector<std::size_t> places;
        while (auto value = co_await results.next()) {
            values.push_back(*value);
            places.push_back(results.index());
        }
        EXPECT_EQ(values, (std::vector<int>{1, 3, 5}));
        EXPECT_EQ(places, (std::vector<std::size_t>{1, 2, 0}));
        EXPECT_EQ(results.remaining(), 0u);
        const auto end = co_await results.next();
        EXPECT_FALSE(end);
    }());
}

TEST(AsCompleted, TakesTasksOneByOneAndThoseThatReturnNothing) {
    in_loop([]() -> task<> {
        int ended = 0;
        auto counts = [&]() -> task<> {
            co_await yield();
            ++ended;
        };
        auto results = as_completed(counts(), counts(), counts());
        int given = 0;
        while (auto one = co_await results.next()) ++given;
        EXPECT_EQ(given, 3);
        EXPECT_EQ(ended, 3);
        auto none = as_completed(std::vector<task<>>{});
        const auto end = co_await none.next();
        EXPECT_FALSE(end);
    }());
}

TEST(AsCompleted, AnErrorComesInItsTurnAndCancelsNobody) {
    in_loop([]() -> task<> {
        auto results = as_completed(after(1, 1), fails_after(2), after(5, 5));
        auto first = co_await results.next();
        EXPECT_EQ(first, 1);
        std::string text;
        try {
            [[maybe_unused]] auto second = co_await results.next();
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "failed");
        EXPECT_EQ(results.index(), 1u);
        auto third = co_await results.next();
        EXPECT_EQ(third, 5);
    }());
}

TEST(AsCompleted, ErrorsAreResultsToo) {
    in_loop([]() -> task<> {
        auto results = as_completed(fails_after(1), after(2, 2));
        auto first = co_await (results.next() | as_result);
        EXPECT_FALSE(first);
        auto second = co_await (results.next() | as_result);
        EXPECT_TRUE(second && *second == 2);
    }());
}

TEST(AsCompleted, LeavingTheScopeDestroysTheRest) {
    in_loop([]() -> task<> {
        std::string graves;
        auto sleeps = [&](char name, int turns) -> task<> {
            tombstone stone{graves, name};
            co_await settle(turns);
            if (turns > 0) co_await sleep(1h);
        };
        {
            auto results = as_completed(sleeps('a', 0), sleeps('b', 1), sleeps('c', 1));
            [[maybe_unused]] auto first = co_await results.next();
            EXPECT_EQ(graves, "a");
        }
        EXPECT_EQ(graves.size(), 3u);
    }());
}

TEST(AsCompleted, ACancelledNextLosesNoResultAndTheTasksRunOn) {
    in_loop([]() -> task<> {
        event go;
        auto waits = [&]() -> task<int> {
            co_await go.wait();
            co_return 7;
        };
        auto results = as_completed(waits(), waits());
        auto none = co_await (timeout(1ms, results.next()) | as_result);
        EXPECT_FALSE(none);
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { [[maybe_unused]] auto r = co_await results.next(); });
            co_await settle();
        }
        go.set();
        int sum = 0;
        while (auto value = co_await results.next()) sum += *value;
        EXPECT_EQ(sum, 14);
    }());
}

TEST(AsCompleted, InACancelledScopeTheTasksStartCancelled) {
    in_loop([]() -> task<> {
        bool thrown = false;
        task_group group;
        group.spawn([&]() -> task<> {
            auto results = as_completed(after(1, 1));
            try {
                [[maybe_unused]] auto r = co_await results.next();
            } catch (const cancelled&) {
                thrown = true;
                throw;
            }
        });
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(thrown);
    }());
}

TEST(AsCompleted, TwoCallsAtOnceAreALogicError) {
    in_loop([]() -> task<> {
        auto results = as_completed(after(5, 1));
        task_group group;
        group.spawn([&]() -> task<> { [[maybe_unused]] auto r = co_await results.next(); });
        co_await yield();
        co_await yield();
        bool refused = false;
        try {
            [[maybe_unused]] auto r = co_await results.next();
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        co_await group.join();
    }());
}

TEST(AsCompleted, TakesValuesThatOnlyMove) {
    in_loop([]() -> task<> {
        auto make = [](int value) -> task<std::unique_ptr<int>> {
            co_await yield();
            co_return std::make_unique<int>(value);
        };
        auto results = as_completed(make(1), make(2));
        int sum = 0;
        while (auto value = co_await results.next()) sum += **value;
        EXPECT_EQ(sum, 3);
    }());
}

TEST(Gather, OfResultsKeepsEachOutcome) {
    in_loop([]() -> task<> {
        auto [a, b] = co_await gather(after(3, 1) | as_result, fails_after(1) | as_result);
        EXPECT_TRUE(a && *a == 1);
        EXPECT_EQ(b.error().message(), "failed");
        std::vector<task<int>> tasks;
        tasks.push_back(fails_after(1));
        tasks.push_back(after(4, 4));
        auto outcomes = co_await gather(std::move(tasks), as_result);
        EXPECT_EQ(outcomes[0].error().message(), "failed");
        EXPECT_TRUE(outcomes[1] && *outcomes[1] == 4);
        std::vector<task<>> plain;
        plain.push_back(settle(1));
        auto voids = co_await gather(std::move(plain), as_result);
        EXPECT_TRUE(voids[0]);
    }());
}

}  // namespace
}  // namespace leat::testing
