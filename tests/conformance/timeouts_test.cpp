// What asyncio's own tests of its timeouts ask for, asked of leat. Each test names those it answers; README.md has the rest.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// Computes: the loop stands still.
void crunch_until(time_point when) {
    while (now() < when) {
    }
}

/// t: timeout_error, c: cancelled, e: another error, v: a value.
template <class T>
task<char> outcome_of(task<T> inside) {
    char how = 'v';
    try {
        co_await std::move(inside);
    } catch (const timeout_error&) {
        how = 't';
    } catch (const cancelled&) {
        how = 'c';
    } catch (const std::exception&) {
        how = 'e';
    }
    co_return how;
}

task<> sleeps(duration delay, bool* was_cancelled = nullptr) {
    try {
        co_await sleep(delay);
    } catch (const cancelled&) {
        if (was_cancelled) *was_cancelled = true;
        throw;
    }
}

// test_timeouts.TimeoutTests.test_timeout_basic, test_waiter_cancelled, test_timeout_at_basic
TEST(ConformanceTimeout, ThrowsAndCancelsWhatIsInside) {
    in_loop([]() -> task<> {
        bool inside_cancelled = false;
        auto relative = [&]() -> task<> { co_await timeout(1ms, sleeps(10s, &inside_cancelled)); };
        EXPECT_EQ(co_await outcome_of(relative()), 't');
        EXPECT_TRUE(inside_cancelled);
        const auto when = now() + 1ms;
        deadline limit{when};
        auto absolute = [&]() -> task<> { co_await timeout_at(limit, sleep(10s)); };
        EXPECT_EQ(co_await outcome_of(absolute()), 't');
        EXPECT_TRUE(limit.expired());
        EXPECT_EQ(limit.when(), when);
    }());
}

// test_timeouts.TimeoutTests.test_nested_timeouts
TEST(ConformanceTimeout, OfTwoWithOneDeadlineOneThrows) {
    in_loop([]() -> task<> {
        const auto when = now() + 1ms;
        deadline outer{when};
        bool inside_cancelled = false;
        auto inner = [&]() -> task<> { co_await timeout_at(when, sleeps(10s, &inside_cancelled)); };
        auto nested = [&]() -> task<> { co_await timeout_at(outer, inner()); };
        EXPECT_EQ(co_await outcome_of(nested()), 't');
        EXPECT_TRUE(inside_cancelled);
    }());
}

// test_timeouts.TimeoutTests.test_timeout_not_called
TEST(ConformanceTimeout, OneThatIsNotReachedDoesNothing) {
    in_loop([]() -> task<> {
        deadline limit{now() + 10s};
        co_await timeout_at(limit, sleep(1ms));
        EXPECT_FALSE(limit.expired());
        EXPECT_GT(limit.when(), now());
    }());
}

// test_timeouts.TimeoutTests.test_timeout_disabled, test_timeout_at_disabled
TEST(ConformanceTimeout, NeverIsNever) {
    in_loop([]() -> task<> {
        deadline limit;
        co_await timeout_at(limit, sleep(1ms));
        EXPECT_FALSE(limit.expired());
        co_await timeout(duration::max(), sleep(1ms));
    }());
}

// test_timeouts.TimeoutTests.test_timeout_zero
TEST(ConformanceTimeout, ZeroStrikesAtOnce) {
    in_loop([]() -> task<> {
        auto zero = []() -> task<> { co_await timeout(0s, sleep(10s)); };
        EXPECT_EQ(co_await outcome_of(zero()), 't');
        auto past = []() -> task<> { co_await timeout(-11s, sleep(10s)); };
        EXPECT_EQ(co_await outcome_of(past()), 't');
    }());
}

// test_timeouts.TimeoutTests.test_foreign_exception_passed, test_foreign_exception_on_timeout
TEST(ConformanceTimeout, OtherErrorsPass) {
    in_loop([]() -> task<> {
        auto throws = []() -> task<> {
            throw std::runtime_error("mine");
            co_return;
        };
        deadline limit{now() + 10s};
        auto at_once = [&]() -> task<> { co_await timeout_at(limit, throws()); };
        EXPECT_EQ(co_await outcome_of(at_once()), 'e');
        EXPECT_FALSE(limit.expired());
        auto crash = []() -> task<> {
            try {
                co_await sleep(10s);
            } catch (const cancelled&) {
                throw std::runtime_error("in the cleanup");
            }
        };
        auto in_cleanup = [&]() -> task<> { co_await timeout(1ms, crash()); };
        EXPECT_EQ(co_await outcome_of(in_cleanup()), 'e');
    }());
}

