#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"

// What tasks wait for: time, each other, threads and other loops.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

struct sleeping : scene {
    // Longer than the turns in which it must not end.
    static constexpr duration pause = 150ms;
    task<> wait() override { co_await sleep(pause); }
};
struct sleeping_until final : sleeping {
    task<> wait() override { co_await sleep_until(now() + pause); }  // check-idioms: allow sleep, it is what is tested
};
struct yielding final : scene {
    task<> wait() override { co_await yield(); }
};

/// Waits for an event, inside of something else.
struct inside : scene {
    event happened;
    int begun_inside = 0;
    int ended_inside = 0;
    void trigger() override { happened.set(); }
    task<> work() {
        struct leaving {
            ~leaving() { ++count; }
            int& count;
        } at_the_end{ended_inside};
        ++begun_inside;
        co_await happened.wait();
    }
    task<int> number(int n) {
        co_await work();
        co_return n;
    }
    /// Nothing outlives its scope.
    task<> check(ending) override {
        EXPECT_EQ(begun_inside, ended_inside);
        co_return;
    }
};
struct awaiting_a_task final : inside {
    task<> wait() override { EXPECT_EQ(co_await number(3), 3); }
};
struct joining final : inside {
    task<> wait() override {
        task_group group;
        for (int i = 0; i < 3; ++i) group.spawn(work());
        co_await group.join();
    }
};
struct in_a_group final : inside {
    task<> wait() override {
        auto body = [this](task_group& group) -> task<> {
            group.spawn(work());
            co_await work();
        };
        co_await with_group(body);
    }
};
struct gathering final : inside {
    event second;
    void trigger() override {
        happened.set();
        second.set();
    }
    task<> wait() override {
        auto both = co_await gather(number(4), second.wait());
        EXPECT_EQ(std::get<0>(both), 4);
    }
};
struct gathering_many final : inside {
    task<> wait() override {
        std::vector<task<int>> all;
        for (int i = 0; i < 3; ++i) all.push_back(number(i));
        auto values = co_await gather(std::move(all));
        EXPECT_EQ(values, (std::vector<int>{0, 1, 2}));
    }
};
struct racing final : inside {
    event never;
    task<> wait() override {
        auto first = co_await race(number(5), never.wait());
        EXPECT_EQ(first.index(), 0u);
    }
};
struct in_a_timeout final : inside {
    task<> wait() override { EXPECT_EQ(co_await timeout(1h, number(6)), 6); }
};
struct in_a_deadline final : inside {
    deadline until{now() + 1h};
    task<> wait() override { EXPECT_EQ(co_await timeout_at(until, number(6)), 6); }
    task<> check(ending) override {
        EXPECT_FALSE(until.expired());
        EXPECT_EQ(begun_inside, ended_inside);
        // It is free for another.
        happened.set();
        co_await timeout_at(until, happened.wait());
    }
};
struct under_a_shield final : inside {
    task<> wait() override { EXPECT_EQ(co_await shield(number(7)), 7); }
};
struct one_by_one final : inside {
    std::optional<completions<int>> all;
    std::vector<int> got;
    task<> prepare() override {
        std::vector<task<int>> tasks;
        tasks.push_back(number(8));
        tasks.push_back(number(9));
        all.emplace(std::move(tasks));
        co_return;
    }
    task<> wait() override {
        auto next = co_await all->next();
        got.push_back(*next);
    }
    task<> check(ending) override {
        trigger();
        while (auto next = co_await all->next()) got.push_back(*next);
        EXPECT_EQ(got, (std::vector<int>{8, 9}));
    }
};
struct for_each final : inside {
    std::vector<int> range{1, 2, 3, 4};
    task<> wait() override {
        auto each = [this](int) { return work(); };
        co_await parallel_for_each(range, 3, each);
    }
};
struct mapping final : inside {
    std::vector<int> range{1, 2, 3, 4};
    task<> wait() override {
        auto each = [this](int n) { return number(n); };
        EXPECT_EQ(co_await parallel_map(range, 3, each), range);
    }
};
struct generating final : inside {
    generator<int> numbers;
    std::optional<int> got;
    generator<int> made() {
        co_await work();
        co_yield 10;
    }
    task<> prepare() override {
        numbers = made();
        co_return;
    }
    task<> wait() override { got = co_await numbers.next(); }
    task<> check(ending how) override {
        // A cancellation that the body lets pass has ended it; a value that is there is not lost.
        trigger();
        auto next = co_await numbers.next();
        if (how == ending::stands) {
            EXPECT_EQ(got, 10);
        }
        if (got) {
            EXPECT_FALSE(next);
        }
        numbers = {};
        EXPECT_EQ(begun_inside, ended_inside);
    }
};

