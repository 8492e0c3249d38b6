#include "task/timer_heap.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace leat::detail {
namespace {

using namespace std::chrono_literals;

struct noted final : timer {
    void expired() noexcept override {
        order->push_back(when);
        ++fired;
    }
    std::vector<time_point>* order = nullptr;
    time_point when;
    int fired = 0;
};

/// Timers that are not disarmed through a loop: the heap must have let go of them.
struct timers {
    explicit timers(std::size_t count) : all(count) {
        for (auto& t : all) t.order = &order;
    }
    std::vector<time_point> order;
    std::vector<noted> all;
};

TEST(TimerHeap, AMillionFireInOrder) {
    constexpr int count = 1'000'000;
    std::mt19937_64 random(1);
    timers many(count);
    timer_heap heap;
    for (auto& t : many.all) {
        t.when = time_point{duration{static_cast<std::int64_t>(random() % 1'000'000'000)}};
        heap.insert(t, t.when);
    }
    EXPECT_TRUE(many.all.front().armed());
    heap.fire(time_point{500'000'000ns});
    EXPECT_TRUE(std::is_sorted(many.order.begin(), many.order.end()));
    for (auto& t : many.all) EXPECT_EQ(t.fired, t.when <= time_point{500'000'000ns} ? 1 : 0);
    EXPECT_GT(heap.earliest(), time_point{500'000'000ns});
    heap.fire(time_point::max());
    EXPECT_EQ(many.order.size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(std::is_sorted(many.order.begin(), many.order.end()));
    EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, AMillionAreTakenOutAgain) {
    constexpr int count = 1'000'000;
    std::mt19937_64 random(2);
    timers many(count);
    timer_heap heap;
    for (auto& t : many.all) {
        t.when = time_point{duration{static_cast<std::int64_t>(random() % 1'000'000)}};
        heap.insert(t, t.when);
    }
    for (std::size_t i = 0; i < many.all.size(); ++i)
        if (i % 3 != 0) heap.remove(many.all[i]);
    heap.fire(time_point::max());
    EXPECT_TRUE(std::is_sorted(many.order.begin(), many.order.end()));
    for (std::size_t i = 0; i < many.all.size(); ++i) EXPECT_EQ(many.all[i].fired, i % 3 == 0 ? 1 : 0) << i;
}

TEST(TimerHeap, RandomInsertionsMovesAndRemovalsKeepTheOrder) {
    std::mt19937_64 random(3);
    timers many(1000);
    timer_heap heap;
    std::int64_t now = 0;
    for (int step = 0; step < 200'000; ++step) {
        noted& t = many.all[random() % many.all.size()];
        switch (random() % 4) {
            case 0:
            case 1:
                t.when = time_point{duration{now + 1 + static_cast<std::int64_t>(random() % 1000)}};
                heap.insert(t, t.when);  // moves it if it is armed
                break;
            case 2:
                if (t.armed()) heap.remove(t);
                break;
            case 3: {
                many.order.clear();
                now += 5;
                heap.fire(time_point{duration{now}});
                EXPECT_TRUE(std::is_sorted(many.order.begin(), many.order.end()));
                for (auto when : many.order) EXPECT_LE(when, time_point{duration{now}});
                if (!heap.empty()) {
                    EXPECT_GT(heap.earliest(), time_point{duration{now}});
                }
                break;
            }
        }
    }
    for (auto& t : many.all)
        if (t.armed()) heap.remove(t);
    EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, OneThatArmsItselfAgainWaitsForTheNextCall) {
    struct again final : timer {
        void expired() noexcept override {
            ++fired;
            heap->insert(*this, time_point{});
        }
        timer_heap* heap = nullptr;
        int fired = 0;
    };
    timer_heap heap;
    again t;
    t.heap = &heap;
    heap.insert(t, time_point{});
    heap.fire(time_point{1s});
    EXPECT_EQ(t.fired, 1);
    heap.fire(time_point{1s});
    EXPECT_EQ(t.fired, 2);
    heap.remove(t);
}

}  // namespace
}  // namespace leat::detail
