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

task<> append(std::string& to, char what) {
    to += what;
    co_return;
}
task<> fail(std::string why) {
    co_await yield();
    throw std::runtime_error(why);
}

TEST(TaskGroup, JoinWaitsForAll) {
    in_loop([]() -> task<> {
        std::string done;
        task_group group;
        for (char c : std::string{"abc"}) group.spawn(append(done, c));
        EXPECT_EQ(group.size(), 3u);
        EXPECT_EQ(done, "");  // a child starts at the loop's next turn
        co_await group.join();
        EXPECT_EQ(done, "abc");
        EXPECT_EQ(group.size(), 0u);
    }());
}

TEST(TaskGroup, JoinOfAnEmptyOneReturnsAtOnce) {
    in_loop([]() -> task<> {
        task_group group;
        co_await group.join();
    }());
}

TEST(TaskGroup, ASoleErrorIsRethrownAsItselfAndCancelsTheOthers) {
    in_loop([]() -> task<> {
        bool sibling_cancelled = false;
        auto sibling = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                sibling_cancelled = true;
                throw;
            }
        };
        task_group group;
        group.spawn(sibling());
        group.spawn(fail("alone"));
        std::string text;
        try {
            co_await group.join();
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "alone");
        EXPECT_TRUE(sibling_cancelled);
    }());
}

TEST(TaskGroup, SeveralErrorsAreAnErrorGroup) {
    in_loop([]() -> task<> {
        task_group group;
        group.spawn(fail("one"));
        group.spawn(fail("two"));
        std::vector<std::string> texts;
        try {
            co_await group.join();
        } catch (const error_group& e) {
            for (auto& each : e.errors()) texts.push_back(describe(each));
            EXPECT_STREQ(e.what(), "2 errors: one; two");
        }
        EXPECT_EQ(texts, (std::vector<std::string>{"one", "two"}));
    }());
}

TEST(TaskGroup, AnErrorOfTheCleanupIsKeptToo) {
    in_loop([]() -> task<> {
        auto bad_cleanup = []() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                throw std::runtime_error("cleanup");
            }
        };
        task_group group;
        group.spawn(bad_cleanup());
        group.spawn(fail("first"));
        auto outcome = co_await (group.join() | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(outcome.error().message(), "2 errors: first; cleanup");
    }());
}

TEST(TaskGroup, IsUsableAgainAfterJoin) {
    in_loop([]() -> task<> {
        std::string done;
        task_group group;
        group.spawn(append(done, 'a'));
        co_await group.join();
        group.spawn(fail("x"));
        auto failed = co_await (group.join() | as_result);
        EXPECT_FALSE(failed);
        group.spawn([&]() -> task<> {
            co_await yield();
            co_await append(done, 'b');
        });
        co_await group.join();
        EXPECT_EQ(done, "ab");
    }());
}

TEST(TaskGroup, AThrowBetweenSpawnAndJoinDestroysTheChildren) {
    std::string graves;
    EXPECT_EQ(thrown_by([&] {
        in_loop([&]() -> task<> {
            auto child = [&](char name) -> task<> {
                tombstone mine(graves, name);
                co_await sleep(1h);
            };
            task_group group;
            group.spawn(child('1'));
            group.spawn(child('2'));
            group.spawn([&]() -> task<> { co_await child('3'); });
            co_await settle();
            throw std::runtime_error("between");
        }());
    }), "between");
    EXPECT_EQ(graves, "321");
}

TEST(TaskGroup, AThrowBeforeTheChildrenStartedDestroysThem) {
    auto held = std::make_shared<int>();
    EXPECT_EQ(thrown_by([&] {
        in_loop([](std::shared_ptr<int> p) -> task<> {
            auto child = [](std::shared_ptr<int>) -> task<> { co_await sleep(1h); };
            task_group group;
            for (int i = 0; i < 100; ++i) group.spawn(child(p));
            throw std::runtime_error("before");
            co_return;
        }(held));
    }), "before");
    EXPECT_EQ(held.use_count(), 1);
}

TEST(TaskGroup, SpawnKeepsCapturesAndArguments) {
    in_loop([]() -> task<> {
        std::vector<std::string> seen;
        task_group group;
        {
            const std::string captured(100, 'c');
            const std::string given(100, 'g');
            group.spawn([captured, &seen]() -> task<> {
                co_await yield();
                seen.push_back(captured);
            });
            group.spawn([&seen](std::string text) -> task<> {
                co_await yield();
                seen.push_back(text);
            }, given);
            auto by_reference = [&seen](const std::string& text) -> task<> {
                co_await yield();
                seen.push_back(text);
            };
            group.spawn(by_reference, std::string(100, 'r'));
        }
        co_await group.join();
        EXPECT_EQ(seen, (std::vector<std::string>{std::string(100, 'c'), std::string(100, 'g'), std::string(100, 'r')}));
    }());
}

