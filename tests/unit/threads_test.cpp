#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>  // check-idioms: allow thread, which loop a task runs on is the subject
#include <utility>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
using thread_id = std::thread::id;  // check-idioms: allow thread

thread_id here() { return std::this_thread::get_id(); }

TEST(RunThreads, CallsTheCallableOnceOnEachLoop) {
    guard limit;
    std::mutex mutex;
    std::set<thread_id> threads;
    std::set<std::size_t> indices;
    auto main = [&](std::size_t index) -> task<> {
        co_await yield();
        std::lock_guard lock{mutex};
        threads.insert(here());
        indices.insert(index);
        EXPECT_EQ(sibling_loops().size(), 4U);
        EXPECT_TRUE(running_loop().is_running_here());
    };
    EXPECT_EQ(leat::run(main, {.threads = 4}), 0);
    EXPECT_EQ(threads.size(), 4U);
    EXPECT_TRUE(threads.contains(here()));
    EXPECT_EQ(indices, (std::set<std::size_t>{0, 1, 2, 3}));
}

TEST(RunThreads, ZeroMeansOneForEachUsableCore) {
    guard limit;
    std::atomic<int> loops = 0;
    cpu_set_t usable;
    ASSERT_EQ(::sched_getaffinity(0, sizeof usable, &usable), 0);
    auto main = [&]() -> task<> {
        ++loops;
        co_return;
    };
    EXPECT_EQ(leat::run(main, {.threads = 0}), 0);
    EXPECT_EQ(loops, CPU_COUNT(&usable));
}

TEST(RunThreads, GivesTheFirstStatusThatIsNotZero) {
    guard limit;
    auto main = [](std::size_t index) -> task<int> {
        co_await yield();
        co_return index == 0 ? 0 : static_cast<int>(index) * 10;
    };
    EXPECT_EQ(leat::run(main, {.threads = 3}), 10);
}

TEST(RunThreads, AnErrorOfOneCancelsTheOthers) {
    const auto outcome = in_child([](int) {
        log::set_level(log::level::off);
        std::atomic<int> cancelled_ones = 0;
        auto main = [&](std::size_t index) -> task<> {
            if (index == 1) throw std::runtime_error("number one gave up");
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                ++cancelled_ones;
            }
        };
        const int status = leat::run(main, {.threads = 3});
        return status == 1 && cancelled_ones == 2 ? 7 : 8;
    });
    EXPECT_EQ(outcome.exit_status, 7);
    EXPECT_NE(outcome.errors.find("leat: uncaught error: number one gave up\n"), std::string::npos) << outcome.errors;
}

TEST(RunThreads, ASignalReachesEveryLoop) {
    const auto outcome = in_child(
        [](int ready) {
            std::atomic<int> waiting = 0;
            std::atomic<int> cancelled_ones = 0;
            auto main = [&]() -> task<> {
                if (++waiting == 3) say_ready(ready);
                try {
                    co_await sleep(1h);
                } catch (const cancelled&) {
                    ++cancelled_ones;
                    throw;
                }
            };
            const int status = leat::run(main, {.threads = 3});
            return cancelled_ones == 3 ? status : 99;
        },
        [](pid_t child) { ::kill(child, SIGTERM); });
    EXPECT_EQ(outcome.exit_status, 143);
}

TEST(RunThreads, WhatTheCallableThrowsBeforeItReturnsATaskComesOut) {
    guard limit;
    auto main = [](std::size_t index) -> task<> {
        if (index == 2) throw std::runtime_error("no task of mine");
        return []() -> task<> { co_await sleep(1h); }();
    };
    EXPECT_EQ(thrown_by([&] { leat::run(main, {.threads = 3}); }), "no task of mine");
}

TEST(RunThreads, ATaskRunsOnOneLoopOnly) {
    auto nothing = []() -> task<> { co_return; };
    EXPECT_NE(thrown_by([&] { leat::run(nothing(), {.threads = 2}); }).find("give a callable"), std::string::npos);
}

