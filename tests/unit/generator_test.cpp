#include "leat/task/generator.hpp"

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

generator<int> count_to(int last) {
    for (int i = 1; i <= last; ++i) co_yield i;
}
generator<int> count_slowly(int last) {
    for (int i = 1; i <= last; ++i) {
        co_await yield();
        co_yield i;
        co_await settle(2);
    }
}

TEST(Generator, GivesItsValuesAndThenNothing) {
    in_loop([]() -> task<> {
        std::vector<int> got;
        auto numbers = count_to(4);
        while (auto number = co_await numbers.next()) got.push_back(*number);
        EXPECT_EQ(got, (std::vector<int>{1, 2, 3, 4}));
        EXPECT_EQ(co_await numbers.next(), std::nullopt);
        generator<int> none;
        EXPECT_EQ(co_await none.next(), std::nullopt);
    }());
}

TEST(Generator, MayAwaitBetweenItsValues) {
    in_loop([]() -> task<> {
        int sum = 0;
        auto numbers = count_slowly(10);
        while (auto number = co_await numbers.next()) sum += *number;
        EXPECT_EQ(sum, 55);
    }());
}

TEST(Generator, RunsOnlyWhenItIsAsked) {
    in_loop([]() -> task<> {
        std::string steps;
        auto walk = [&]() -> generator<char> {
            steps += '1';
            co_yield 'a';
            steps += '2';
            co_yield 'b';
            steps += '3';
        };
        auto walker = walk();
        co_await settle();
        EXPECT_EQ(steps, "");
        EXPECT_EQ(co_await walker.next(), 'a');
        co_await settle();
        EXPECT_EQ(steps, "1");
        EXPECT_EQ(co_await walker.next(), 'b');
        EXPECT_EQ(co_await walker.next(), std::nullopt);
        EXPECT_EQ(steps, "123");
    }());
}

TEST(Generator, YieldsWhatOnlyMovesAndWhatHasToBeCopied) {
    in_loop([]() -> task<> {
        auto make = []() -> generator<std::unique_ptr<std::string>> {
            co_yield std::make_unique<std::string>(100, 'x');
            auto named = std::make_unique<std::string>(100, 'y');
            co_yield std::move(named);
        };
        auto all = make();
        auto x = co_await all.next();
        EXPECT_EQ(**x, std::string(100, 'x'));
        auto y = co_await all.next();
        EXPECT_EQ(**y, std::string(100, 'y'));
        auto words = []() -> generator<std::string> {
            const std::string kept(100, 'k');
            co_yield kept;
            co_yield kept;
            co_yield "short";
        };
        auto said = words();
        EXPECT_EQ(co_await said.next(), std::string(100, 'k'));
        EXPECT_EQ(co_await said.next(), std::string(100, 'k'));
        EXPECT_EQ(co_await said.next(), "short");
    }());
}

TEST(Generator, ItsErrorsComeOutOfNextAndEndIt) {
    in_loop([]() -> task<> {
        auto breaks = []() -> generator<int> {
            co_yield 1;
            co_await yield();
            throw std::runtime_error("broken");
        };
        auto numbers = breaks();
        EXPECT_EQ(co_await numbers.next(), 1);
        std::string text;
        try {
            [[maybe_unused]] auto n = co_await numbers.next();
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "broken");
        EXPECT_EQ(co_await numbers.next(), std::nullopt);
        auto again = breaks();
        auto one = co_await (again.next() | as_result);
        EXPECT_TRUE(one && *one == 1);
        auto failure = co_await (again.next() | as_result);
        EXPECT_EQ(failure.error().message(), "broken");
    }());
}

TEST(Generator, MayAskAnotherAndAwaitTasks) {
    in_loop([]() -> task<> {
        auto twice = [](int n) -> task<int> {
            co_await yield();
            co_return 2 * n;
        };
        auto doubled = [&](generator<int> from) -> generator<int> {
            while (auto n = co_await from.next()) co_yield co_await twice(*n);
        };
        auto numbers = doubled(doubled(count_slowly(3)));
        std::vector<int> got;
        while (auto n = co_await numbers.next()) got.push_back(*n);
        EXPECT_EQ(got, (std::vector<int>{4, 8, 12}));
    }());
}

