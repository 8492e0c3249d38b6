#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "leat/leat.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Timeout, AResultInTimeIsReturned) {
    in_loop([]() -> task<> {
        auto seven = []() -> task<int> {
            co_await yield();
            co_return 7;
        };
        EXPECT_EQ(co_await timeout(1h, seven()), 7);
        auto ready = []() -> task<int> { co_return 8; };
        EXPECT_EQ(co_await timeout(0s, ready()), 8);
    }());
}

TEST(Timeout, ThrowsWhenItsTimerFired) {
    in_loop([]() -> task<> {
        std::string text;
        try {
            co_await timeout(3ms, sleep(1h));
        } catch (const timeout_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "timed out after 3 ms");
    }());
}

TEST(Timeout, ItsOwnExceptionsPass) {
    in_loop([]() -> task<> {
        auto fails = []() -> task<> {
            co_await yield();
            throw std::runtime_error("mine");
        };
        auto outcome = co_await (timeout(1h, fails()) | as_result);
        EXPECT_EQ(outcome.error().message(), "mine");
    }());
}

TEST(Timeout, OfTwoTheOneWhoseTimerFiredThrows) {
    in_loop([]() -> task<> {
        std::string who;
        auto inner_short = [&]() -> task<> {
            try {
                co_await timeout(1ms, sleep(1h));
            } catch (const timeout_error&) {
                who += 'i';
            }
        };
        co_await timeout(1h, inner_short());
        EXPECT_EQ(who, "i");
        auto inner_long = [&]() -> task<> {
            try {
                co_await timeout(1h, sleep(1h));
            } catch (const timeout_error&) {
                who += 'x';
            } catch (const cancelled&) {
                who += 'c';
                throw;
            }
        };
        auto outcome = co_await (timeout(1ms, inner_long()) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(who, "ic");
    }());
}

TEST(Timeout, CancellationFromOutsideIsNoTimeout) {
    in_loop([]() -> task<> {
        std::string who;
        auto child = [&]() -> task<> {
            try {
                co_await timeout(1h, sleep(1h));
            } catch (const timeout_error&) {
                who += 't';
            } catch (const cancelled&) {
                who += 'c';
                throw;
            }
        };
        task_group group;
        group.spawn(child());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(who, "c");
    }());
}

TEST(Timeout, CancellationFromOutsideWinsOverItsTimer) {
    in_loop([]() -> task<> {
        std::string who;
        event fired;
        auto slow_to_end = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                fired.set();
            }
            co_await shield(settle(32));
            throw cancelled{};
        };
        auto child = [&]() -> task<> {
            try {
                co_await timeout(1ms, slow_to_end());
            } catch (const timeout_error&) {
                who += 't';
            } catch (const cancelled&) {
                who += 'c';
                throw;
            }
        };
        task_group group;
        group.spawn(child());
        co_await fired.wait();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(who, "c");
    }());
}

TEST(Timeout, AResultReachedAllTheSameWins) {
    in_loop([]() -> task<> {
        auto stubborn = []() -> task<int> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
            }
            co_return 5;
        };
        EXPECT_EQ(co_await timeout(1ms, stubborn()), 5);
    }());
}

TEST(Timeout, TheInsideIsWaitedFor) {
    in_loop([]() -> task<> {
        bool cleaned = false;
        auto careful = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
            }
            co_await shield(settle());
            cleaned = true;
            throw cancelled{};
        };
        auto outcome = co_await (timeout(1ms, careful()) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_TRUE(cleaned);
    }());
}

TEST(Timeout, NoneIsTooLong) {
    in_loop([]() -> task<> {
        EXPECT_EQ(co_await timeout(duration::max(), []() -> task<int> {
            co_await sleep(1ms);
            co_return 1;
        }()), 1);
    }());
}

TEST(Timeout, ZeroAndLessTimeOutWhatDoesNotEndAtOnce) {
    in_loop([]() -> task<> {
        for (auto limit : {duration{0}, duration{-5s}, duration::min()}) {
            auto outcome = co_await (timeout(limit, sleep(1h)) | as_result);
            EXPECT_FALSE(outcome);
        }
    }());
}

TEST(Timeout, AMillionThatNeverFireDoNotGrowTheStack) {
    in_loop([]() -> task<> {
        auto at_once = []() -> task<> { co_return; };
        for (int i = 0; i < 200'000; ++i) co_await timeout(1h, at_once());
    }());
}

}  // namespace
}  // namespace leat::testing
