#include "leat/process/pipe.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// A plain descriptor that is closed with its owner.
struct plain {
    int fd = -1;
    plain() = default;
    explicit plain(int taken) : fd(taken) {}
    plain(const plain&) = delete;
    ~plain() { close(); }
    void close() {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }
    bool blocks() const { return !(::fcntl(fd, F_GETFL) & O_NONBLOCK); }
    std::string read(std::size_t most = 65536) const {
        std::string data(most, '\0');
        const auto n = ::read(fd, data.data(), most);
        data.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return data;
    }
    std::string read_all() const {
        std::string all;
        for (std::string piece = read(); !piece.empty(); piece = read()) all += piece;
        return all;
    }
    void write(std::string_view data) const { ASSERT_EQ(::write(fd, data.data(), data.size()), static_cast<ssize_t>(data.size())); }
    int waiting() const {
        int count = 0;
        ::ioctl(fd, FIONREAD, &count);
        return count;
    }
};

struct plain_pipe {
    plain in, out;
    plain_pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) == 0) out.fd = ends[0], in.fd = ends[1];
    }
};

/// A terminal that passes bytes through as they are.
struct terminal {
    plain master, slave;
    terminal() {
        ::openpty(&master.fd, &slave.fd, nullptr, nullptr, nullptr);
        termios raw;
        ::tcgetattr(slave.fd, &raw);
        ::cfmakeraw(&raw);
        ::tcsetattr(slave.fd, TCSANOW, &raw);
    }
};

template <class T>
std::string message_of(const result<T>& outcome) {
    return outcome ? std::string{} : outcome.error().message();
}

TEST(Pipe, CarriesLinesAndItsEnd) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        co_await writer.write("one\n", "two\nlast");
        EXPECT_EQ(co_await reader.read_line(), "one\n");
        EXPECT_EQ(co_await reader.read(bytes{2}), "tw");
        co_await writer.close();
        EXPECT_EQ(co_await reader.read_exactly(3), "o\nl");
        EXPECT_EQ(co_await reader.read_line(), "ast");
        auto end = co_await reader.read_line();
        EXPECT_FALSE(end);
        EXPECT_TRUE(reader.at_eof());
    }());
}

TEST(Pipe, ALineAboveTheLimitIsAnErrorThatKeepsTheData) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        reader.set_limit(bytes{10});
        co_await writer.write("12345678901234567890\n");
        auto line = co_await (reader.read_line() | as_result);
        EXPECT_EQ(message_of(line), "read_line pipe: no end within the limit of 10 bytes");
        EXPECT_EQ(co_await reader.read_line(bytes{100}), "12345678901234567890\n");
    }());
}

TEST(Pipe, ASlowReaderMakesTheWriterWait) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        constexpr std::size_t total = 8 << 20;
        std::size_t written = 0;
        task_group group;
        auto write = [&](stream_writer to) -> task<> {
            std::string piece(10'000, '\0');
            while (written < total) {
                for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<char>((written + i) * 31 >> 4);
                co_await to.write(piece);
                written += piece.size();
            }
            co_await to.close();
        };
        group.spawn(write(std::move(writer)));
        co_await settle(50);
        EXPECT_LT(written, 64u * 1024 * 3 + 10'000);  // the pipe, what is being sent, and what is buffered
        EXPECT_GT(written, 64u * 1024);
        std::size_t read = 0;
        bool right = true;
        while (auto piece = co_await reader.read()) {
            for (char c : *piece) right &= c == static_cast<char>(read++ * 31 >> 4);
        }
        EXPECT_TRUE(right);
        EXPECT_EQ(read, written);
        co_await group.join();
    }());
}

TEST(Pipe, AWriteOfManyTimesItsSizeArrivesWhole) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        const std::string big(20 << 20, 'b');
        task_group group;
        group.spawn([](stream_writer to, const std::string& what) -> task<> {
            co_await to.write(what);
            co_await to.drain();
            co_await to.close();
        }(std::move(writer), big));
        const std::string_view all = co_await reader.read_exactly(big.size());
        EXPECT_TRUE(all == big);
        auto end = co_await reader.read();
        EXPECT_FALSE(end);
        co_await group.join();
    }());
}

