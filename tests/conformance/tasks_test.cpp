// What asyncio's own tests of tasks, wait, as_completed, gather and shield ask for, asked of leat. Each test names those it
// answers; README.md has the rest.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

template <class T>
task<T> after(int turns, T value) {
    co_await settle(turns);
    co_return value;
}
template <class T>
task<T> fails(int turns, std::string why) {
    co_await settle(turns);
    throw std::runtime_error(why);
}

// test_tasks.BaseTaskTests.test_task_basics
TEST(ConformanceTask, TasksAwaitEachOther) {
    auto outer = []() -> task<std::string> {
        auto a = co_await after(0, std::string{"a"});
        auto b = co_await after(2, std::string{"b"});
        co_return a + b;
    };
    EXPECT_EQ(in_loop(outer()), "ab");
}

// test_tasks.BaseTaskTests.test_cancel, test_task_cancel_sleeping_task, test_sleep_cancel, test_cancel_inner_future,
// test_cancel_both_task_and_inner_future, test_task_cancel_waiter_future
TEST(ConformanceTask, ACancelledOneThrowsWhereItWaits) {
    in_loop([]() -> task<> {
        event never;
        int thrown = 0;
        auto waits = [&](bool on_event) -> task<> {
            try {
                if (on_event) {
                    co_await never.wait();
                } else {
                    co_await sleep(10s);
                }
            } catch (const cancelled&) {
                ++thrown;
                throw;
            }
        };
        task_group group;
        group.spawn(waits(true));
        group.spawn(waits(false));
        co_await settle();
        group.cancel();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(thrown, 2);
    }());
}

// test_tasks.BaseTaskTests.test_cancel_yield
TEST(ConformanceTask, AYieldIsACancellationPoint) {
    in_loop([]() -> task<> {
        int steps = 0;
        task_group group;
        group.spawn([&]() -> task<> {
            for (; steps < 100; ++steps) co_await yield();
        });
        co_await settle(2);
        group.cancel();
        co_await group.join();
        EXPECT_LT(steps, 100);
    }());
}