struct in_a_thread final : scene {
    struct shared {
        std::latch go{1};
        std::atomic<bool> inside = false;
        std::atomic<bool> returned = false;
    };
    std::shared_ptr<shared> both = std::make_shared<shared>();
    bool let_go = false;
    bool asked = false;
    bool begun() const override { return both->inside; }
    task<> wait() override {
        asked = true;
        auto body = [both = both] {
            both->inside = true;
            both->go.wait();
            both->returned = true;
            return 11;
        };
        EXPECT_EQ(co_await to_thread(body), 11);
    }
    void trigger() override {
        if (!std::exchange(let_go, true)) both->go.count_down();
    }
    task<> check(ending how) override {
        if (how != ending::dropped) {
            EXPECT_EQ(both->returned, how == ending::stands);
        }
        EXPECT_EQ(both->inside, both->returned);
        co_return;
    }
};

/// The task waits on a loop in another thread.
struct on_another_loop final : scene {
    std::thread thread;
    loop_handle there;
    event stop, happened;           // that loop's
    std::atomic<int> begun_there = 0;
    std::atomic<int> ended_there = 0;

    static task<> serve(on_another_loop& of, std::promise<loop_handle>& made) {
        made.set_value(running_loop());
        co_await of.stop.wait();
    }
    task<> prepare() override {
        std::promise<loop_handle> made;
        auto body = [&] { run(serve(*this, made), {.handle_signals = false}); };
        thread = std::thread{body};
        there = made.get_future().get();
        co_return;
    }
    ~on_another_loop() override {
        there.post([this] { stop.set(); });
        thread.join();
        EXPECT_EQ(begun_there, ended_there);
    }
    task<int> work() {
        struct leaving {
            ~leaving() { ++count; }
            std::atomic<int>& count;
        } at_the_end{ended_there};
        ++begun_there;
        co_await happened.wait();
        co_return 12;
    }
    bool begun() const override { return begun_there > 0; }
    task<> wait() override { EXPECT_EQ(co_await run_on(there, work()), 12); }
    void trigger() override {
        there.post([this] { happened.set(); });
    }
    task<> check(ending) override {
        EXPECT_EQ(begun_there, ended_there) << "it is waited for";
        co_return;
    }
};

}  // namespace

std::vector<matrix_row> task_rows() {
    constexpr auto group = "tasks";
    constexpr auto ended = "everything inside has ended";
    std::vector<matrix_row> rows{
        waiting_row<sleeping>(group, "sleep", ""),
        waiting_row<sleeping_until>(group, "sleep_until", ""),
        {group, "yield", make_scene<yielding>, outcome::throws, outcome::stands, outcome::never_waits, outcome::never_waits, "", {.ends_itself = true}},
        waiting_row<awaiting_a_task>(group, "co_await task", ended),
        waiting_row<joining>(group, "task_group::join", ended),
        waiting_row<in_a_group>(group, "with_group", ended),
        waiting_row<gathering>(group, "gather", ended),
        waiting_row<gathering_many>(group, "gather(vector)", ended),
        waiting_row<racing>(group, "race", ended),
        waiting_row<in_a_timeout>(group, "timeout", ended),
        waiting_row<in_a_deadline>(group, "timeout_at(deadline)", "everything inside has ended; the deadline is free"),
        {group, "shield", make_scene<under_a_shield>, outcome::stands, outcome::stands, outcome::stands, outcome::stands, ended, {.after_cancel = true}},
        waiting_row<one_by_one>(group, "completions::next", "no result is lost, the next calls give them"),
        waiting_row<for_each>(group, "parallel_for_each", ended),
        waiting_row<mapping>(group, "parallel_map", ended),
        waiting_row<generating>(group, "generator::next", "the body has ended; a value that was there is given by the next call"),
        {group, "to_thread", make_scene<in_a_thread>, outcome::throws, outcome::throws, outcome::stands, outcome::stands,
         "the call has not begun, or has returned", {.pool = true, .after_cancel = true, .blocks = true}},
        waiting_row<on_another_loop>(group, "run_on", "the task there has ended"),
    };
    rows.back().is.blocks = true;
    return rows;
}

}  // namespace leat::testing