TEST(TaskGroup, AChildMaySpawnIntoItsOwnGroup) {
    in_loop([]() -> task<> {
        int count = 0;
        task_group group;
        auto child = [&](auto& self, int levels) -> task<> {
            ++count;
            if (levels > 0) {
                group.spawn(self(self, levels - 1));
                group.spawn(self(self, levels - 1));
            }
            co_return;
        };
        group.spawn(child(child, 5));
        co_await group.join();
        EXPECT_EQ(count, 63);
    }());
}

TEST(TaskGroup, OneSpawnedByAStrangerWhileJoinWakesIsWaitedFor) {
    in_loop([]() -> task<> {
        bool late_done = false;
        event last;
        task_group inner;
        auto late = [&]() -> task<> {
            co_await settle();
            late_done = true;
        };
        auto joiner = [&]() -> task<> {
            co_await inner.join();
            EXPECT_TRUE(late_done);
        };
        auto stranger = [&]() -> task<> {
            co_await last.wait();
            inner.spawn(late());
        };
        auto first = [&]() -> task<> {
            co_await yield();
            last.set();  // wakes the stranger before the join
        };
        task_group outer;
        outer.spawn(stranger());
        co_await yield();
        inner.spawn(first());
        outer.spawn(joiner());
        co_await outer.join();
        EXPECT_TRUE(late_done);
        co_await inner.join();
    }());
}

TEST(TaskGroup, CancelEndsTheChildrenAndJoinDoesNotThrow) {
    in_loop([]() -> task<> {
        task_group group;
        for (int i = 0; i < 10; ++i) group.spawn([]() -> task<> { co_await sleep(1h); });
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_EQ(group.size(), 0u);
    }());
}

TEST(TaskGroup, CancellationOfTheJoinReachesTheChildrenAndWaitsForThem) {
    in_loop([]() -> task<> {
        std::string steps;
        auto child = [&]() -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                steps += 'c';
            }
            co_await shield(yield());
            steps += 'e';
        };
        auto parent = [&]() -> task<> {
            task_group group;
            group.spawn(child());
            co_await group.join();
            steps += 'x';
        };
        task_group outer;
        outer.spawn(parent());
        co_await settle();
        outer.cancel();
        co_await outer.join();
        EXPECT_EQ(steps, "ce");
    }());
}

TEST(TaskGroup, ChildrenSpawnedInACancelledScopeStartCancelled) {
    in_loop([]() -> task<> {
        std::string steps;
        auto parent = [&]() -> task<> {
            task_group group;
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
            }
            group.spawn([&]() -> task<> {
                steps += 's';
                co_await sleep(1h);
                steps += 'x';
            });
            co_await group.join();
            steps += 'y';
        };
        task_group outer;
        outer.spawn(parent());
        co_await settle();
        outer.cancel();
        co_await outer.join();
        EXPECT_EQ(steps, "s");
    }());
}

TEST(TaskGroup, TwoJoinsAtOnceAreALogicError) {
    in_loop([]() -> task<> {
        task_group group;
        group.spawn([]() -> task<> { co_await settle(); });
        task_group joiners;
        joiners.spawn([&]() -> task<> { co_await group.join(); });
        co_await yield();
        bool refused = false;
        try {
            co_await group.join();
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        co_await joiners.join();
    }());
}

TEST(TaskGroup, OutsideRunItIsALogicError) {
    auto held = std::make_shared<int>();
    EXPECT_EQ(thrown_by([&] {
        task_group group;
        group.spawn([](std::shared_ptr<int>) -> task<> { co_return; }(held));
    }), "leat: used outside leat::run");
    EXPECT_EQ(held.use_count(), 1);
}

TEST(TaskGroup, AHundredThousandChildrenWaitingInOneQueueAreCancelledInNoTime) {
    in_loop([]() -> task<> {
        event never;
        task_group group;
        for (int i = 0; i < 100'000; ++i) group.spawn([&never]() -> task<> { co_await never.wait(); });
        co_await settle();
        group.cancel();
        co_await group.join();
    }());
}

}  // namespace
}  // namespace leat::testing