// test_tasks.BaseTaskTests.test_cancel_task_catching
TEST(ConformanceTask, OneThatCatchesItsCancellationMayReturn) {
    in_loop([]() -> task<> {
        int value = 0;
        task_group group;
        group.spawn([&]() -> task<> {
            try {
                co_await sleep(10s);
            } catch (const cancelled&) {
                value = 42;
            }
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(value, 42);
    }());
}

// test_tasks.BaseTaskTests.test_cancel_current_task, test_cancel_at_end
TEST(ConformanceTask, OneThatCancelsItselfGoesOnToItsNextAwait) {
    in_loop([]() -> task<> {
        std::string steps;
        task_group group;
        group.spawn([&]() -> task<> {
            group.cancel();
            steps += 'a';
            co_await sleep(100s);
            steps += 'b';
        });
        co_await group.join();
        group.spawn([&]() -> task<> {
            group.cancel();
            steps += 'e';
            co_return;
        });
        co_await group.join();
        EXPECT_EQ(steps, "ae");
    }());
}

// test_tasks.BaseTaskTests.test_cancel_awaited_task, test_yield_future_passes_cancel
TEST(ConformanceTask, CancellationGoesDownToWhatIsAwaited) {
    in_loop([]() -> task<> {
        std::string steps;
        auto inner = [&]() -> task<> {
            try {
                co_await sleep(10s);
            } catch (const cancelled&) {
                steps += 'i';
                throw;
            }
        };
        auto outer = [&]() -> task<> {
            try {
                co_await inner();
            } catch (const cancelled&) {
                steps += 'o';
                throw;
            }
        };
        task_group group;
        group.spawn(outer());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(steps, "io");
    }());
}

// test_tasks.BaseTaskTests.test_baseexception_during_cancel
TEST(ConformanceTask, AnErrorInPlaceOfTheCancellationIsTheOutcome) {
    in_loop([]() -> task<> {
        std::string text;
        task_group group;
        group.spawn([&]() -> task<> {
            try {
                co_await sleep(10s);
            } catch (const cancelled&) {
                throw std::runtime_error("instead");
            }
        });
        co_await settle();
        group.cancel();
        try {
            co_await group.join();
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "instead");
    }());
}

// test_tasks.BaseTaskTests.test_uncancel_structured_blocks
TEST(ConformanceTask, AfterATimeoutInsideTheTaskIsNotCancelled) {
    in_loop([]() -> task<> {
        bool done = false;
        auto request = [&]() -> task<> {
            const auto outcome = co_await (timeout(1ms, sleep(10s)) | as_result);
            done = !outcome;
            co_await sleep(1ms);  // works
        };
        co_await request();
        EXPECT_TRUE(done);
    }());
}

// test_tasks.BaseTaskTests.test_sleep, SleepTests.test_sleep_zero
TEST(ConformanceTask, SleepLastsAndSleepOfZeroLetsOthersRun) {
    in_loop([]() -> task<> {
        const auto start = now();
        co_await sleep(2ms);
        EXPECT_GE(now() - start, 2ms);
        int result = 0;
        task_group group;
        group.spawn([&]() -> task<> {
            ++result;
            co_return;
        });
        EXPECT_EQ(result, 0);
        co_await sleep(0s);
        EXPECT_EQ(result, 1);
        co_await group.join();
    }());
}

// --- wait: gather of results, race, as_completed ----------------------------------------------------------------------

// test_tasks.BaseTaskTests.test_wait, test_wait_with_exception, test_wait_with_iterator_of_tasks (ALL_COMPLETED)
TEST(ConformanceWait, AllCompletedIsAGatherOfResults) {
    in_loop([]() -> task<> {
        std::vector<task<int>> tasks;
        tasks.push_back(after(1, 1));
        tasks.push_back(fails<int>(3, "really"));
        tasks.push_back(after(5, 5));
        auto done = co_await gather(std::move(tasks), as_result);
        EXPECT_EQ(done.size(), 3u);
        EXPECT_EQ(*done[0], 1);
        EXPECT_EQ(done[1].error().message(), "really");
        EXPECT_EQ(*done[2], 5);
    }());
}

// test_tasks.BaseTaskTests.test_wait_first_completed, test_wait_really_done
TEST(ConformanceWait, FirstCompletedIsTheFirstNextAndTheOthersRunOn) {
    in_loop([]() -> task<> {
        auto results = as_completed(after(6, 'a'), after(1, 'b'));
        auto first = co_await results.next();
        EXPECT_EQ(first, 'b');
        EXPECT_EQ(results.index(), 1u);
        EXPECT_EQ(results.remaining(), 1u);
        auto second = co_await results.next();
        EXPECT_EQ(second, 'a');
    }());
}

// test_tasks.BaseTaskTests.test_wait_first_exception, test_wait_first_exception_in_wait
TEST(ConformanceWait, FirstExceptionIsAGather) {
    in_loop([]() -> task<> {
        const auto start = now();
        std::string text;
        try {
            auto nothing = [](duration delay) -> task<> { co_await sleep(delay); };
            co_await gather(nothing(10s), fails<int>(1, "err"));
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "err");
        EXPECT_LT(now() - start, 5s);
    }());
}

// test_tasks.BaseTaskTests.test_wait_with_timeout, test_wait_concurrent_complete, test_as_completed_with_timeout
TEST(ConformanceWait, ATimeoutLeavesWhatIsNotDoneRunning) {
    in_loop([]() -> task<> {
        event go;
        auto waits = [&]() -> task<char> {
            co_await go.wait();
            co_return 'b';
        };
        auto results = as_completed(after(1, 'a'), waits());
        const auto limit = now() + 20ms;
        EXPECT_EQ(co_await timeout_at(limit, results.next()), 'a');
        EXPECT_FALSE(co_await (timeout_at(limit, results.next()) | as_result));
        EXPECT_EQ(results.remaining(), 1u);
        go.set();
        EXPECT_EQ(co_await results.next(), 'b');
    }());
}

// test_tasks.BaseTaskTests.test_as_completed, test_as_completed_with_unused_timeout, test_as_completed_concurrent
TEST(ConformanceAsCompleted, GivesResultsAsTheyCome) {
    in_loop([]() -> task<> {
        auto results = as_completed(after(1, 'b'), after(5, 'c'), after(2, 'a'));
        std::string values;
        auto all = [&]() -> task<> {
            while (auto value = co_await results.next()) values += *value;
        };
        co_await timeout(10s, all());
        EXPECT_EQ(values, "bac");
    }());
}

// --- shield -----------------------------------------------------------------------------------------------------------

// test_tasks.BaseTaskTests.test_shield_result, test_shield_exception, test_shield_shortcut
TEST(ConformanceShield, PassesTheOutcome) {
    in_loop([]() -> task<> {
        EXPECT_EQ(co_await shield(after(0, 42)), 42);
        EXPECT_EQ(co_await shield(after(2, 42)), 42);
        auto outcome = co_await (shield(fails<int>(2, "expected")) | as_result);
        EXPECT_EQ(outcome.error().message(), "expected");
    }());
}

// test_tasks.BaseTaskTests.test_shield_effect, test_shield_cancel_outer, test_yield_wait_does_not_shield_cancel
TEST(ConformanceShield, WhatIsInsideIsNotCancelledWithTheTask) {
    in_loop([]() -> task<> {
        int proof = 0;
        event waiter;
        auto inner = [&]() -> task<> {
            co_await waiter.wait();
            proof += 1;
        };
        auto outer = [&]() -> task<> {
            co_await shield(inner());
            co_await yield();
            proof += 100;
        };
        task_group group;
        group.spawn(outer());
        co_await settle();
        group.cancel();
        co_await settle();
        EXPECT_EQ(group.size(), 1u);  // asyncio abandons the inside: see README.md
        waiter.set();
        co_await group.join();
        EXPECT_EQ(proof, 1);
    }());
}

// test_tasks.BaseTaskTests.test_shield_cancel_inner
TEST(ConformanceShield, AnInsideThatIsCancelledByItselfIsCancelled) {
    in_loop([]() -> task<> {
        bool thrown = false;
        auto gives_up = []() -> task<> {
            co_await yield();
            throw cancelled{};
        };
        try {
            co_await shield(gives_up());
        } catch (const cancelled&) {
            thrown = true;
        }
        EXPECT_TRUE(thrown);
    }());
}

// test_tasks.BaseTaskTests.test_shield_gather, test_gather_shield
TEST(ConformanceShield, GoesAroundAGatherAndInsideOne) {
    in_loop([]() -> task<> {
        event go;
        int done = 0;
        auto child = [&]() -> task<> {
            co_await go.wait();
            ++done;
        };
        task_group group;
        group.spawn([&]() -> task<> { co_await shield(gather(child(), child())); });
        group.spawn([&]() -> task<> { co_await gather(shield(child()), shield(child())); });
        co_await settle();
        group.cancel();
        co_await settle();
        EXPECT_EQ(done, 0);
        go.set();
        co_await group.join();
        EXPECT_EQ(done, 4);
    }());
}

// --- gather -----------------------------------------------------------------------------------------------------------

// test_tasks.GatherTestsBase.test_success, FutureGatherTests.test_constructor_empty_sequence_use_running_loop
TEST(ConformanceGather, GivesTheValuesInTheOrderOfTheArguments) {
    in_loop([]() -> task<> {
        auto [a, b, c] = co_await gather(after(5, 1), after(1, std::string{"2"}), after(3, 3.0));
        EXPECT_EQ(a, 1);
        EXPECT_EQ(b, "2");
        EXPECT_EQ(c, 3.0);
        std::vector<task<int>> none;
        auto values = co_await gather(std::move(none));
        EXPECT_TRUE(values.empty());
    }());
}

// test_tasks.GatherTestsBase.test_one_exception
TEST(ConformanceGather, TheFirstErrorIsTheOutcome) {
    in_loop([]() -> task<> {
        std::vector<task<int>> tasks;
        tasks.push_back(after(1, 1));
        tasks.push_back(fails<int>(2, "first"));
        tasks.push_back(after(20, 3));
        tasks.push_back(fails<int>(20, "later"));
        auto outcome = co_await (gather(std::move(tasks)) | as_result);
        EXPECT_EQ(outcome.error().message(), "first");
    }());
}

// test_tasks.GatherTestsBase.test_return_exceptions, test_result_exception_success
TEST(ConformanceGather, WithResultsNobodyIsCancelled) {
    in_loop([]() -> task<> {
        auto [a, b, c] = co_await gather(after(5, 3) | as_result, fails<int>(1, "one") | as_result, fails<int>(7, "two") | as_result);
        EXPECT_EQ(*a, 3);
        EXPECT_EQ(b.error().message(), "one");
        EXPECT_EQ(c.error().message(), "two");
    }());
}

// test_tasks.FutureGatherTests.test_one_cancellation
TEST(ConformanceGather, ABranchThatIsCancelledByItselfLeavesNothingToGive) {
    in_loop([]() -> task<> {
        auto gives_up = []() -> task<int> {
            co_await yield();
            throw cancelled{};
        };
        bool thrown = false;
        try {
            [[maybe_unused]] auto both = co_await gather(after(5, 1), gives_up());
        } catch (const cancelled&) {
            thrown = true;
        }
        EXPECT_TRUE(thrown);
    }());
}

// test_tasks.CoroutineGatherTests.test_cancellation_broadcast, BaseTaskTests.test_cancel_gather_2
TEST(ConformanceGather, CancellationReachesEveryBranchAndComesOut) {
    in_loop([]() -> task<> {
        int proof = 0;
        auto inner = [&]() -> task<> {
            co_await sleep(10s);
            ++proof;
        };
        task_group group;
        bool thrown = false;
        group.spawn([&]() -> task<> {
            try {
                for (;;) {
                    [[maybe_unused]] auto all = co_await gather(inner() | as_result);
                    proof += 100;
                }
            } catch (const cancelled&) {
                thrown = true;
                throw;
            }
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(thrown);
        EXPECT_EQ(proof, 0);
    }());
}

// test_tasks.BaseTaskTests.test_cancel_gather_1
TEST(ConformanceGather, OneThatIsDoneAsItIsCancelledGivesItsValues) {
    in_loop([]() -> task<> {
        int value = 0;
        event go;
        task_group group;
        auto child = [&]() -> task<int> {
            co_await go.wait();
            co_return 42;
        };
        group.spawn([&]() -> task<> {
            auto [given] = co_await gather(child());
            value = given;
        });
        co_await settle();
        task_group canceller;
        canceller.spawn([&]() -> task<> {
            co_await go.wait();  // woken behind the child, which has ended then
            group.cancel();
        });
        co_await settle();
        go.set();
        co_await group.join();
        co_await canceller.join();
        EXPECT_EQ(value, 42);
    }());
}

// --- context variables ------------------------------------------------------------------------------------------------

// test_tasks.BaseTaskTests.test_context_1, test_context_2
TEST(ConformanceContext, ATaskHasTheValuesOfItsSpawnerAndItsOwn) {
    in_loop([]() -> task<> {
        task_local<std::string> cvar;
        auto sub = [&]() -> task<> {
            co_await yield();
            EXPECT_EQ(cvar.get_or("nope"), "nope");
            auto mine = cvar.set("something else");
            co_await yield();
        };
        EXPECT_EQ(cvar.get_or("nope"), "nope");
        task_group group;
        group.spawn(sub());
        auto bound = cvar.set("yes");
        EXPECT_EQ(cvar.get_or("nope"), "yes");
        co_await group.join();
        EXPECT_EQ(cvar.get_or("nope"), "yes");
    }());
}

// test_tasks.BaseTaskTests.test_context_3
TEST(ConformanceContext, AHundredTasksEachHaveTheirOwn) {
    in_loop([]() -> task<> {
        task_local<int> cvar;
        auto sub = [&](int number) -> task<> {
            for (int i = 0; i < 10; ++i) {
                auto bound = cvar.set(number + i);
                co_await settle(1 + number % 3);
                EXPECT_EQ(cvar.get_or(-1), number + i);
            }
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 100; ++i) tasks.push_back(sub(i));
        co_await gather(std::move(tasks));
        EXPECT_EQ(cvar.get_or(-1), -1);
    }());
}

}  // namespace
}  // namespace leat::testing
