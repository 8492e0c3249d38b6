#include "leat/process/standard.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

// Each test is a program of its own (a forked child) whose descriptors 0 and 1 are what the test is about.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

void become(int from, int standard) {
    ::dup2(from, standard);
    ::close(from);
}

/// Reads standard input to its end and writes it, in capitals, to standard output.
task<> shout() {
    auto input = standard_input();
    auto output = standard_output();
    while (auto line = co_await input.read_line()) {
        std::string loud{*line};
        for (char& c : loud) c = static_cast<char>(::toupper(c));
        co_await output.write(loud);
    }
    co_await output.close();
}

/// The exit status of a program whose task this is: 0 if it is done, and what it throws is on standard error.
int program(task<> main) {
    run_until_complete(std::move(main));
    return 0;
}

std::string read_all(int fd) {
    std::string all;
    char piece[4096];
    for (ssize_t n; (n = ::read(fd, piece, sizeof piece)) > 0;) all.append(piece, static_cast<std::size_t>(n));
    return all;
}

TEST(StandardStreams, BetweenPipes) {
    int to[2], from[2];
    ASSERT_EQ(::pipe2(to, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(from, O_CLOEXEC), 0);
    ASSERT_EQ(::write(to[1], "one\ntwo", 7), 7);
    ::close(to[1]);
    const auto outcome = in_child([&](int) {
        become(to[0], 0);
        become(from[1], 1);
        const int status = program(shout());
        return (::fcntl(0, F_GETFL) | ::fcntl(1, F_GETFL)) & O_NONBLOCK ? 50 : status;
    });
    ::close(from[1]);
    ::close(to[0]);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_EQ(read_all(from[0]), "ONE\nTWO");
    ::close(from[0]);
}

TEST(StandardStreams, BetweenFilesWhoseOffsetIsShared) {
    temporary_directory directory;
    const std::string in = directory / "in";
    const std::string out = directory / "out";
    put(in, "skipped\nfirst\nsecond\n");
    const auto outcome = in_child([&](int) {
        become(::open(in.c_str(), O_RDONLY), 0);
        become(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
        ::lseek(0, 8, SEEK_SET);  // as after `read line` in a shell
        if (::write(1, "before\n", 7) != 7) return 50;
        const int status = program(shout());
        if (::write(1, "after\n", 6) != 6) return 51;
        return status;
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_EQ(content_of(out), "before\nFIRST\nSECOND\nafter\n");
}

TEST(StandardStreams, ALargeFileIsCopiedWhole) {
    temporary_directory directory;
    const std::string in = directory / "in";
    const std::string out = directory / "out";
    std::string big(5'000'000, '\0');
    for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 7919 >> 8);
    put(in, big);
    const auto outcome = in_child([&](int) {
        become(::open(in.c_str(), O_RDONLY), 0);
        become(::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
        return program([]() -> task<> {
            auto input = standard_input();
            auto output = standard_output();
            co_await copy(input, output);
            co_await output.close();
        }());
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_TRUE(content_of(out) == big);
}

TEST(StandardStreams, NullDevice) {
    const auto outcome = in_child([](int) {
        become(::open("/dev/null", O_RDONLY), 0);
        become(::open("/dev/null", O_WRONLY), 1);
        return program([]() -> task<> {
            auto input = standard_input();
            auto end = co_await input.read_line();
            if (end) throw std::runtime_error("/dev/null said something");
            auto output = standard_output();
            co_await output.write("into nothing\n");
            co_await output.close();
        }());
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
}

TEST(StandardStreams, ATerminalStaysBlockingForTheShell) {
    int master, slave;
    ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    const auto outcome = in_child(
        [&](int ready) {
            ::close(master);
            become(::dup(slave), 0);
            become(slave, 1);
            const int status = program([](int says) -> task<> {
                auto input = standard_input();
                auto output = standard_output();
                say_ready(says);
                auto line = co_await input.read_line();
                co_await output.write("got ", line.value_or(""));
                co_await output.close();
            }(ready));
            return ::fcntl(0, F_GETFL) & O_NONBLOCK ? 50 : status;
        },
        [&](pid_t) { EXPECT_EQ(::write(master, "typed\n", 6), 6); });
    ::close(slave);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    const std::string seen = read_all(master);  // with the terminal's echo
    EXPECT_NE(seen.find("got typed\r\n"), std::string::npos) << seen;
    ::close(master);
}

TEST(StandardStreams, Sockets) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_EQ(::write(ends[0], "by socket\n", 10), 10);
    ::shutdown(ends[0], SHUT_WR);
    const auto outcome = in_child([&](int) {
        become(::dup(ends[1]), 0);
        become(ends[1], 1);
        return program(shout());
    });
    ::close(ends[1]);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_EQ(read_all(ends[0]), "BY SOCKET\n");
    ::close(ends[0]);
}

TEST(StandardStreams, ClosedOnesAreErrorsEvenIfSomethingElseHasTheirNumber) {
    const auto outcome = in_child([](int) {
        for (int fd : {0, 1}) ::close(fd);
        return program([]() -> task<> {
            // The loop's own descriptors, or these, have the numbers 0 and 1 now.
            auto pipe = open_pipe();
            for (const auto& open : {std::function<void()>{[] { standard_input(); }}, std::function<void()>{[] { standard_output(); }}}) {
                const std::string text = thrown_by(open);
                if (text != "open standard input: Bad file descriptor (errno 9)" && text != "open standard output: Bad file descriptor (errno 9)")
                    throw std::runtime_error("it said: " + text);
            }
            // A child has them closed, too, and not a pipe of ours.
            auto listed = co_await run_process({"sh", "-c", "ls -l /proc/$$/fd >&2"});
            (void)listed;
        }());
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
}

TEST(StandardStreams, ABrokenPipeIsAnErrorThatSaysSo) {
    for (bool gone_before : {true, false}) {
        const auto outcome = in_child([&](int) {
            int ends[2];
            if (::pipe2(ends, O_CLOEXEC) != 0) return 50;
            ::signal(SIGPIPE, SIG_DFL);
            become(ends[1], 1);
            if (gone_before) ::close(ends[0]);
            return program([](int reader, bool close_it) -> task<> {
                auto output = standard_output();
                if (close_it) ::close(reader);
                co_await output.write("hello\n");
                auto closed = co_await (output.close() | as_result);
                if (closed) throw std::runtime_error("it was sent");
                if (closed.error().message() != "write standard output: Broken pipe (errno 32)") throw std::runtime_error(closed.error().message());
            }(ends[0], !gone_before));
        });
        EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    }
}

TEST(StandardStreams, AWaitForInputDoesNotHoldTheLoopUp) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const auto outcome = in_child([&](int) {
        become(::dup(ends[0]), 0);
        return program([](int writer) -> task<> {
            auto input = standard_input();
            auto late = co_await (timeout(5ms, input.read_line()) | as_result);
            if (late) throw std::runtime_error("nobody wrote that");
            auto writes = [](int fd) -> task<int> {
                co_await sleep(1ms);
                co_return static_cast<int>(::write(fd, "now\n", 4));
            };
            auto reads = [](stream_reader& from) -> task<std::string> {
                auto line = co_await from.read_line();
                co_return std::string{line.value_or("")};
            };
            auto [wrote, read] = co_await gather(writes(writer), reads(input));
            if (wrote != 4 || read != "now\n") throw std::runtime_error("not read");
        }(ends[1]));
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(StandardStreams, StandardErrorIsWrittenToo) {
    const auto outcome = in_child([](int) {
        return program([]() -> task<> {
            auto errors = standard_error();
            co_await errors.write("something is wrong\n");
            co_await errors.close();
        }());
    });
    EXPECT_NE(outcome.errors.find("something is wrong\n"), std::string::npos);
}

TEST(StandardStreams, ADroppedWriterIsFlushedBeforeTheProgramEnds) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const auto outcome = in_child([&](int) {
        become(ends[1], 1);
        return program([]() -> task<> {
            auto output = standard_output();
            co_await output.write("last words\n");
        }());
    });
    ::close(ends[1]);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_EQ(read_all(ends[0]), "last words\n");
    ::close(ends[0]);
}

}  // namespace
}  // namespace leat::testing
