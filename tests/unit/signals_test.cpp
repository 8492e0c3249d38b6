#include "leat/task/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <string>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(SignalSet, GivesEachSignalThatCame) {
    in_loop([]() -> task<> {
        signal_set wishes{SIGHUP, SIGUSR2};
        ::raise(SIGUSR2);
        EXPECT_EQ(co_await wishes.next(), SIGUSR2);
        ::raise(SIGHUP);
        ::raise(SIGUSR2);
        EXPECT_EQ(co_await wishes.next(), SIGHUP);
        EXPECT_EQ(co_await wishes.next(), SIGUSR2);
    }());
}

TEST(SignalSet, ACancelledWaitLosesNoSignal) {
    in_loop([]() -> task<> {
        signal_set wishes{SIGHUP};
        EXPECT_NE((co_await (timeout(1ms, wishes.next()) | as_result)).has_value(), true);
        ::raise(SIGHUP);
        EXPECT_EQ(co_await wishes.next(), SIGHUP);
        {
            task_group dropped;
            auto wait = [&]() -> task<> { co_await wishes.next(); };
            dropped.spawn(wait);
            co_await settle();
            ::raise(SIGHUP);
            co_await settle();
        }
        ::raise(SIGHUP);
        EXPECT_EQ(co_await wishes.next(), SIGHUP);
    }());
}

TEST(SignalSet, EverySetOfEveryLoopGetsTheSignal) {
    guard limit;
    std::atomic<int> ready = 0;
    std::atomic<int> got = 0;
    auto main = [&]() -> task<> {
        signal_set one{SIGUSR2};
        signal_set other{SIGUSR2};
        if (++ready == 3) ::kill(::getpid(), SIGUSR2);
        co_await one.next();
        co_await other.next();
        ++got;
    };
    EXPECT_EQ(leat::run(main, {.threads = 3}), 0);
    EXPECT_EQ(got, 3);
}

TEST(SignalSet, TakesTheSignalsThatWouldEndTheProgramOrAServer) {
    const auto outcome = in_child(
        [](int ready) {
            log::set_level(log::level::off);
            auto program = [&]() -> task<int> {
                auto handler = [](stream_reader, stream_writer) -> task<> { co_return; };
                auto server = co_await start_server(handler, {"127.0.0.1", 0});
                task_group group;
                auto serve = [&]() -> task<> { co_await server.serve_forever(); };
                group.spawn(serve);
                co_await settle();
                signal_set wishes{SIGTERM};
                say_ready(ready);
                const int signal = co_await wishes.next();
                co_await settle();
                const std::size_t still_serving = group.size();
                server.stop();
                co_await group.join();
                co_return signal == SIGTERM && still_serving == 1 ? 5 : 6;
            };
            return leat::run(program());
        },
        [](pid_t child) { ::kill(child, SIGTERM); });
    EXPECT_EQ(outcome.exit_status, 5);
}

/// One server's answer to the signal once kept it from the next.
TEST(SignalSet, WithoutOneASignalStopsEveryServer) {
    in_loop([]() -> task<> {
        auto handler = [](stream_reader, stream_writer) -> task<> { co_return; };
        auto one = co_await start_server(handler, {"127.0.0.1", 0});
        auto other = co_await start_server(handler, {"127.0.0.1", 0});
        task_group group;
        auto serve = [](server& each) -> task<> { co_await each.serve_forever(); };
        group.spawn(serve(one));
        group.spawn(serve(other));
        co_await settle();
        ::raise(SIGTERM);
        co_await group.join();
    }());
}

TEST(SignalSet, GivesTheFormerActionBack) {
    static volatile sig_atomic_t seen = 0;
    seen = 0;
    struct sigaction mine {};
    mine.sa_handler = [](int) { seen = seen + 1; };
    struct sigaction before {};
    ::sigaction(SIGHUP, &mine, &before);
    in_loop([]() -> task<> {
        {
            signal_set wishes{SIGHUP};
            ::raise(SIGHUP);
            co_await wishes.next();
        }
        EXPECT_EQ(seen, 0);
        ::raise(SIGHUP);
        EXPECT_EQ(seen, 1);
    }());
    ::sigaction(SIGHUP, &before, nullptr);
}

TEST(SignalSet, RefusesWhatCannotBe) {
    in_loop([]() -> task<> {
        EXPECT_NE(thrown_by([] { signal_set never{SIGKILL}; }).find("catch signal number 9"), std::string::npos);
        EXPECT_THROW(signal_set{1000}, error);
        signal_set wishes{SIGHUP};
        task_group group;
        auto wait = [&]() -> task<> { co_await wishes.next(); };
        group.spawn(wait);
        co_await settle();
        auto second = [&]() -> task<> { co_await wishes.next(); };
        bool refused = false;
        try {
            co_await second();
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        group.cancel();
        co_await group.join();
    }());
    EXPECT_THROW(in_loop([]() -> task<> {
                     signal_set wishes{SIGHUP};
                     co_return;
                 }(),
                         {.handle_signals = false}),
                 std::logic_error);
}

}  // namespace
}  // namespace leat::testing