// test_timeouts.TimeoutTests.test_foreign_cancel_doesnt_timeout_if_not_expired
TEST(ConformanceTimeout, CancelledFromOutsideItIsNoTimeout) {
    in_loop([]() -> task<> {
        deadline limit{now() + 10s};
        char how = 0;
        task_group group;
        group.spawn([&]() -> task<> {
            auto inside = [&]() -> task<> { co_await timeout_at(limit, sleep(10s)); };
            how = co_await outcome_of(inside());
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(how, 'c');
        EXPECT_FALSE(limit.expired());
    }());
}

// test_timeouts.TimeoutTests.test_outer_task_is_not_cancelled
TEST(ConformanceTimeout, WhoCatchesItIsNotCancelled) {
    in_loop([]() -> task<> {
        auto inside = []() -> task<> { co_await timeout(1ms, sleep(10s)); };
        EXPECT_EQ(co_await outcome_of(inside()), 't');
        co_await sleep(1ms);  // goes on waiting as before
    }());
}

// test_timeouts.TimeoutTests.test_nested_timeouts_concurrent
TEST(ConformanceTimeout, OfTwoThatAreOverTheOuterThrows) {
    in_loop([]() -> task<> {
        auto busy = []() -> task<> {
            crunch_until(now() + 10ms);
            co_await sleep(1s);
        };
        char inner_how = 0;
        auto inner = [&]() -> task<> {
            auto limited = [&]() -> task<> { co_await timeout(100ms, busy()); };
            inner_how = co_await outcome_of(limited());
            co_await sleep(1s);
        };
        auto outer = [&]() -> task<> { co_await timeout(2ms, inner()); };
        EXPECT_EQ(co_await outcome_of(outer()), 't');
        EXPECT_EQ(inner_how, 'c');
    }());
}

// test_timeouts.TimeoutTests.test_nested_timeouts_loop_busy
TEST(ConformanceTimeout, AfterTheInnerOneTheOuterOneStillCounts) {
    in_loop([]() -> task<> {
        const auto start = now();
        auto busy = []() -> task<> {
            crunch_until(now() + 20ms);
            co_await sleep(10s);
        };
        auto body = [&]() -> task<> {
            auto limited = [&]() -> task<> { co_await timeout(5ms, busy()); };
            EXPECT_EQ(co_await outcome_of(limited()), 't');
            co_await sleep(10s);
        };
        auto outer = [&]() -> task<> { co_await timeout(100ms, body()); };
        EXPECT_EQ(co_await outcome_of(outer()), 't');
        EXPECT_LT(now() - start, 5s);
    }());
}

// test_timeouts.TimeoutTests.test_reschedule
TEST(ConformanceTimeout, ADeadlineMayBeMoved) {
    in_loop([]() -> task<> {
        const auto first = now() + 10s;
        const auto second = first + 20s;
        deadline limit{first};
        char how = 0;
        task_group group;
        group.spawn([&]() -> task<> {
            auto inside = [&]() -> task<> { co_await timeout_at(limit, sleep(50s)); };
            how = co_await outcome_of(inside());
        });
        co_await settle();
        EXPECT_EQ(limit.when(), first);
        limit.reschedule(second);
        EXPECT_EQ(limit.when(), second);
        limit.reschedule(time_point::max());
        EXPECT_EQ(limit.when(), time_point::max());
        group.cancel();
        co_await group.join();
        EXPECT_EQ(how, 'c');
        EXPECT_FALSE(limit.expired());
    }());
}

// test_timeouts.TimeoutTests.test_nested_timeout_in_finally
TEST(ConformanceTimeout, TheCleanupMayHaveATimeoutOfItsOwn) {
    in_loop([]() -> task<> {
        char cleanup = 0;
        auto body = [&]() -> task<> {
            bool ended = false;
            try {
                co_await sleep(10s);
            } catch (const cancelled&) {
                ended = true;
            }
            auto limited = []() -> task<> { co_await timeout(1ms, sleep(10s)); };
            auto shielded = [&]() -> task<> { cleanup = co_await outcome_of(limited()); };
            if (ended) co_await shield(shielded());  // a cancelled scope stays cancelled: cleanup that waits is shielded
            throw cancelled{};
        };
        auto outer = [&]() -> task<> { co_await timeout(1ms, body()); };
        EXPECT_EQ(co_await outcome_of(outer()), 't');
        EXPECT_EQ(cleanup, 't');
    }());
}

// ---- wait_for

/// Takes its time, whatever happens.
task<> goes_on_regardless(bool& ended) {
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
    }
    co_await shield(sleep(5ms));
    ended = true;
}

// test_waitfor.AsyncioWaitForTest.test_asyncio_wait_for_timeout, test_asyncio_wait_for_cancelled
TEST(ConformanceTimeout, WhatTakesItsTimeWhenCancelledIsWaitedFor) {
    in_loop([]() -> task<> {
        bool ended = false;
        auto late = [&]() -> task<> { co_await timeout(1ms, goes_on_regardless(ended)); };
        EXPECT_EQ(co_await outcome_of(late()), 'v') << "it has not been cancelled after all";
        EXPECT_TRUE(ended);
        ended = false;
        auto patient = [&]() -> task<> { co_await timeout(10s, goes_on_regardless(ended)); };
        task_group group;
        group.spawn(patient());
        co_await settle();
        group.cancel();
        co_await outcome_of([](task_group& of) -> task<> { co_await of.join(); }(group));
        EXPECT_TRUE(ended);
    }());
}

// test_waitfor.AsyncioWaitForTest.test_wait_for_timeout_less_then_0_or_0_future_done,
// test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started
TEST(ConformanceTimeout, ALimitOfZeroLetsPassWhatNeedNotWait) {
    in_loop([]() -> task<> {
        auto done = []() -> task<int> { co_return 42; };
        EXPECT_EQ(co_await timeout(0s, done()), 42);
        EXPECT_EQ(co_await timeout(-1s, done()), 42);
    }());
}

// test_waitfor.AsyncioWaitForTest.test_wait_for, test_wait_for_timeout_less_then_0_or_0, test_wait_for_waits_for_task_cancellation,
// test_wait_for_waits_for_task_cancellation_w_timeout_0
TEST(ConformanceTimeout, TheInsideHasEndedWhenTheTimeoutIsThrown) {
    in_loop([]() -> task<> {
        for (const duration limit : {duration{1ms}, duration{0s}, duration{-1s}}) {
            bool running = false;
            auto inside = [&]() -> task<> {
                running = true;
                bool ended = false;
                try {
                    co_await sleep(10s);
                } catch (const cancelled&) {
                    ended = true;
                }
                if (ended) co_await shield(sleep(2ms));
                running = false;
                throw cancelled{};
            };
            auto whole = [&]() -> task<> { co_await timeout(limit, inside()); };
            EXPECT_EQ(co_await outcome_of(whole()), 't');
            EXPECT_FALSE(running);
        }
    }());
}

// test_waitfor.AsyncioWaitForTest.test_wait_for_blocking, test_wait_for_race_condition, test_wait_for_cancellation_race_condition
TEST(ConformanceTimeout, AValueThatIsReachedIsTheOutcome) {
    in_loop([]() -> task<> {
        auto at_once = []() -> task<std::string> { co_return "done"; };
        EXPECT_EQ(co_await timeout(duration::max(), at_once()), "done");
        auto in_time = []() -> task<std::string> {
            co_await sleep(1ms);
            co_return "ok";
        };
        EXPECT_EQ(co_await timeout(10s, in_time()), "ok");
        auto all_the_same = []() -> task<int> {
            try {
                co_await sleep(10s);
            } catch (const cancelled&) {
            }
            co_return 1;
        };
        EXPECT_EQ(co_await timeout(1ms, all_the_same()), 1);
    }());
}

// test_waitfor.AsyncioWaitForTest.test_wait_for_reraises_exception_during_cancellation
TEST(ConformanceTimeout, AnErrorOfTheCleanupIsTheOutcome) {
    in_loop([]() -> task<> {
        auto inside = []() -> task<> {
            try {
                co_await sleep(10s);
            } catch (const cancelled&) {
                throw std::runtime_error("in the cleanup");
            }
        };
        auto whole = [&]() -> task<> { co_await timeout(1ms, inside()); };
        EXPECT_EQ(co_await outcome_of(whole()), 'e');
    }());
}

// test_waitfor.AsyncioWaitForTest.test_cancel_blocking_wait_for, test_cancel_wait_for, test_wait_for_self_cancellation
TEST(ConformanceTimeout, CancelledItCancelsItsInside) {
    in_loop([]() -> task<> {
        for (const duration limit : {duration{60s}, duration::max()}) {
            bool inside_cancelled = false;
            char how = 0;
            auto whole = [&]() -> task<> { co_await timeout(limit, sleeps(10s, &inside_cancelled)); };
            auto watched = [&]() -> task<> { how = co_await outcome_of(whole()); };
            task_group group;
            group.spawn(watched());
            co_await settle();
            group.cancel();
            co_await outcome_of([](task_group& of) -> task<> { co_await of.join(); }(group));
            EXPECT_TRUE(inside_cancelled);
            EXPECT_EQ(how, 'c');
        }
    }());
}

}  // namespace
}  // namespace leat::testing
