#include "leat/task/run.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <stdexcept>
#include <string>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/connected.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> nothing() { co_return; }
task<int> status(int value) {
    co_await yield();
    co_return value;
}

task<> innermost() {
    co_await yield();
    throw std::runtime_error("what went wrong");
}
task<> middle() { co_await innermost(); }
task<> outermost() { co_await middle(); }

TEST(Run, GivesZeroOrTheValue) {
    EXPECT_EQ(leat::run(nothing()), 0);
    EXPECT_EQ(leat::run(status(7)), 7);
}

TEST(Run, AnUncaughtErrorGivesOneAndPrintsItsChain) {
    const auto outcome = in_child([](int) {
        log::set_level(log::level::off);
        return leat::run(outermost());
    });
    EXPECT_EQ(outcome.exit_status, 1);
    EXPECT_EQ(outcome.errors.find("leat: uncaught error: what went wrong\n"), 0u) << outcome.errors;
    const auto middle = outcome.errors.find("middle at run_test.cpp:");
    const auto outermost = outcome.errors.find("outermost at run_test.cpp:");
    EXPECT_NE(middle, std::string::npos) << outcome.errors;
    EXPECT_NE(outermost, std::string::npos) << outcome.errors;
    EXPECT_LT(middle, outermost);
}

TEST(Run, AnUncaughtErrorOfATaskWithAStatusGivesOne) {
    const auto outcome = in_child([](int) {
        auto fails = []() -> task<int> {
            throw std::runtime_error("no status");
            co_return 5;
        };
        return leat::run(fails());
    });
    EXPECT_EQ(outcome.exit_status, 1);
    EXPECT_NE(outcome.errors.find("no status"), std::string::npos);
}

class RunSignal : public ::testing::TestWithParam<std::pair<int, int>> {};
INSTANTIATE_TEST_SUITE_P(Both, RunSignal, ::testing::Values(std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}));

TEST_P(RunSignal, CancelsTheRoot) {
    const auto [signal, expected] = GetParam();
    temporary_directory directory;
    const std::string note = directory / "note";
    const auto outcome = in_child(
        [&](int ready) {
            auto program = [&]() -> task<> {
                bool ended = false;
                try {
                    say_ready(ready);
                    co_await sleep(1h);
                } catch (const cancelled&) {
                    ended = true;
                }
                if (ended) co_await shield(write_file(note, "cleaned up"));
                co_await yield();  // throws
            };
            return leat::run(program());
        },
        [signal = signal](pid_t child) { ::kill(child, signal); });
    EXPECT_EQ(outcome.exit_status, expected);
    EXPECT_EQ(content_of(note), "cleaned up");
    EXPECT_EQ(outcome.errors.find("uncaught"), std::string::npos) << outcome.errors;
}

TEST_P(RunSignal, OneThatIsDealtWithLeavesTheStatusToTheProgram) {
    const auto [signal, expected] = GetParam();
    const auto outcome = in_child(
        [&](int ready) {
            auto program = [&]() -> task<int> {
                try {
                    say_ready(ready);
                    co_await sleep(1h);
                } catch (const cancelled&) {
                }
                co_return 3;
            };
            return leat::run(program());
        },
        [signal = signal](pid_t child) { ::kill(child, signal); });
    EXPECT_EQ(outcome.exit_status, 3);
    (void)expected;
}

// What a dropped file still holds is written within the linger time, after a signal too. A FIFO: written by the kernel's workers or the pool.
TEST(Run, ASignalDoesNotCutOffADroppedFile) {
    temporary_directory directory;
    const std::string fifo = directory / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const int reading = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
    const std::string much(50'000, 'm');  // fits into the pipe
    const auto outcome = in_child(
        [&](int ready) {
            auto program = [&]() -> task<> {
                auto out = co_await open(fifo, "w");
                co_await out.write(much);
                say_ready(ready);
                co_await sleep(1h);
            };
            return leat::run(program());
        },
        [](pid_t child) { ::kill(child, SIGTERM); });
    EXPECT_EQ(outcome.exit_status, 143);
    std::string received(much.size() + 1, ' ');
    ::fcntl(reading, F_SETFL, O_NONBLOCK);
    const auto n = ::read(reading, received.data(), received.size());
    ::close(reading);
    EXPECT_EQ(n, static_cast<ssize_t>(much.size()));
}

TEST(Run, RestoresTheSignalHandlersThatWereThere) {
    static volatile sig_atomic_t seen = 0;
    seen = 0;
    struct sigaction mine {};
    mine.sa_handler = [](int) { seen = seen + 1; };
    struct sigaction before {};
    ::sigaction(SIGTERM, &mine, &before);
    leat::run(nothing());
    ::raise(SIGTERM);
    EXPECT_EQ(seen, 1);
    ::sigaction(SIGTERM, &before, nullptr);
}

TEST(Run, LeavesSignalsAloneWhenAskedTo) {
    static volatile sig_atomic_t seen = 0;
    seen = 0;
    struct sigaction mine {};
    mine.sa_handler = [](int) { seen = seen + 1; };
    struct sigaction before {};
    ::sigaction(SIGINT, &mine, &before);
    auto program = []() -> task<> {
        ::raise(SIGINT);
        co_await sleep(1ms);
    };
    EXPECT_EQ(leat::run(program(), {.handle_signals = false}), 0);
    EXPECT_EQ(seen, 1);
    ::sigaction(SIGINT, &before, nullptr);
}

TEST(Run, CanBeCalledAgainAndAgain) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(leat::run(status(i)), i);
}

TEST(Run, UntilCompleteGivesTheValueOrTheException) {
    auto text = []() -> task<std::string> { co_return "value"; };
    EXPECT_EQ(run_until_complete(text()), "value");
    auto fails = []() -> task<std::string> {
        throw std::runtime_error("rethrown");
        co_return "";
    };
    EXPECT_EQ(thrown_by([&] { run_until_complete(fails()); }), "rethrown");
}

TEST(Run, DroppedStreamsAreClosedWithinTheLingerTime) {
    raw_socket peer;
    auto program = [&]() -> task<> {
        auto pair = co_await connect_pair();
        co_await pair.writer.write("said");
        peer = std::move(pair.peer);  // and it never ends its side
    };
    in_loop(program(), {.linger = 5ms});
    EXPECT_EQ(peer.receive_all(), "said");
}

TEST(Run, AnUnknownEngineIsAnError) {
    const auto outcome = in_child([](int) {
        ::setenv("LEAT_ENGINE", "steam", 1);
        return leat::run(nothing());
    });
    EXPECT_EQ(outcome.exit_status, 99);
    EXPECT_NE(outcome.errors.find("LEAT_ENGINE=steam: expected uring, epoll or auto"), std::string::npos) << outcome.errors;
}

TEST(Run, AStreamOutsideRunIsALogicError) {
    EXPECT_EQ(thrown_by([] {
        task_group group;
        group.spawn(nothing());
    }), "leat: used outside leat::run");
}

}  // namespace
}  // namespace leat::testing
