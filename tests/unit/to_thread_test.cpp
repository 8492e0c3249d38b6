#include "leat/task/to_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>  // check-idioms: allow thread, only thread ids are compared

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

int add(int a, int b) { return a + b; }
std::string shout(const std::string& text) { return text + "!"; }

TEST(ToThread, GivesTheResult) {
    in_loop([]() -> task<> {
        EXPECT_EQ(co_await to_thread(add, 2, 3), 5);
        EXPECT_EQ(co_await to_thread(shout, std::string{"hey"}), "hey!");
        EXPECT_EQ(co_await to_thread([] { return 9; }), 9);
    }());
}

TEST(ToThread, RunsInAnotherThread) {
    in_loop([]() -> task<> {
        const auto other = co_await to_thread([] { return std::this_thread::get_id(); });
        EXPECT_NE(other, std::this_thread::get_id());
    }());
}

TEST(ToThread, TakesWhatCanOnlyBeMoved) {
    in_loop([]() -> task<> {
        auto owned = std::make_unique<int>(4);
        auto twice = [](std::unique_ptr<int> p) { return std::make_unique<int>(*p * 2); };
        auto result = co_await to_thread(twice, std::move(owned));
        EXPECT_EQ(*result, 8);
    }());
}

TEST(ToThread, RethrowsTheException) {
    in_loop([]() -> task<> {
        auto fails = []() -> int { throw std::runtime_error("in the thread"); };
        std::string text;
        try {
            co_await to_thread(fails);
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "in the thread");
        auto outcome = co_await (to_thread(fails) | as_result);
        EXPECT_EQ(outcome.error().message(), "in the thread");
    }());
}

TEST(ToThread, DoesNotHoldTheLoop) {
    in_loop([]() -> task<> {
        std::latch go{1};
        auto blocks = [&go] { go.wait(); };
        auto releases = [&go]() -> task<> {
            co_await sleep(1ms);
            go.count_down();
        };
        co_await gather(to_thread(blocks), releases());
    }());
}

TEST(ToThread, AHundredAtOnceAllEnd) {
    in_loop([]() -> task<> {
        std::atomic<int> count{0};
        auto body = [&count] { ++count; };
        auto one = [&]() -> task<> { co_await to_thread(body); };
        task_group group;
        for (int i = 0; i < 300; ++i) group.spawn(one());
        co_await group.join();
        EXPECT_EQ(count, 300);
    }());
}

/// Holds every thread of the pool until it is told to let go.
struct full_pool {
    std::latch running{64};
    std::latch go{1};
    task<> hold() {
        auto body = [this] {
            running.count_down();
            go.wait();
        };
        task_group group;
        auto one = [&]() -> task<> { co_await to_thread(body); };
        for (int i = 0; i < 64; ++i) group.spawn(one());
        co_await group.join();
    }
};

TEST(ToThread, CancelledBeforeItsStartItIsDropped) {
    in_loop([]() -> task<> {
        full_pool pool;
        task_group holders;
        holders.spawn([&]() -> task<> { co_await pool.hold(); });
        co_await settle();
        pool.running.wait();
        bool called = false;
        auto body = [&called] { called = true; };
        auto outcome = co_await (timeout(1ms, to_thread(body)) | as_result);
        EXPECT_FALSE(outcome);
        {
            task_group doomed;
            doomed.spawn([&]() -> task<> { co_await to_thread(body); });
            co_await settle();
        }
        pool.go.count_down();
        co_await holders.join();
        EXPECT_FALSE(called);
    }());
}

TEST(ToThread, OneThatRunsIsWaitedForAndItsResultStands) {
    in_loop([]() -> task<> {
        std::latch started{1};
        std::latch go{1};
        auto body = [&] {
            started.count_down();
            go.wait();
            return 6;
        };
        int result = 0;
        auto child = [&]() -> task<> { result = co_await to_thread(body); };
        task_group group;
        group.spawn(child());
        co_await settle();
        started.wait();
        group.cancel();
        go.count_down();
        co_await group.join();
        EXPECT_EQ(result, 6);
    }());
}

TEST(ToThread, DestructionWaitsForTheCall) {
    in_loop([]() -> task<> {
        std::latch started{1};
        std::atomic<bool> finished{false};
        auto held = std::make_shared<std::string>(1000, 'x');
        {
            task_group group;
            group.spawn([&started, &finished](std::shared_ptr<std::string> mine) -> task<> {
                auto body = [&started, &finished, text = mine.get()] {
                    started.count_down();
                    for (int i = 0; i < 100'000; ++i) text->at(static_cast<std::size_t>(i % 1000)) = 'y';
                    finished = true;
                };
                co_await to_thread(body);
            }, held);
            co_await settle();
            started.wait();
        }
        EXPECT_TRUE(finished);
        EXPECT_EQ(held.use_count(), 1);
        co_return;
    }());
}

TEST(ToThread, InACancelledScopeItDoesNotBegin) {
    in_loop([]() -> task<> {
        bool called = false;
        auto body = [&called] { called = true; };
        task_group group;
        group.spawn([&]() -> task<> { co_await to_thread(body); });
        group.cancel();
        co_await group.join();
        EXPECT_FALSE(called);
    }());
}

}  // namespace
}  // namespace leat::testing
