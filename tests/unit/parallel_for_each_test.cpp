#include "leat/task/parallel_for_each.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

std::vector<int> numbers(int count) {
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

TEST(ParallelForEach, VisitsEachElementAtMostSoManyAtOnce) {
    in_loop([]() -> task<> {
        int inside = 0;
        int most = 0;
        std::vector<int> begun;
        auto visit = [&](int number) -> task<> {
            begun.push_back(number);
            most = std::max(most, ++inside);
            co_await settle(1 + number % 5);
            --inside;
        };
        const auto all = numbers(50);
        co_await parallel_for_each(all, 4, visit);
        EXPECT_EQ(begun, all);
        EXPECT_EQ(most, 4);
        EXPECT_EQ(inside, 0);
    }());
}

TEST(ParallelForEach, KeepsARangeAndAFunctionThatHaveNoName) {
    in_loop([]() -> task<> {
        std::string seen;
        auto owner = std::make_shared<std::string>("x");
        auto owning = [&seen, owner](const std::string& word) -> task<> {
            co_await yield();
            seen += word + *owner;
        };
        auto made = parallel_for_each(std::vector<std::string>{"a", "b"}, 1, owning);
        co_await std::move(made);
        EXPECT_EQ(seen, "axbx");
        co_await parallel_for_each(numbers(3), 9, [&](int n) -> task<> {
            seen += std::to_string(n);
            co_return;
        });
        EXPECT_EQ(seen, "axbx012");
    }());
}

TEST(ParallelForEach, LooksAtTheRangeNoFasterThanItWorks) {
    in_loop([]() -> task<> {
        struct counting {
            int* looked;
            int at;
            int operator*() const {
                *looked = std::max(*looked, at + 1);
                return at;
            }
            counting& operator++() {
                ++at;
                return *this;
            }
            bool operator!=(const counting& other) const { return at != other.at; }
        };
        struct endless {
            int* looked;
            counting begin() const { return {looked, 0}; }
            counting end() const { return {looked, -1}; }
        };
        int looked = 0;
        event never;
        auto waits = [&](int) -> task<> { co_await never.wait(); };
        auto outcome = co_await (timeout(1ms, parallel_for_each(endless{&looked}, 3, waits)) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(looked, 3);
    }());
}

TEST(ParallelForEach, TheFirstErrorCancelsTheOthersAndBeginsNothingMore) {
    in_loop([]() -> task<> {
        int begun = 0;
        int cancelled_ones = 0;
        auto visit = [&](int number) -> task<> {
            ++begun;
            if (number == 2) throw std::runtime_error("two");
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                ++cancelled_ones;
                throw;
            }
        };
        std::string text;
        try {
            co_await parallel_for_each(numbers(100), 3, visit);
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "two");
        EXPECT_EQ(begun, 3);
        EXPECT_EQ(cancelled_ones, 2);
    }());
}

TEST(ParallelForEach, AllErrorsArriveTogether) {
    in_loop([]() -> task<> {
        auto visit = [](int number) -> task<> {
            co_await yield();
            throw std::runtime_error(std::to_string(number));
        };
        auto outcome = co_await (parallel_for_each(numbers(3), 3, visit) | as_result);
        std::size_t count = 0;
        try {
            outcome.value();
        } catch (const error_group& e) {
            count = e.errors().size();
        }
        EXPECT_EQ(count, 3u);
    }());
}

TEST(ParallelForEach, AnErrorOfTheFunctionItselfIsOneOfTheTask) {
    in_loop([]() -> task<> {
        auto visit = [](int) -> task<> {
            throw std::runtime_error("before it suspended");
            co_return;
        };
        EXPECT_FALSE(co_await (parallel_for_each(numbers(1), 2, visit) | as_result));
        auto no_task = [](int) -> task<> { throw std::runtime_error("no coroutine"); };
        EXPECT_FALSE(co_await (parallel_for_each(numbers(1), 2, no_task) | as_result));
        EXPECT_TRUE(co_await (parallel_for_each(numbers(0), 2, visit) | as_result));
        EXPECT_FALSE(co_await (parallel_for_each(numbers(0), 0, visit) | as_result));
    }());
}

TEST(ParallelForEach, CancellationReachesEveryBranchAndWaitsForIt) {
    in_loop([]() -> task<> {
        std::string steps;
        auto visit = [&](int) -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                steps += 'c';
            }
            co_await shield(settle(2));
            steps += 'e';
            throw cancelled{};
        };
        task_group group;
        group.spawn(parallel_for_each(numbers(10), 2, visit));
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(steps, "ccee");
        {
            task_group doomed;
            doomed.spawn(parallel_for_each(numbers(10), 2, visit));
            co_await settle();
        }
        EXPECT_EQ(steps, "ccee");  // destroyed: nothing more runs
    }());
}

TEST(ParallelForEach, ManyThatNeverSuspendLetOthersRun) {
    in_loop([]() -> task<> {
        bool other = false;
        bool early = false;
        auto visit = [&](int number) -> task<> {
            if (number == 99'999) early = other;
            co_return;
        };
        task_group group;
        group.spawn(parallel_for_each(numbers(100'000), 8, visit));
        group.spawn([&]() -> task<> {
            other = true;
            co_return;
        });
        co_await group.join();
        EXPECT_TRUE(early);
    }());
}

TEST(ParallelMap, ReturnsTheValuesInTheRangesOrder) {
    in_loop([]() -> task<> {
        auto square = [](int number) -> task<int> {
            co_await settle(5 - number % 5);
            co_return number * number;
        };
        const auto squares = co_await parallel_map(numbers(10), 3, square);
        EXPECT_EQ(squares, (std::vector<int>{0, 1, 4, 9, 16, 25, 36, 49, 64, 81}));
    }());
}

}  // namespace
}  // namespace leat::testing
