#include "leat/sync/channel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Channel, GivesItemsInTheirOrderAndThenTheEnd) {
    in_loop([]() -> task<> {
        channel<int> numbers{4};
        task_group group;
        auto send = [&]() -> task<> {
            for (int i = 0; i < 100; ++i) co_await numbers.send(i);
            numbers.close();
        };
        group.spawn(send);
        int expected = 0;
        while (auto number = co_await numbers.receive()) EXPECT_EQ(*number, expected++);
        EXPECT_EQ(expected, 100);
        co_await group.join();
        EXPECT_TRUE(numbers.is_closed());
        EXPECT_FALSE((co_await numbers.receive()).has_value());
    }());
}

TEST(Channel, ASenderWaitsForRoom) {
    in_loop([]() -> task<> {
        channel<std::string> words{1};
        EXPECT_TRUE(words.try_send("first"));
        std::string second = "second";
        EXPECT_FALSE(words.try_send(second));
        EXPECT_EQ(second, "second");
        bool sent = false;
        task_group group;
        auto send = [&]() -> task<> {
            co_await words.send("second");
            sent = true;
        };
        group.spawn(send);
        co_await settle();
        EXPECT_FALSE(sent);
        EXPECT_EQ(words.try_receive().value_or(""), "first");
        co_await settle();
        EXPECT_TRUE(sent);
        EXPECT_EQ((co_await words.receive()).value_or(""), "second");
        co_await group.join();
    }());
}

TEST(Channel, CloseEndsWaitingSendersWithAnErrorAndReceiversWithNothing) {
    in_loop([]() -> task<> {
        channel<int> full{1};
        channel<int> empty{1};
        co_await full.send(1);
        std::string outcome;
        task_group group;
        auto send = [&]() -> task<> {
            try {
                co_await full.send(2);
            } catch (const channel_closed& e) {
                outcome = e.what();
            }
        };
        bool ended = false;
        auto receive = [&]() -> task<> { ended = !(co_await empty.receive()).has_value(); };
        group.spawn(send);
        group.spawn(receive);
        co_await settle();
        full.close();
        empty.close();
        co_await group.join();
        EXPECT_EQ(outcome, "channel: send: it is closed");
        EXPECT_TRUE(ended);
        EXPECT_EQ((co_await full.receive()).value_or(0), 1);
        EXPECT_FALSE((co_await full.receive()).has_value());
        auto refused = co_await (full.send(3) | as_result);
        EXPECT_FALSE(refused.has_value());
        EXPECT_THROW(full.try_send(3), channel_closed);
    }());
}

TEST(Channel, ACapacityOfNothingIsRefused) { EXPECT_THROW(channel<int>{0}, std::invalid_argument); }

TEST(Channel, ACancelledReceiveLosesNoItem) {
    in_loop([]() -> task<> {
        channel<int> numbers{4};
        bool timed_out = false;
        try {
            co_await timeout(1ms, numbers.receive());
        } catch (const timeout_error&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        co_await numbers.send(1);
        EXPECT_EQ((co_await numbers.receive()).value_or(0), 1);

        // Given the item in the turn in which it is destroyed.
        {
            task_group dropped;
            auto receive = [&]() -> task<> { co_await numbers.receive(); };
            dropped.spawn(receive);
            co_await settle();
            co_await numbers.send(2);
        }
        EXPECT_EQ(numbers.size(), 1U);
        EXPECT_EQ((co_await numbers.receive()).value_or(0), 2);

        // Both branches of a race have something in the same turn; the loser's stays.
        channel<int> others{4};
        task_group group;
        auto feed = [&]() -> task<> {
            co_await settle();
            co_await numbers.send(3);
            co_await others.send(4);
        };
        group.spawn(feed);
        co_await race(numbers.receive(), others.receive());
        EXPECT_EQ(numbers.size() + others.size(), 1U);
        co_await group.join();
    }());
}

TEST(Channel, ACancelledSendSendsNothingAndLetsTheNextOneIn) {
    in_loop([]() -> task<> {
        channel<int> numbers{1};
        co_await numbers.send(1);
        task_group group;
        auto send = [&](int n) -> task<> { co_await numbers.send(n); };
        {
            task_group dropped;
            dropped.spawn(send, 2);
            co_await settle();
            group.spawn(send, 3);
            co_await settle();
            EXPECT_EQ(numbers.try_receive().value_or(0), 1);  // its room goes to the first in line, which dies now
        }
        EXPECT_EQ((co_await numbers.receive()).value_or(0), 3);
        co_await group.join();
        EXPECT_EQ(numbers.size(), 0U);
    }());
}

TEST(Channel, InACancelledScopeNothingIsTaken) {
    in_loop([]() -> task<> {
        channel<int> numbers{2};
        co_await numbers.send(1);
        task_group group;
        auto receive = [&]() -> task<> { co_await numbers.receive(); };
        group.spawn(receive);
        group.cancel();
        co_await group.join();
        EXPECT_EQ(numbers.size(), 1U);
    }());
}

TEST(Channel, ManyLoopsShareIt) {
    guard limit;
    constexpr int items = 2000;
    channel<std::unique_ptr<int>> jobs{8};
    std::atomic<int> received = 0;
    std::atomic<long> sum = 0;
    auto main = [&](std::size_t index) -> task<> {
        if (index == 0) {
            for (int i = 1; i <= items; ++i) co_await jobs.send(std::make_unique<int>(i));
            jobs.close();
            co_return;
        }
        while (auto job = co_await jobs.receive()) {
            ++received;
            sum += **job;
            if (*job && **job % 16 == 0) {
                // A receive that is given up again and again beside the others.
                try {
                    if (auto more = co_await timeout(1us, jobs.receive())) {
                        ++received;
                        sum += **more;
                    }
                } catch (const timeout_error&) {
                }
            }
        }
    };
    EXPECT_EQ(leat::run(main, {.threads = 4}), 0);
    EXPECT_EQ(received, items);
    EXPECT_EQ(sum, static_cast<long>(items) * (items + 1) / 2);
}

TEST(Channel, PlainThreadsBlock) {
    in_loop([]() -> task<> {
        channel<int> questions{1};
        channel<int> answers{1};
        auto work = [&] {
            while (auto number = questions.blocking_receive()) answers.blocking_send(*number * 2);
            answers.close();
        };
        task_group group;
        auto in_thread = [&]() -> task<> { co_await to_thread(work); };
        group.spawn(in_thread);
        for (int i = 0; i < 50; ++i) {
            co_await questions.send(i);
            EXPECT_EQ((co_await answers.receive()).value_or(-1), 2 * i);
        }
        questions.close();
        EXPECT_FALSE((co_await answers.receive()).has_value());
        co_await group.join();
        EXPECT_THROW(questions.blocking_receive(), std::logic_error);
    }());
}

}  // namespace
}  // namespace leat::testing