TEST(Generator, CancellationComesIntoIt) {
    in_loop([]() -> task<> {
        std::string steps;
        auto sleeps = [&]() -> generator<int> {
            co_yield 1;
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                steps += 'c';
                throw;
            }
        };
        auto numbers = sleeps();
        task_group group;
        group.spawn([&]() -> task<> {
            while (auto n = co_await numbers.next()) steps += std::to_string(*n);
            steps += 'x';
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(steps, "1c");
        EXPECT_EQ(co_await numbers.next(), std::nullopt);
    }());
}

TEST(Generator, WorksInsideATimeoutAndARace) {
    in_loop([]() -> task<> {
        auto numbers = count_slowly(3);
        EXPECT_EQ(co_await timeout(1h, numbers.next()), 1);
        auto second = co_await race(numbers.next(), sleep(1h));
        EXPECT_EQ(std::get<0>(second), 2);
        auto sleeps = []() -> generator<int> {
            co_await sleep(1h);
            co_yield 1;
        };
        auto sleeper = sleeps();
        auto outcome = co_await (timeout(1ms, sleeper.next()) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(co_await sleeper.next(), std::nullopt);
        EXPECT_EQ(co_await numbers.next(), 3);
    }());
}

TEST(Generator, OneThatShieldsItsWaitSurvivesATimeout) {
    in_loop([]() -> task<> {
        event go;
        auto waits = [&]() -> generator<int> {
            for (int i = 0;; ++i) {
                co_await shield(go.wait());
                co_yield i;
            }
        };
        auto numbers = waits();
        task_group group;
        group.spawn([&]() -> task<> {
            co_await sleep(2ms);
            go.set();
        });
        auto first = co_await timeout(1ms, numbers.next());  // the value wins
        EXPECT_EQ(first, 0);
        EXPECT_EQ(co_await numbers.next(), 1);
        co_await group.join();
    }());
}

TEST(Generator, DestroyedHalfRunItDestroysItsFrame) {
    in_loop([]() -> task<> {
        std::string graves;
        auto inner = [&]() -> task<> {
            tombstone stone{graves, 'i'};
            co_await sleep(1h);
        };
        auto walk = [&]() -> generator<int> {
            tombstone stone{graves, 'g'};
            co_yield 1;
            co_await inner();
        };
        {
            auto numbers = walk();
            EXPECT_EQ(co_await numbers.next(), 1);
        }
        EXPECT_EQ(graves, "g");
        {
            auto never_run = walk();
        }
        EXPECT_EQ(graves, "g");
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> {
                tombstone stone{graves, 'r'};
                auto numbers = walk();
                while (auto n = co_await numbers.next()) {
                }
            });
            co_await settle();
        }
        EXPECT_EQ(graves, "gigr");  // the innermost first
    }());
}

TEST(Generator, AReaderThatIsDestroyedEndsTheGeneratorItWaitedFor) {
    in_loop([]() -> task<> {
        std::string graves;
        auto walk = [&]() -> generator<int> {
            tombstone stone{graves, 'g'};
            co_yield 1;
            co_await sleep(1h);
        };
        auto numbers = walk();
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> {
                tombstone stone{graves, 'r'};
                while (auto n = co_await numbers.next()) {
                }
            });
            co_await settle();
        }
        EXPECT_EQ(graves, "gr");
        EXPECT_EQ(co_await numbers.next(), std::nullopt);
    }());
}

TEST(Generator, TwoCallsAtOnceAreALogicError) {
    in_loop([]() -> task<> {
        auto waits = []() -> generator<int> {
            co_await settle(4);
            co_yield 1;
        };
        auto numbers = waits();
        task_group group;
        group.spawn([&]() -> task<> { EXPECT_EQ(co_await numbers.next(), 1); });
        co_await yield();
        bool refused = false;
        try {
            [[maybe_unused]] auto n = co_await numbers.next();
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        co_await group.join();
        EXPECT_EQ(co_await numbers.next(), std::nullopt);
    }());
}

TEST(Generator, AMillionValuesNeedNoStackAndLetOthersRun) {
    in_loop([]() -> task<> {
        bool other = false;
        task_group group;
        group.spawn([&]() -> task<> {
            other = true;
            co_return;
        });
        auto numbers = count_to(1'000'000);
        long long sum = 0;
        bool early = false;
        while (auto n = co_await numbers.next()) {
            sum += *n;
            if (*n == 999'999) early = other;
        }
        EXPECT_EQ(sum, 500'000'500'000);
        EXPECT_TRUE(early);
        co_await group.join();
    }());
}

TEST(Generator, OneThatNeverSuspendsCanBeCancelledAndLosesNoValue) {
    in_loop([]() -> task<> {
        auto numbers = count_to(1'000'000'000);
        int last = 0;
        task_group group;
        group.spawn([&]() -> task<> {
            while (auto n = co_await numbers.next()) {
                EXPECT_EQ(*n, last + 1);
                last = *n;
            }
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(co_await numbers.next(), last + 1);
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> {
                while (auto n = co_await numbers.next()) last = *n;
            });
            co_await settle();
        }  // destroyed at the yield that the loop makes, with a value in its hands
        EXPECT_EQ(co_await numbers.next(), last + 1);
    }());
}

TEST(Generator, MayBeMovedBetweenCalls) {
    in_loop([]() -> task<> {
        auto numbers = count_slowly(3);
        EXPECT_EQ(co_await numbers.next(), 1);
        auto moved = std::move(numbers);
        EXPECT_EQ(co_await moved.next(), 2);
        EXPECT_EQ(co_await numbers.next(), std::nullopt);
        moved = count_to(1);
        EXPECT_EQ(co_await moved.next(), 1);
    }());
}

}  // namespace
}  // namespace leat::testing