TEST(Pipe, ABurstOfWritesIsOneCall) {
    in_loop([]() -> task<> {
        plain_pipe pipe;
        auto writer = open_writer(pipe.in.fd);
        for (int i = 0; i < 10; ++i) co_await writer.write("x");
        EXPECT_EQ(writer.buffered(), 10u);
        EXPECT_EQ(pipe.out.waiting(), 0);
        co_await settle(1);
        EXPECT_EQ(pipe.out.waiting(), 10);
        EXPECT_EQ(writer.buffered(), 0u);
    }());
}

TEST(Pipe, WhatNobodyAsksForStaysInThePipe) {
    in_loop([]() -> task<> {
        plain_pipe pipe;
        auto reader = open_reader(pipe.out.fd);
        pipe.in.write("for somebody else");
        co_await settle();
        EXPECT_EQ(pipe.out.waiting(), 17);
        EXPECT_EQ(co_await reader.read(bytes{3}), "for");
        EXPECT_EQ(pipe.out.waiting(), 0);
        EXPECT_EQ(reader.buffered(), " somebody else");
    }());
}

TEST(Pipe, ACancelledReadLosesNothing) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        auto late = co_await (timeout(1ms, reader.read_line()) | as_result);
        EXPECT_FALSE(late);
        co_await writer.write("half ");
        late = co_await (timeout(1ms, reader.read_line()) | as_result);
        EXPECT_FALSE(late);
        {
            task_group group;  // cancelled before it starts
            group.cancel();
            group.spawn([](stream_reader& from) -> task<> { co_await from.read_line(); }(reader));
            co_await group.join();
        }
        {
            task_group group;  // destroyed while it waits
            group.spawn([](stream_reader& from) -> task<> { co_await from.read_line(); }(reader));
            co_await settle();
        }
        {
            task_group group;  // cancelled in the turn in which it has its value: the value wins
            bool got = false;
            group.spawn([](stream_reader& from, bool& flag) -> task<> { flag = (co_await from.read_exactly(5)) == "half "; }(reader, got));
            co_await yield();
            group.cancel();
            co_await group.join();
            EXPECT_TRUE(got);
        }
        co_await writer.write("line\n");
        EXPECT_EQ(co_await reader.read_line(), "line\n");
    }());
}

TEST(Pipe, ACancelledSmallWriteIsSentAllTheSame) {
    in_loop([]() -> task<> {
        plain_pipe pipe;
        auto writer = open_writer(pipe.in.fd);
        const std::string full(65536, 'f');
        co_await writer.write(full);
        co_await settle();  // the pipe is full
        co_await writer.write(full);
        auto late = co_await (timeout(1ms, writer.write("small")) | as_result);
        EXPECT_FALSE(late);
        {
            task_group group;
            group.spawn([](stream_writer& to) -> task<> { co_await to.write("!"); }(writer));
            group.spawn([](stream_writer& to) -> task<> { co_await to.drain(); }(writer));
            co_await settle();
        }
        std::string all;
        while (all.size() < 2 * full.size() + 6) {
            all += pipe.out.read();
            co_await settle(2);
        }
        EXPECT_EQ(all.substr(2 * full.size()), "small!");
    }());
}

TEST(Pipe, AWriteThatIsCutInTheMiddleEndsTheWriter) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        const std::string big(1 << 20, 'x');
        auto late = co_await (timeout(1ms, writer.write(big)) | as_result);
        EXPECT_FALSE(late);
        auto next = co_await (writer.write("x") | as_result);
        EXPECT_EQ(message_of(next), "write cancelled midway pipe: Operation canceled (errno 125)");
    }());
}

TEST(Pipe, NobodyReadingIsAnErrorThatNamesIt) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        reader = {};
        co_await writer.write("into the void");
        auto closed = co_await (writer.close() | as_result);
        EXPECT_EQ(message_of(closed), "write pipe: Broken pipe (errno 32)");
        auto again = co_await (writer.write("x") | as_result);
        EXPECT_EQ(message_of(again), "write pipe: Broken pipe (errno 32)");
    }());
}

