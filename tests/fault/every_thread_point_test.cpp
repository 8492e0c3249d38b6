#include <gtest/gtest.h>

#include <string>

#include "fault/every_point.hpp"
#include "leat/leat.hpp"

// Two loops that talk with each other. Whose allocation is the n-th differs from run to run, so that more is tried than one run can say.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

void two_loops(reports& said) {
    channel<std::string> words{2};
    channel<int> numbers{16};
    std::atomic<int> seen = 0;
    auto twice = [](int n) -> task<int> {
        co_await yield();
        co_return 2 * n;
    };
    auto main = [&](std::size_t index) -> task<> {
        if (index == 0) {
            for (int i = 0; i < 10; ++i) {
                std::string word = "a word that is too long for its object, number " + std::to_string(i);
                co_await words.send(std::move(word));
            }
            words.close();
            int sum = 0;
            while (auto number = co_await numbers.receive()) sum += *number;
            const int doubled = co_await run_on(sibling_loops().back(), twice(sum));
            demand(doubled == 90, "the sum is wrong");
        } else {
            int i = 0;
            while (auto word = co_await words.receive()) {
                demand(word->ends_with(std::to_string(i)), "the word is wrong");
                co_await numbers.send(i++);
                ++seen;
            }
            numbers.close();
            demand(i == 10, "a word is missing");
        }
    };
    const int status = leat::run(main, {.threads = 2});
    if (status != 0) said.push_back("it ended with a status");
    else demand(seen == 10, "a number is missing, and no error was told");
}

TEST(EveryThreadPoint, TwoLoopsSurviveEveryAllocation) { every_allocation_of_a_program_fails_once(two_loops); }

}  // namespace
}  // namespace leat::testing
