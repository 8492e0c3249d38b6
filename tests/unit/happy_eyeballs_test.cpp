#include "net/happy_eyeballs.hpp"

#include <dirent.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "leat/leat.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
using detail::connect_to_first;
using detail::interleaved;

address at(std::string_view host, std::uint16_t port = 1) { return address::parse(host, port); }

/// A listener whose queue is full: the kernel swallows what else wants to connect.
struct silent_listener {
    explicit silent_listener(bool ipv6 = false) : listener(ipv6, 0), waiting(raw_socket::connect_to(listener.port(), ipv6)) {}
    raw_listener listener;
    raw_socket waiting;
};

std::size_t open_descriptors() {
    DIR* directory = ::opendir("/proc/self/fd");
    std::size_t count = 0;
    while (::readdir(directory)) ++count;
    ::closedir(directory);
    return count;
}

TEST(HappyEyeballs, TheFamiliesTakeTurnsBeginningWithTheFirst) {
    const std::vector<address> mixed{at("::1"), at("::2"), at("::3"), at("1.1.1.1"), at("2.2.2.2")};
    const std::vector<address> expected{at("::1"), at("1.1.1.1"), at("::2"), at("2.2.2.2"), at("::3")};
    EXPECT_EQ(interleaved(mixed), expected);
    const std::vector<address> four_first{at("1.1.1.1"), at("2.2.2.2"), at("::1")};
    const std::vector<address> four_expected{at("1.1.1.1"), at("::1"), at("2.2.2.2")};
    EXPECT_EQ(interleaved(four_first), four_expected);
    EXPECT_TRUE(interleaved({}).empty());
}

TEST(HappyEyeballs, AnAddressThatDoesNotAnswerGetsCompanyAndLoses) {
    in_loop([]() -> task<> {
        silent_listener silent;
        raw_listener answers;
        std::vector<address> addresses{at("127.0.0.1", silent.listener.port()), at("127.0.0.1", answers.port())};
        const auto before = open_descriptors();
        const time_point start = detail::clock_now();
        {
            auto won = co_await connect_to_first(addresses, "test:1", {.connection_attempt_delay = 30ms});
            EXPECT_EQ(won.to().port(), answers.port());
        }
        EXPECT_GE(detail::clock_now() - start, 30ms);
        co_await settle();
        EXPECT_EQ(open_descriptors(), before);  // the loser's and, dropped, the winner's
    }());
}

TEST(HappyEyeballs, ASlowAddressWinsIfItAnswersBeforeTheNextOne) {
    in_loop([]() -> task<> {
        silent_listener first;
        silent_listener second;
        std::vector<address> addresses{at("127.0.0.1", first.listener.port()), at("127.0.0.1", second.listener.port())};
        auto connecting = connect_to_first(addresses, "test:1", {.connection_attempt_delay = 1ms});
        auto make_room = [&]() -> task<> {
            co_await sleep(20ms);  // both attempts have begun; the kernel repeats the first's SYN after a second
            raw_socket accepted = first.listener.accept();
            first.waiting.close();
        };
        auto [won, nothing] = co_await gather(std::move(connecting), make_room());
        EXPECT_EQ(won.to().port(), first.listener.port());
    }());
}

TEST(HappyEyeballs, ARefusalIsFollowedAtOnce) {
    in_loop([]() -> task<> {
        std::uint16_t refusing;
        {
            raw_listener gone;
            refusing = gone.port();
        }
        raw_listener answers;
        std::vector<address> addresses{at("127.0.0.1", refusing), at("127.0.0.1", answers.port())};
        const time_point start = detail::clock_now();
        auto won = co_await connect_to_first(addresses, "test:1", {.connection_attempt_delay = 50s});
        EXPECT_EQ(won.to().port(), answers.port());
        EXPECT_LT(detail::clock_now() - start, 40s);
    }());
}

TEST(HappyEyeballs, WithoutADelayTheyAreTriedOneAfterTheOther) {
    in_loop([]() -> task<> {
        silent_listener silent;
        raw_listener answers;
        std::vector<address> addresses{at("127.0.0.1", silent.listener.port()), at("127.0.0.1", answers.port())};
        auto late = co_await (timeout(100ms, connect_to_first(addresses, "test:1", {.connection_attempt_delay = 0ms})) | as_result);
        EXPECT_FALSE(late);
    }());
}

TEST(HappyEyeballs, TheErrorHasEveryAddressesReason) {
    in_loop([]() -> task<> {
        std::uint16_t port;
        {
            raw_listener gone;
            port = gone.port();
        }
        // Nothing may be sent to a broadcast address over TCP.
        std::vector<address> addresses{at("255.255.255.255", port), at("::1", port), at("127.0.0.1", port)};
        auto outcome = co_await (connect_to_first(addresses, "test:1", {}) | as_result);
        EXPECT_FALSE(outcome);
        const std::string text = outcome.error().message();
        EXPECT_EQ(text.find("connect test:1 ["), 0u) << text;
        for (const char* part : {"255.255.255.255: Network is unreachable (errno 101); ", "::1: Connection refused (errno 111); ",
                                 "127.0.0.1]: Connection refused (errno 111)"})
            EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
    }());
}

TEST(HappyEyeballs, OnlyTheLocalAddressesFamilyIsTried) {
    in_loop([]() -> task<> {
        raw_listener answers;
        std::vector<address> addresses{at("::1", answers.port()), at("127.0.0.1", answers.port())};
        auto won = co_await connect_to_first(addresses, "test:1", {.local_address = at("127.0.0.9", 0)});
        EXPECT_EQ(won.to(), at("127.0.0.1", answers.port()));
        std::vector<address> six(1, at("::1", answers.port()));
        auto none = co_await (connect_to_first(six, "test:1", {.local_address = at("127.0.0.9", 0)}) | as_result);
        EXPECT_FALSE(none);
    }());
}

TEST(HappyEyeballs, CancelledOrDestroyedItLeavesNothingOpen) {
    in_loop([]() -> task<> {
        silent_listener first;
        silent_listener second;
        std::vector<address> addresses{at("127.0.0.1", first.listener.port()), at("127.0.0.1", second.listener.port())};
        std::vector<address> one(1, addresses.front());
        const auto before = open_descriptors();
        for (const auto& list : {addresses, one}) {
            for (int when = 0; when < 3; ++when) {
                {
                    task_group group;
                    group.spawn(connect_to_first(list, "test:1", {.connection_attempt_delay = 1ms}));
                    if (when > 0) co_await sleep(5ms);
                    if (when < 2) {
                        group.cancel();
                        co_await group.join();
                    }
                }  // the third time it is destroyed while it waits
                co_await settle();
                co_await sleep(1ms);  // the kernel's word about what was cancelled
                EXPECT_EQ(open_descriptors(), before) << when;
            }
        }
    }());
}

TEST(HappyEyeballs, BothAnswerInOneTurnAndOneIsClosed) {
    in_loop([]() -> task<> {
        raw_listener first(false, 128);
        raw_listener second(false, 128);
        std::vector<address> addresses{at("127.0.0.1", first.port()), at("127.0.0.1", second.port())};
        const auto before = open_descriptors();
        for (int i = 0; i < 50; ++i) {
            auto won = co_await connect_to_first(addresses, "test:1", {.connection_attempt_delay = 1ns});
            EXPECT_TRUE(static_cast<bool>(won));
        }
        co_await settle();
        EXPECT_EQ(open_descriptors(), before);
    }());
}

}  // namespace
}  // namespace leat::testing