/// The kernel spreads connections over the loops that share the port.
TEST(RunThreads, ServersShareAPort) {
    guard limit;
    constexpr int clients = 64;
    std::mutex mutex;
    std::set<std::uint32_t> served_by;
    std::atomic<int> served = 0;
    std::atomic<int> listening = 0;
    channel<std::uint16_t> port_of_first{4};
    auto main = [&](std::size_t index) -> task<> {
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto line = co_await reader.read_line();
            {
                std::lock_guard lock{mutex};
                served_by.insert(running_loop().number());
            }
            co_await writer.write(*line);
            co_await writer.close();
            ++served;
        };
        std::uint16_t port = 0;
        if (index != 0) port = *co_await port_of_first.receive();
        auto server = co_await start_server(handler, {"127.0.0.1", port}, {.reuse_port = true});
        if (index == 0) {
            for (int i = 0; i < 3; ++i) co_await port_of_first.send(server.address().port());
        }
        // Everybody listens before anybody connects, or the first would get them all.
        ++listening;
        while (listening.load() < 4) co_await sleep(100us);
        if (index == 0) {
            for (int i = 0; i < clients; ++i) {
                auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
                co_await writer.write("hello\n");
                auto reply = co_await reader.read_line();
                EXPECT_EQ(reply.value_or(""), "hello\n");
            }
            listening = 100;
        }
        while (listening.load() < 100) co_await sleep(100us);
        co_await server.close();
    };
    EXPECT_EQ(leat::run(main, {.threads = 4}), 0);
    EXPECT_EQ(served, clients);
    EXPECT_GT(served_by.size(), 1U);
}

// ---------------------------------------------------------------------------------------------------------------------

task<thread_id> where_am_i() {
    co_await yield();
    co_return here();
}

TEST(RunOn, RunsTheTaskOnTheOtherLoopAndBringsItsValue) {
    guard limit;
    auto main = [](std::size_t index) -> task<> {
        if (index != 0) co_return;
        std::set<thread_id> threads;
        for (auto& loop : sibling_loops()) threads.insert(co_await run_on(loop, where_am_i()));
        EXPECT_EQ(threads.size(), 3U);
        EXPECT_TRUE(threads.contains(here()));
    };
    EXPECT_EQ(leat::run(main, {.threads = 3}), 0);
}

TEST(RunOn, BringsErrorsWithTheirChain) {
    const auto outcome = in_child([](int) {
        log::set_level(log::level::off);
        auto fails = []() -> task<> {
            co_await yield();
            throw std::runtime_error("went wrong over there");
        };
        auto main = [&](std::size_t index) -> task<> {
            if (index != 0) co_return;
            co_await run_on(sibling_loops().back(), fails());
        };
        return leat::run(main, {.threads = 2});
    });
    EXPECT_EQ(outcome.exit_status, 1);
    EXPECT_NE(outcome.errors.find("uncaught error: went wrong over there\n"), std::string::npos) << outcome.errors;
    const auto first = outcome.errors.find("threads_test.cpp:");
    ASSERT_NE(first, std::string::npos) << outcome.errors;
    EXPECT_NE(outcome.errors.find("threads_test.cpp:", first + 1), std::string::npos) << outcome.errors;
}