TEST(Pipe, NobodyReadingAnyMoreEndsAWriteThatWaits) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        const std::string big(1 << 20, 'x');
        task_group group;
        std::string message;
        group.spawn([](stream_writer& to, const std::string& what, std::string& outcome) -> task<> {
            auto written = co_await (to.write(what) | as_result);
            outcome = message_of(written);
        }(writer, big, message));
        co_await settle();
        EXPECT_EQ(message, "");
        reader = {};
        co_await group.join();
        EXPECT_EQ(message, "write pipe: Broken pipe (errno 32)");
    }());
}

TEST(Pipe, ABrokenPipeNeverKillsTheProgram) {
    const auto outcome = in_child([](int) {
        ::signal(SIGPIPE, SIG_DFL);
        run_options options{.handle_signals = false};
        run_until_complete([]() -> task<> {
            plain_pipe pipe;
            auto writer = open_writer(pipe.in.fd);
            pipe.out.close();
            co_await writer.write("x");
            auto closed = co_await (writer.close() | as_result);
            if (closed) throw std::runtime_error("it was sent");
        }(), options);
        return 17;
    });
    EXPECT_EQ(outcome.signal, 0);
    EXPECT_EQ(outcome.exit_status, 17) << outcome.errors;
}

TEST(Pipe, CloseWaitsUntilAllIsTaken) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        const std::string big(100'000, 'x');
        co_await writer.write(big.substr(0, 65'000));
        co_await settle();
        co_await writer.write(big.substr(65'000));
        auto late = co_await (timeout(2ms, writer.close()) | as_result);
        EXPECT_FALSE(late);
        auto refused = co_await (writer.write("more") | as_result);
        EXPECT_EQ(message_of(refused), "write after close pipe: Broken pipe (errno 32)");
        std::size_t read = 0;
        while (auto piece = co_await reader.read()) read += piece->size();  // the closing goes on by itself
        EXPECT_EQ(read, big.size());
        co_await writer.close();
        co_await writer.close();
    }());
}

TEST(Pipe, WriteEofIsTheEndForTheReader) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        co_await writer.write("all");
        co_await writer.write_eof();
        EXPECT_EQ(co_await reader.read_line(), "all");
        auto end = co_await reader.read_line();
        EXPECT_FALSE(end);
    }());
}

