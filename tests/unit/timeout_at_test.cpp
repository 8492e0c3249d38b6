#include <gtest/gtest.h>

#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(TimeoutAt, EndsWhatIsInsideAtThatTime) {
    in_loop([]() -> task<> {
        const auto when = now() + 2ms;
        auto outcome = co_await (timeout_at(when, sleep(1h)) | as_result);
        EXPECT_GE(now(), when);
        EXPECT_EQ(outcome.error().message(), "timed out: the deadline has passed");
        std::string text;
        try {
            co_await timeout_at(now(), sleep(1h));
        } catch (const timeout_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "timed out: the deadline has passed");
    }());
}

TEST(TimeoutAt, OneLimitServesForSeveralSteps) {
    in_loop([]() -> task<> {
        event never;
        const auto when = now() + 2ms;
        co_await timeout_at(when, yield());
        EXPECT_FALSE(co_await (timeout_at(when, never.wait()) | as_result));
        EXPECT_FALSE(co_await (timeout_at(when, never.wait()) | as_result));  // in the past now
        auto value = []() -> task<int> { co_return 3; };
        EXPECT_EQ(co_await timeout_at(when, value()), 3);  // never suspends: wins
    }());
}

TEST(TimeoutAt, ATimeInThePastOrAtTheEpochIsOver) {
    in_loop([]() -> task<> {
        EXPECT_FALSE(co_await (timeout_at(time_point{}, sleep(1h)) | as_result));
        EXPECT_FALSE(co_await (timeout_at(time_point{-5s}, sleep(1h)) | as_result));
        EXPECT_FALSE(co_await (timeout(-1s, sleep(1h)) | as_result));
    }());
}

TEST(TimeoutAt, TheEndOfTimeIsNever) {
    in_loop([]() -> task<> {
        co_await timeout_at(time_point::max(), sleep(1ms));
        deadline none;
        co_await timeout_at(none, sleep(1ms));
        EXPECT_FALSE(none.expired());
        EXPECT_EQ(none.when(), time_point::max());
    }());
}

TEST(TimeoutAt, CancellationFromOutsidePassesThrough) {
    in_loop([]() -> task<> {
        std::string seen;
        task_group group;
        group.spawn([&]() -> task<> {
            try {
                co_await timeout_at(now() + 1h, sleep(1h));
            } catch (const cancelled&) {
                seen += 'c';
                throw;
            } catch (const timeout_error&) {
                seen += 't';
            }
        });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(seen, "c");
        group.spawn([&]() -> task<> { co_await timeout_at(now() + 1h, sleep(1h)); });  // before it starts
        group.cancel();
        co_await group.join();
    }());
}

TEST(Deadline, MayBeMovedLaterAndSooner) {
    in_loop([]() -> task<> {
        deadline idle{now() + 2ms};
        int steps = 0;
        auto works = [&]() -> task<> {
            while (steps < 10) {
                co_await sleep(1ms);
                ++steps;
                idle.reschedule(now() + 1h);
            }
        };
        const auto first = co_await (timeout_at(idle, works()) | as_result);
        EXPECT_TRUE(!first || steps == 10);  // a machine that is late has let it expire
        deadline soon{now() + 1h};
        task_group group;
        group.spawn([&]() -> task<> {
            soon.reschedule(now() - 1s);
            co_return;
        });
        EXPECT_FALSE(co_await (timeout_at(soon, sleep(1h)) | as_result));
        EXPECT_TRUE(soon.expired());
        co_await group.join();
    }());
}

TEST(Deadline, MayBeSwitchedOffAndOn) {
    in_loop([]() -> task<> {
        deadline limit{now() + 1h};
        auto works = [&]() -> task<> {
            limit.reschedule(time_point::max());
            co_await settle();
            EXPECT_FALSE(limit.expired());
            limit.reschedule(now());
            co_await sleep(1h);
        };
        EXPECT_FALSE(co_await (timeout_at(limit, works()) | as_result));
        EXPECT_TRUE(limit.expired());
        limit.reschedule(now() + 1h);  // too late, and harmless
    }());
}

TEST(Deadline, HasNotExpiredWhenTheInsideEndsFirst) {
    in_loop([]() -> task<> {
        deadline limit{now() + 1h};
        co_await timeout_at(limit, yield());
        EXPECT_FALSE(limit.expired());
        limit.reschedule(now());
        co_await settle();
        EXPECT_FALSE(limit.expired());  // nothing is inside
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { co_await timeout_at(limit, sleep(1h)); });
            limit.reschedule(now() + 1h);
            co_await settle();
        }
        limit.reschedule(now());  // whoever waited is gone
        EXPECT_FALSE(co_await (timeout_at(limit, sleep(1h)) | as_result));
    }());
}

TEST(Deadline, ServesOneTimeoutAtATime) {
    in_loop([]() -> task<> {
        deadline limit{now() + 1h};
        auto nested = [&]() -> task<> { co_await timeout_at(limit, yield()); };
        std::string text;
        try {
            co_await timeout_at(limit, nested());
        } catch (const std::logic_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "timeout_at: the deadline has a timeout already");
        co_await timeout_at(limit, yield());
    }());
}

/// Loops of combinators around what ends at once.
template <class Loop>
void must_let_others_run(Loop loop) {
    in_loop([](Loop body) -> task<> {
        bool stop = false;
        task_group group;
        group.spawn(body(stop));
        group.spawn([&]() -> task<> {
            stop = true;
            co_return;
        });
        co_await group.join();
        task_group endless;
        bool never = false;
        endless.spawn(body(never));
        co_await settle();
        endless.cancel();
        co_await endless.join();
    }(std::move(loop)));
}

TEST(Budget, ALoopOfAwaitsThatEndAtOnceLetsOthersRunAndCanBeCancelled) {
    must_let_others_run([](bool& stop) -> task<> {
        semaphore slots{1};
        while (!stop) auto slot = co_await slots.acquire();
    });
    must_let_others_run([](bool& stop) -> task<> {
        event happened;
        happened.set();
        while (!stop) co_await happened.wait();
    });
    must_let_others_run([](bool& stop) -> task<> {
        event happened;
        happened.set();
        while (!stop) co_await timeout(1h, happened.wait());
    });
    must_let_others_run([](bool& stop) -> task<> {
        auto nothing = []() -> task<> { co_return; };
        while (!stop) co_await timeout(1h, nothing());
    });
    must_let_others_run([](bool& stop) -> task<> {
        task_group none;
        while (!stop) co_await none.join();
    });
    must_let_others_run([](bool& stop) -> task<> {
        event happened;
        happened.set();
        while (!stop) {
            co_await shield(happened.wait());
            co_await happened.wait();
        }
    });
}

}  // namespace
}  // namespace leat::testing