TEST(RunOn, TheSameLoopWillDo) {
    in_loop([]() -> task<> {
        EXPECT_EQ(co_await run_on(running_loop(), where_am_i()), here());
        auto forever = []() -> task<> { co_await sleep(1h); };
        bool timed_out = false;
        try {
            co_await timeout(1ms, run_on(running_loop(), forever()));
        } catch (const timeout_error&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        {
            task_group dropped;  // with the call in it
            auto call = [&]() -> task<> { co_await run_on(running_loop(), forever()); };
            dropped.spawn(call);
            co_await settle();
        }
    }());
}

TEST(RunOn, CancellationGoesThereAndIsWaitedFor) {
    guard limit;
    std::atomic<bool> cleaned_up = false;
    auto waits = [&]() -> task<> {
        bool was_cancelled = false;
        try {
            co_await sleep(1h);
        } catch (const cancelled&) {
            was_cancelled = true;
        }
        if (was_cancelled) co_await shield(sleep(1ms));
        cleaned_up = true;
        throw cancelled{};
    };
    auto main = [&](std::size_t index) -> task<> {
        if (index != 0) co_return;
        bool timed_out = false;
        try {
            co_await timeout(1ms, run_on(sibling_loops().back(), waits()));
        } catch (const timeout_error&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        EXPECT_TRUE(cleaned_up);
    };
    EXPECT_EQ(leat::run(main, {.threads = 2}), 0);
}

/// Notes where it dies.
struct dies_on {
    thread_id* where;
    explicit dies_on(thread_id* place) : where(place) {}
    dies_on(const dies_on&) = delete;
    ~dies_on() { *where = here(); }
};

TEST(RunOn, DestroyingTheWaitingTaskDestroysTheOtherOnItsOwnThread) {
    guard limit;
    auto main = [](std::size_t index) -> task<> {
        if (index != 0) co_return;
        const auto other = sibling_loops().back();
        for (int round = 0; round < 60; ++round) {
            thread_id died_on{};
            std::atomic<bool> begun = false;
            auto waits = [&]() -> task<> {
                dies_on note{&died_on};
                begun = true;
                co_await sleep(1h);
            };
            {
                task_group dropped;
                auto call = [&]() -> task<> { co_await run_on(other, waits()); };
                dropped.spawn(call);
                co_await yield();
                co_await yield();
                // Half of the rounds destroy it at some moment of its journey, the others when it waits over there.
                while (round % 2 == 0 && !begun) co_await yield();
            }
            EXPECT_EQ(died_on != thread_id{} && died_on != here(), begun.load());
            EXPECT_TRUE(begun || round % 2 != 0);
        }
    };
    EXPECT_EQ(leat::run(main, {.threads = 2}), 0);
}

/// Each loop runs calls on the other and drops them at once: both block for each other, and must serve each other meanwhile.
TEST(RunOn, LoopsThatDropEachOthersTasksDoNotWaitForEver) {
    guard limit;
    auto main = [](std::size_t index) -> task<> {
        const auto other = sibling_loops()[1 - index];
        for (int round = 0; round < 40; ++round) {
            std::atomic<bool> begun = false;
            auto inner = [&]() -> task<> {
                begun = true;
                co_await sleep(1h);
            };
            auto waits = [&, home = running_loop()]() -> task<> { co_await run_on(home, inner()); };
            task_group dropped;
            for (int i = 0; i < 4; ++i) {
                auto call = [&]() -> task<> { co_await run_on(other, waits()); };
                dropped.spawn(call);
            }
            for (int i = 0; i < round % 7; ++i) co_await yield();
            if (round % 3 == 0)
                while (!begun) co_await yield();
        }
    };
    EXPECT_EQ(leat::run(main, {.threads = 2}), 0);
}

TEST(RunOn, ManyCallsFromEveryLoopToEveryLoop) {
    guard limit;
    std::atomic<int> done = 0;
    auto one = [&](int n) -> task<int> {
        co_await yield();
        ++done;
        co_return n + 1;
    };
    auto main = [&]() -> task<> {
        task_group group;
        for (int i = 0; i < 500; ++i) {
            auto call = [&, i]() -> task<> {
                const auto all = sibling_loops();
                EXPECT_EQ(co_await run_on(all[static_cast<std::size_t>(i) % all.size()], one(i)), i + 1);
            };
            group.spawn(call);
        }
        co_await group.join();
    };
    EXPECT_EQ(leat::run(main, {.threads = 3}), 0);
    EXPECT_EQ(done, 1500);
}

TEST(RunOn, ALoopThatHasEndedIsAnError) {
    loop_handle ended;
    in_loop([](loop_handle& keep) -> task<> {
        keep = running_loop();
        co_return;
    }(ended));
    in_loop([](loop_handle gone) -> task<> {
        std::string text;
        try {
            co_await run_on(gone, where_am_i());
        } catch (const error& e) {
            text = e.what();
        }
        EXPECT_NE(text.find("the loop has ended"), std::string::npos) << text;
        EXPECT_FALSE(gone.post([] {}));
    }(ended));
}

/// When it dies, its thread and another one set off together.
class starting_shot {
public:
    starting_shot(std::atomic<int>& there, std::atomic<int>& here, int number) noexcept : there_(&there), here_(&here), number_(number) {}
    starting_shot(starting_shot&& other) noexcept : there_(std::exchange(other.there_, nullptr)), here_(other.here_), number_(other.number_) {}
    ~starting_shot() {
        if (!there_) return;
        *there_ = number_;
        while (*here_ < number_) ::sched_yield();
    }

private:
    std::atomic<int>* there_;
    std::atomic<int>* here_;
    int number_;
};

/// One loop ends and refuses what it has not begun, one call after the other; each time a posted callable that it drops just before tells the
/// loop that waits for the call, which gives it up at that moment: some are met on their way back.
TEST(RunOn, ACallThatAnEndingLoopRefusesMayBeGivenUpMeanwhile) {
    guard limit;
    constexpr int calls = 3000;
    // Until both threads have ended: the other one looks at them behind the last call.
    std::atomic<int> refused = -1;
    std::atomic<int> dropped = -1;
    struct counted {
        explicit counted(int& living) noexcept : count(living) { ++count; }
        counted(const counted& other) noexcept : counted(other.count) {}
        ~counted() { --count; }
        int& count;
    };
    int living = 0;
    std::atomic<const loop_handle*> ending = nullptr;
    std::atomic<bool> may_end = false;
    std::thread other([&] {  // check-idioms: allow thread, a loop that ends while the other goes on
        auto main = [&]() -> task<> {
            const loop_handle self = running_loop();
            ending = &self;
            ending.notify_one();
            may_end.wait(false);  // holds the loop: none of the calls begins
            co_return;
        };
        leat::run(main(), {.handle_signals = false});
    });
    auto main = [&]() -> task<> {
        ending.wait(nullptr);
        const loop_handle there = *ending.load();
        auto never = [](counted) -> task<> { co_return; };
        auto call = [&]() -> task<> {
            const counted mine{living};
            task<> inner = never(mine);
            co_await run_on(there, std::move(inner));
        };
        std::deque<task_group> waiting;
        for (int i = 0; i < calls; ++i) {
            EXPECT_TRUE(there.post([shot = starting_shot{refused, dropped, i}] {}));
            waiting.emplace_back().spawn(call);
            co_await settle(2);  // its letter is behind the callable
        }
        EXPECT_EQ(living, 2 * calls);
        may_end = true;
        may_end.notify_one();
        for (int i = 0; i < calls; ++i) {
            dropped = i;
            while (refused < i) ::sched_yield();
            for (std::atomic<int> pause = 0; pause < i % 50 * 4; ++pause) {}  // another moment each time
            waiting.pop_front();
        }
    };
    in_loop(main());
    other.join();
    EXPECT_EQ(living, 0);
}

TEST(LoopHandle, PostedCallablesRunOnTheLoopInTheirOrder) {
    guard limit;
    std::string order;
    thread_id loop_thread{};
    auto main = [&]() -> task<> {
        event all_there;
        loop_thread = here();
        const auto loop = running_loop();
        auto post_from_thread = [&] {
            for (char letter = 'a'; letter <= 'z'; ++letter)
                loop.post([&, letter] {
                    EXPECT_EQ(here(), loop_thread);
                    order += letter;
                });
            loop.post([] { throw std::runtime_error("logged, and no more"); });
            loop.post([&] { all_there.set(); });
        };
        co_await to_thread(post_from_thread);
        co_await all_there.wait();
    };
    in_loop(main());
    EXPECT_EQ(order, "abcdefghijklmnopqrstuvwxyz");
}

TEST(LoopHandle, WhatIsPostedTooLateIsDestroyedUncalled) {
    auto token = std::make_shared<int>(1);
    in_loop([](std::shared_ptr<int> held) -> task<> {
        running_loop().post([held] { ADD_FAILURE() << "called after the end"; });
        co_return;
    }(token));
    EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace leat::testing