TEST(Pipe, WhatADroppedWriterHadWrittenArrives) {
    in_loop([]() -> task<> {
        auto [reader, writer] = open_pipe();
        const std::string big(200'000, 'x');
        task_group group;
        group.spawn([](stream_writer to, const std::string& what) -> task<> { co_await to.write(what); }(std::move(writer), big));
        std::size_t read = 0;
        while (auto piece = co_await reader.read()) read += piece->size();
        EXPECT_EQ(read, big.size());
        co_await group.join();
    }());
}

TEST(Pipe, ADroppedWriterThatNobodyReadsDoesNotHoldTheEndUp) {
    run_options options;
    options.linger = 20ms;
    plain_pipe pipe;
    in_loop([](int fd) -> task<> {
        auto writer = open_writer(fd);
        const std::string full(60'000, 'f');
        co_await writer.write(full);
        co_await settle();
        co_await writer.write(full);
    }(pipe.in.fd), options);
    pipe.in.close();
    EXPECT_GE(pipe.out.read_all().size(), 60'000u);
}

TEST(Pipe, AGivenDescriptorStaysAsItIs) {
    in_loop([]() -> task<> {
        plain_pipe pipe;
        {
            auto reader = open_reader(pipe.out.fd);
            auto writer = open_writer(pipe.in.fd);
            co_await writer.write("x");
            EXPECT_EQ(co_await reader.read(), "x");
            EXPECT_TRUE(pipe.in.blocks());
            EXPECT_TRUE(pipe.out.blocks());
            pipe.in.close();
            pipe.out.close();  // leat has its own
            co_await writer.write("y");
            EXPECT_EQ(co_await reader.read(), "y");
        }
        auto closed = [](auto open) { return thrown_by([&] { open(999); }); };
        EXPECT_EQ(closed(open_reader), "open descriptor 999: Bad file descriptor (errno 9)");
        EXPECT_EQ(closed(open_writer), "open descriptor 999: Bad file descriptor (errno 9)");
        plain_pipe wrong;
        EXPECT_THROW(open_reader(wrong.in.fd), leat::error);
        EXPECT_THROW(open_writer(wrong.out.fd), leat::error);
    }());
    EXPECT_THROW(open_pipe(), std::logic_error);
}

TEST(Pipe, SocketsAreReadAndWrittenWithoutChangingThem) {
    in_loop([]() -> task<> {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        plain ours{ends[0]}, theirs{ends[1]};
        {
            auto reader = open_reader(ours.fd);
            auto writer = open_writer(ours.fd);
            co_await writer.write("to them");
            theirs.write("to us");
            EXPECT_EQ(co_await reader.read(), "to us");
            co_await settle();
            EXPECT_EQ(theirs.read(), "to them");
            EXPECT_TRUE(ours.blocks());
            task_group group;
            group.spawn([](stream_reader& from) -> task<> { co_await from.read(); }(reader));
            co_await settle();
        }
        // The streams are gone while the socket is not: nothing of it is delivered to whoever gets their descriptors.
        auto [reader, writer] = open_pipe();
        theirs.write("for nobody");
        co_await writer.write("line\n");
        EXPECT_EQ(co_await reader.read_line(), "line\n");
        EXPECT_EQ(ours.read(), "for nobody");
    }());
}

TEST(Pipe, RegularFilesAndDevicesThatEpollRefuses) {
    temporary_directory directory;
    const std::string name = directory / "file";
    put(name, "first\nsecond\n");
    in_loop([&]() -> task<> {
        {
            plain in{::open(name.c_str(), O_RDONLY | O_CLOEXEC)};
            auto reader = open_reader(in.fd);
            EXPECT_EQ(co_await reader.read_line(), "first\n");
            EXPECT_EQ(co_await reader.read_line(), "second\n");
            auto end = co_await reader.read_line();
            EXPECT_FALSE(end);
            plain out{::open(name.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
            auto writer = open_writer(out.fd);
            const std::string big(3'000'000, 'x');
            co_await writer.write(big);
            co_await writer.close();
            EXPECT_EQ(content_of(name), "first\nsecond\n" + big);
        }
        plain null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
        auto nothing = open_reader(null.fd);
        auto end = co_await nothing.read();
        EXPECT_FALSE(end);
        auto sink = open_writer(null.fd);
        const std::string big(1'000'000, 'x');
        co_await sink.write(big);
        co_await sink.close();
        plain zero{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
        auto zeros = open_reader(zero.fd);
        EXPECT_EQ(co_await zeros.read_exactly(100'000), std::string_view(std::string(100'000, '\0')));
        plain full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
        auto overflowing = open_writer(full.fd);
        co_await overflowing.write("x");
        auto closed = co_await (overflowing.close() | as_result);
        EXPECT_EQ(message_of(closed).substr(0, 17), "write descriptor ");
        EXPECT_EQ(closed.error().code(), std::errc::no_space_on_device);
    }());
}

TEST(Pipe, ATerminalIsNotMadeNonBlocking) {
    in_loop([]() -> task<> {
        terminal pty;
        auto reader = open_reader(pty.slave.fd);
        auto writer = open_writer(pty.slave.fd);
        pty.master.write("typed\n");
        EXPECT_EQ(co_await reader.read_line(), "typed\n");
        co_await writer.write("shown\n");
        co_await settle();
        EXPECT_EQ(pty.master.read(6), "shown\n");
        EXPECT_TRUE(pty.slave.blocks());
        auto late = co_await (timeout(1ms, reader.read_line()) | as_result);
        EXPECT_FALSE(late);
        pty.master.write("more\n");
        EXPECT_EQ(co_await reader.read_line(), "more\n");
    }());
}

TEST(Pipe, ThePtysMasterToo) {
    for (bool non_blocking : {false, true}) {
        in_loop([](bool ours_alone) -> task<> {
            terminal pty;
            if (ours_alone) ::fcntl(pty.master.fd, F_SETFL, O_RDWR | O_NONBLOCK);
            auto reader = open_reader(pty.master.fd);
            auto writer = open_writer(pty.master.fd);
            pty.slave.write("out\n");
            EXPECT_EQ(co_await reader.read_line(), "out\n");
            auto late = co_await (timeout(1ms, reader.read_line()) | as_result);
            EXPECT_FALSE(late);
            co_await writer.write("in\n");
            while (pty.slave.waiting() < 3) co_await sleep(1ms);
            EXPECT_EQ(pty.slave.read(3), "in\n");
            pty.slave.close();
            auto end = co_await reader.read();
            EXPECT_FALSE(end);
        }(non_blocking));
    }
}

TEST(Pipe, ADroppedReaderLeavesNoThreadBehind) {
    // A blocking master is read in a thread or in the ring; the drop and the end of the loop get it out of there.
    for (int i = 0; i < 20; ++i)
        in_loop([]() -> task<> {
            terminal pty;
            auto reader = open_reader(pty.master.fd);
            auto late = co_await (timeout(1ms, reader.read()) | as_result);
            EXPECT_FALSE(late);
            reader = {};
            auto second = open_reader(pty.master.fd);
            task_group group;
            group.spawn([](stream_reader& from) -> task<> { co_await from.read(); }(second));
            co_await yield();
        }());
}

class Fifo : public ::testing::Test {
protected:
    Fifo() { ::mkfifo(name.c_str(), 0600); }
    temporary_directory directory;
    std::string name = directory / "fifo";
};

TEST_F(Fifo, BothSidesFindEachOther) {
    in_loop([&]() -> task<> {
        auto reader = co_await open_fifo_reader(name);
        auto early = co_await (timeout(2ms, reader.read()) | as_result);  // not the end: there has been no writer yet
        EXPECT_FALSE(early);
        auto writer = co_await open_fifo_writer(name);
        co_await writer.write("through the fifo\n");
        co_await writer.close();
        EXPECT_EQ(co_await reader.read_line(), "through the fifo\n");
        auto end = co_await reader.read_line();
        EXPECT_FALSE(end);
    }());
}

TEST_F(Fifo, AWriterWaitsForAReaderAndNobodyElseDoes) {
    in_loop([&]() -> task<> {
        auto writes = [](std::string to) -> task<int> {
            auto writer = co_await open_fifo_writer(to);
            co_await writer.write("hello\n");
            co_await writer.close();
            co_return 1;
        };
        auto reads = [](std::string from) -> task<int> {
            co_await sleep(2ms);
            auto reader = co_await open_fifo_reader(from);
            EXPECT_EQ(co_await reader.read_line(), "hello\n");
            co_return 1;
        };
        co_await gather(writes(name), reads(name));
    }());
}

TEST_F(Fifo, WaitingForAReaderMayBeCancelled) {
    in_loop([&]() -> task<> {
        auto late = co_await (timeout(3ms, open_fifo_writer(name)) | as_result);
        EXPECT_FALSE(late);
        {
            task_group group;
            group.spawn([](std::string to) -> task<> { co_await open_fifo_writer(to); }(name));
            co_await settle();
        }
    }());
}

TEST_F(Fifo, OtherFilesAreRefused) {
    const std::string file = directory / "file";
    put(file, "x");
    in_loop([&]() -> task<> {
        auto reader = co_await (open_fifo_reader(file) | as_result);
        EXPECT_EQ(message_of(reader), "open " + file + ": Invalid argument (errno 22)");
        auto writer = co_await (open_fifo_writer(file) | as_result);
        EXPECT_EQ(message_of(writer), "open " + file + ": Invalid argument (errno 22)");
        auto missing = co_await (open_fifo_reader(directory / "none") | as_result);
        EXPECT_FALSE(missing);
    }());
}

}  // namespace
}  // namespace leat::testing
