#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"

// What guards and carries things between tasks.

namespace leat::testing {
namespace {

struct waiting_for_an_event final : scene {
    event happened;
    task<> wait() override { co_await happened.wait(); }
    task<> ahead() override { co_await happened.wait(); }
    void trigger() override { happened.set(); }
};

struct acquiring final : scene {
    semaphore slots{1};
    semaphore_slot held;
    task<> prepare() override { held = co_await slots.acquire(); }
    task<> wait() override { auto slot = co_await slots.acquire(); }
    task<> ahead() override { auto slot = co_await slots.acquire(); }
    void trigger() override { held.release(); }
    task<> check(ending) override {
        held.release();
        EXPECT_EQ(slots.available(), 1u);
        co_await wait();
        EXPECT_EQ(slots.available(), 1u);
    }
};

struct locking final : scene {
    mutex m;
    mutex_lock held;
    task<> prepare() override { held = co_await m.lock(); }
    task<> wait() override { auto lock = co_await m.lock(); }
    task<> ahead() override { auto lock = co_await m.lock(); }
    void trigger() override { held.unlock(); }
    task<> check(ending) override {
        held.unlock();
        EXPECT_FALSE(m.locked());
        co_await wait();
        EXPECT_FALSE(m.locked());
    }
};

struct waiting_for_a_change : scene {
    mutex m;
    condition changed{m};
    bool ready = false;
    int through = 0;
    task<> wait() override {
        auto lock = co_await m.lock();
        co_await changed.wait(lock);
        EXPECT_TRUE(lock.owns());
        ++through;
    }
    task<> ahead() override { co_await wait(); }
    void trigger() override {
        ready = true;
        changed.notify();
    }
    task<> check(ending) override {
        EXPECT_FALSE(m.locked());
        // A notification that nobody took does not stay; one that comes now does reach the next waiter.
        task_group group;
        group.spawn(again());
        co_await yield();
        co_await yield();
        changed.notify();
        co_await group.join();
    }
    task<> again() {
        auto lock = co_await m.lock();
        co_await changed.wait(lock);
    }
};
struct waiting_for_a_state final : waiting_for_a_change {
    task<> wait() override {
        auto lock = co_await m.lock();
        auto is_ready = [this] { return ready; };
        co_await changed.wait_for(lock, is_ready);
        EXPECT_TRUE(lock.owns());
    }
};
struct at_a_barrier final : scene {
    barrier both{2};
    std::optional<task_group> other;
    bool sent = false;
    task<> prepare() override {
        other.emplace();
        co_return;
    }
    static task<> arrive(barrier& at) { co_await at.wait(); }
    task<> wait() override { co_await both.wait(); }
    void trigger() override {
        if (!std::exchange(sent, true)) other->spawn(arrive(both));
    }
    task<> check(ending) override {
        // Whoever is there waits for one more.
        co_await yield();
        co_await yield();
        if (both.waiting() > 0) co_await both.wait();
        EXPECT_EQ(both.waiting(), 0u);
        co_await other->join();
    }
};

template <class Queue>
struct putting : scene {
    Queue items{1};
    std::vector<int> got;
    task<> prepare() override { co_await items.put(1); }
    task<> wait() override { co_await items.put(2); }
    task<> ahead() override { co_await items.put(3); }
    void trigger() override {
        if (!got.empty()) return;
        got.push_back(*items.try_get());
    }
    task<> check(ending how) override {
        while (auto item = items.try_get()) got.push_back(*item);
        EXPECT_EQ(std::count(got.begin(), got.end(), 1), 1);
        if (how != ending::dropped) {
            EXPECT_EQ(std::count(got.begin(), got.end(), 2), how == ending::stands ? 1 : 0);
        }
        co_await items.put(4);
        EXPECT_EQ(items.try_get(), 4);
    }
};
template <class Queue>
struct getting : scene {
    Queue items{3};
    std::vector<int> got;
    int sent = 0;
    task<> wait() override {
        auto item = co_await items.get();
        got.push_back(*item);
    }
    task<> ahead() override { co_await wait(); }
    void trigger() override {
        if (sent > 0) return;
        EXPECT_TRUE(items.try_put(++sent));
    }
    task<> check(ending) override {
        while (auto item = items.try_get()) got.push_back(*item);
        EXPECT_EQ(got.size(), static_cast<std::size_t>(sent)) << "no item is lost, and none comes twice";
        EXPECT_TRUE(items.try_put(9));
        EXPECT_EQ(co_await items.get(), 9);
    }
};
struct joining_a_queue final : scene {
    queue<int> items{1};
    bool done = false;
    task<> prepare() override {
        co_await items.put(1);
        co_await items.get();
    }
    task<> wait() override { co_await items.join(); }
    void trigger() override {
        if (!std::exchange(done, true)) items.task_done();
    }
    task<> check(ending) override {
        trigger();
        co_await items.join();
    }
};

struct sending final : scene {
    channel<int> items{1};
    std::vector<int> got;
    task<> prepare() override { co_await items.send(1); }
    task<> wait() override { co_await items.send(2); }
    task<> ahead() override { co_await items.send(3); }
    void trigger() override {
        if (got.empty()) got.push_back(*items.try_receive());
    }
    task<> check(ending how) override {
        while (auto item = items.try_receive()) got.push_back(*item);
        EXPECT_EQ(std::count(got.begin(), got.end(), 1), 1);
        if (how != ending::dropped) {
            EXPECT_EQ(std::count(got.begin(), got.end(), 2), how == ending::stands ? 1 : 0);
        }
        co_await items.send(4);
        EXPECT_EQ(items.try_receive(), 4);
    }
};
struct receiving final : scene {
    channel<int> items{3};
    std::vector<int> got;
    int sent = 0;
    task<> wait() override {
        auto item = co_await items.receive();
        got.push_back(*item);
    }
    task<> ahead() override { co_await wait(); }
    void trigger() override {
        if (sent > 0) return;
        EXPECT_TRUE(items.try_send(++sent));
    }
    task<> check(ending) override {
        while (auto item = items.try_receive()) got.push_back(*item);
        EXPECT_EQ(got.size(), static_cast<std::size_t>(sent)) << "no item is lost, and none comes twice";
        EXPECT_TRUE(items.try_send(9));
        EXPECT_EQ(co_await items.receive(), 9);
    }
};

struct at_a_rate final : scene {
    rate_limit calls{1.0 / 3600, 1};
    bool hurried = false;
    task<> prepare() override { co_await calls.acquire(); }
    task<> wait() override { co_await calls.acquire(); }
    task<> ahead() override { co_await calls.acquire(); }
    void trigger() override {
        hurried = true;
        calls.set_rate(1e6, 1);
    }
    task<> check(ending) override {
        EXPECT_GE(calls.available(), -0.001) << "a token was taken";
        trigger();
        co_await calls.acquire();
    }
};

}  // namespace

std::vector<matrix_row> sync_rows() {
    constexpr auto group = "between tasks";
    constexpr auto put = "the item was put, or never; the others are all there; may be called again";
    constexpr auto got = "no item is lost; may be called again";
    return {
        queued_row<waiting_for_an_event>(group, "event::wait", "may be called again"),
        queued_row<acquiring>(group, "semaphore::acquire", "no place is lost; may be called again"),
        queued_row<locking>(group, "mutex::lock", "the mutex is free; may be called again"),
        queued_row<waiting_for_a_change>(group, "condition::wait", "the mutex is free, the next notification arrives; may be called again"),
        queued_row<waiting_for_a_state>(group, "condition::wait_for", "the same"),
        waiting_row<at_a_barrier>(group, "barrier::wait", "the others wait for one more"),
        queued_row<putting<queue<int>>>(group, "queue::put", put),
        queued_row<getting<queue<int>>>(group, "queue::get", got),
        queued_row<putting<lifo_queue<int>>>(group, "lifo_queue::put", put),
        queued_row<getting<lifo_queue<int>>>(group, "lifo_queue::get", got),
        queued_row<putting<priority_queue<int>>>(group, "priority_queue::put", put),
        queued_row<getting<priority_queue<int>>>(group, "priority_queue::get", got),
        waiting_row<joining_a_queue>(group, "queue::join", "may be called again"),
        queued_row<sending>(group, "channel::send", "the item was sent, or never; the others are all there; may be called again"),
        queued_row<receiving>(group, "channel::receive", got),
        queued_row<at_a_rate>(group, "rate_limit::acquire", "no token was taken; may be called again"),
    };
}

}  // namespace leat::testing
