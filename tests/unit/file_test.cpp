#include "leat/fs/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

class File : public ::testing::Test {
protected:
    temporary_directory directory;
    std::string name = directory / "file";
};

/// The kernel forgets the file's pages, so that a read has to wait.
void drop_from_cache(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ::fsync(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
}

TEST_F(File, WritesAndReads) {
    in_loop([&]() -> task<> {
        auto out = co_await open(name, "w");
        co_await out.write("one\n", "two\n");
        co_await out.write("last");
        co_await out.close();
        EXPECT_FALSE(out.is_open());
        auto in = co_await open(name);
        EXPECT_EQ(co_await in.read_line(), "one\n");
        EXPECT_EQ(co_await in.read(bytes{2}), "tw");
        EXPECT_EQ(co_await in.read_exactly(4), "o\nla");
        EXPECT_EQ(co_await in.read_line(), "st");
        auto end = co_await in.read_line();
        EXPECT_FALSE(end);
        auto end_again = co_await in.read();
        EXPECT_FALSE(end_again);
    }());
}

TEST_F(File, TheModesAreThoseOfPython) {
    in_loop([&]() -> task<> {
        auto missing = co_await (open(name, "r") | as_result);
        EXPECT_EQ(missing.error().message(), "open " + name + ": No such file or directory (errno 2)");
        auto also_missing = co_await (open(name, "r+b") | as_result);
        EXPECT_EQ(also_missing.error().code(), std::errc::no_such_file_or_directory);
        {
            auto x = co_await open(name, "xb");
            co_await x.write("created");
            co_await x.close();
        }
        auto exists = co_await (open(name, "x") | as_result);
        EXPECT_EQ(exists.error().code(), std::errc::file_exists);
        {
            auto a = co_await open(name, "ab");
            EXPECT_EQ(a.tell(), 7u);
            co_await a.write("+");
            co_await a.close();
        }
        EXPECT_EQ(content_of(name), "created+");
        {
            auto r = co_await open(name, "rb+");
            co_await r.write("C");
            co_await r.close();
        }
        EXPECT_EQ(content_of(name), "Created+");
        {
            auto w = co_await open(name, "w+");
            co_await w.write("new");
            co_await w.seek(0);
            EXPECT_EQ(co_await w.read(), "new");
            co_await w.close();
        }
        EXPECT_EQ(content_of(name), "new");
        {
            auto r = co_await open(name, "r");
            auto refused = co_await (r.write("x") | as_result);
            auto closed = co_await (r.close() | as_result);
            EXPECT_TRUE(!refused || !closed);
        }
        EXPECT_EQ(content_of(name), "new");
    }());
}

TEST_F(File, AnUnknownModeIsAnInvalidArgument) {
    in_loop([&]() -> task<> {
        for (std::string_view mode : {"", "q", "rw", "r++", "bb", "+", "wx", "rt", "R"}) {
            bool refused = false;
            try {
                co_await open(name, mode);
            } catch (const std::invalid_argument&) {
                refused = true;
            }
            EXPECT_TRUE(refused) << mode;
        }
        EXPECT_EQ(::access(name.c_str(), F_OK), -1);
    }());
}

TEST_F(File, SeeksAndTells) {
    put(name, "0123456789");
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "r+");
        EXPECT_EQ(f.tell(), 0u);
        EXPECT_EQ(co_await f.read(bytes{3}), "012");
        EXPECT_EQ(f.tell(), 3u);
        EXPECT_EQ(co_await f.seek(2, file::from::current), 5u);
        EXPECT_EQ(co_await f.read(bytes{2}), "56");
        EXPECT_EQ(co_await f.seek(-1, file::from::end), 9u);
        EXPECT_EQ(co_await f.read(), "9");
        EXPECT_EQ(co_await f.seek(100), 100u);
        auto beyond = co_await f.read();
        EXPECT_FALSE(beyond);
        co_await f.seek(12);
        co_await f.write("X");
        EXPECT_EQ(f.tell(), 13u);
        EXPECT_EQ(co_await f.size(), 13u);
        for (auto offset : {std::int64_t{-1}, INT64_MIN}) {
            auto refused = co_await (f.seek(offset) | as_result);
            EXPECT_EQ(refused.error().code(), std::errc::invalid_argument);
        }
        auto overflow = co_await (f.seek(INT64_MAX, file::from::current) | as_result);
        EXPECT_EQ(overflow.error().code(), std::errc::invalid_argument);
        EXPECT_EQ(f.tell(), 13u);
        co_await f.close();
    }());
    EXPECT_EQ(content_of(name), std::string("0123456789") + '\0' + '\0' + 'X');
}

TEST_F(File, ReadsAndWritesMixInOnePosition) {
    put(name, "aaaa\nbbbb\ncccc\ndddd\n");
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "r+");
        EXPECT_EQ(co_await f.read_line(), "aaaa\n");
        co_await f.write("BB");
        EXPECT_EQ(f.tell(), 7u);
        EXPECT_EQ(co_await f.read_line(), "bb\n");
        co_await f.write("C");
        co_await f.write("C");
        EXPECT_EQ(co_await f.read_line(), "cc\n");
        co_await f.write("DDDD\nnew\n");
        auto end = co_await f.read();
        EXPECT_FALSE(end);
        co_await f.seek(0);
        EXPECT_EQ(co_await f.read_all(), "aaaa\nBBbb\nCCcc\nDDDD\nnew\n");
        co_await f.close();
    }());
    EXPECT_EQ(content_of(name), "aaaa\nBBbb\nCCcc\nDDDD\nnew\n");
}

TEST_F(File, AppendingGoesToTheEndWhereverItReads) {
    put(name, "one\ntwo\n");
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "a+");
        EXPECT_EQ(f.tell(), 8u);
        co_await f.seek(0);
        EXPECT_EQ(co_await f.read_line(), "one\n");
        co_await f.write("three\n");
        EXPECT_EQ(f.tell(), 14u);
        auto end = co_await f.read_line();
        EXPECT_FALSE(end);
        co_await f.seek(4);
        EXPECT_EQ(co_await f.read_line(), "two\n");
        EXPECT_EQ(co_await f.read_line(), "three\n");
        co_await f.seek(0);
        co_await f.write("four\n");
        EXPECT_EQ(f.tell(), 19u);
        co_await f.close();
    }());
    EXPECT_EQ(content_of(name), "one\ntwo\nthree\nfour\n");
}

TEST_F(File, AppendingFilesReadTheRightPlaceWhenNothingIsCached) {
    put(name, "one\ntwo\nthree\n");
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "a+");
        drop_from_cache(name);
        co_await f.seek(4);
        EXPECT_EQ(co_await f.read_line(), "two\n");
        co_await f.write("four\n");
        co_await f.seek(8);
        drop_from_cache(name);
        EXPECT_EQ(co_await f.read_line(), "three\n");
        co_await f.close();
    }());
}

TEST_F(File, ReadsWhatIsNotCached) {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += "line " + std::to_string(i) + "\n";
    put(name, text);
    drop_from_cache(name);
    in_loop([&]() -> task<> {
        auto in = co_await open(name);
        std::string all;
        while (auto line = co_await in.read_line()) all += *line;
        EXPECT_TRUE(all == text);
    }());
}

// The read goes on in the kernel after the time-out; the position moves meanwhile.
TEST_F(File, ACancelledReadDoesNotDisturbASeekOrAWrite) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
    in_loop([&]() -> task<> {
        for (int round = 0; round < 40; ++round) {
            put(name, text);
            drop_from_cache(name);
            auto f = co_await open(name, "r+");
            {
                task_group doomed;
                doomed.spawn([&]() -> task<> { co_await f.read_line(); });
                co_await yield();
            }
            if (round % 2 == 0) {
                co_await f.seek(5);
                EXPECT_EQ(co_await f.read_line(), "0\n");
                EXPECT_EQ(co_await f.read_line(), "line 1\n");
            } else {
                co_await f.write("LINE");
                EXPECT_EQ(f.tell(), 4u);
                EXPECT_EQ(co_await f.read_line(), " 0\n");
                EXPECT_EQ(co_await f.read_line(), "line 1\n");
            }
            co_await f.close();
            if (round % 2 == 1) {
                EXPECT_EQ(content_of(name).substr(0, 7), "LINE 0\n");
            }
        }
    }());
}

TEST_F(File, ADroppedOneWithAReadInFlightIsWrittenAllTheSame) {
    std::string text(3 << 20, 't');
    for (int round = 0; round < 20; ++round) {
        put(name, text);
        drop_from_cache(name);
        in_loop([&]() -> task<> {
            auto f = co_await open(name, "r+");
            {
                task_group doomed;
                doomed.spawn([&]() -> task<> { co_await f.read_line(); });
                co_await yield();
            }
            co_await f.write("HEAD");
        }());
        EXPECT_EQ(content_of(name).substr(0, 6), "HEADtt");
    }
}

TEST_F(File, TruncatesAndExtends) {
    put(name, "0123456789");
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "r+");
        EXPECT_EQ(co_await f.read(bytes{4}), "0123");
        co_await f.truncate();
        EXPECT_EQ(co_await f.size(), 4u);
        EXPECT_EQ(f.tell(), 4u);
        auto end = co_await f.read();
        EXPECT_FALSE(end);
        co_await f.truncate(8);
        EXPECT_EQ(co_await f.read_all(), std::string(4, '\0'));
        co_await f.seek(0);
        co_await f.write("abc");
        co_await f.truncate(2);
        EXPECT_EQ(f.tell(), 3u);
        co_await f.close();
    }());
    EXPECT_EQ(content_of(name), "ab");
}

TEST_F(File, PositionalCallsRunAtOnceAndLeaveThePosition) {
    put(name, std::string(1'000'000, '.'));
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "r+");
        EXPECT_EQ(co_await f.read(bytes{10}), "..........");
        auto one = [&](int i) -> task<> {
            const std::string mark = "<" + std::to_string(i) + ">";
            co_await f.write_at(static_cast<std::uint64_t>(i) * 1000, mark);
            const auto back = co_await f.read_at(static_cast<std::uint64_t>(i) * 1000, mark.size());
            EXPECT_EQ(back, mark);
        };
        task_group group;
        for (int i = 1; i < 500; ++i) group.spawn(one(i));
        co_await group.join();
        EXPECT_EQ(f.tell(), 10u);
        const auto tail = co_await f.read_at(999'990, 100);
        EXPECT_EQ(tail, "..........");
        const auto nothing = co_await f.read_at(2'000'000, 5);
        EXPECT_EQ(nothing, "");
        co_await f.close();
    }());
}

TEST_F(File, ReadAtSeesWhatWasWritten) {
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "w+");
        co_await f.write("buffered");
        EXPECT_EQ(co_await f.read_at(0, 8), "buffered");
        co_await f.close();
    }());
}

TEST_F(File, SyncAndFlushHandTheDataOn) {
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "w");
        co_await f.write("first");
        co_await f.flush();
        EXPECT_EQ(content_of(name), "first");
        co_await f.write("second");
        co_await f.sync();
        EXPECT_EQ(content_of(name), "firstsecond");
        co_await f.close();
        co_await f.close();
    }());
}

// A string that grows may be given more room than was asked for.
TEST_F(File, SmallOnesAreReadInTheirLength) {
    in_loop([&]() -> task<> {
        for (std::size_t size = 0; size < 80; ++size) {
            const std::string expected(size, 'x');
            co_await write_file(name, expected);
            const auto content = co_await read_file(name);
            EXPECT_EQ(content, expected) << size;
        }
    }());
}

TEST_F(File, LargeWritesArriveWhole) {
    std::string text(5 << 20, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 13 + i / 777);
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "w");
        co_await f.write("head", text, "tail");
        for (int i = 0; i < 1000; ++i) co_await f.write(std::string_view{text}.substr(0, 999));
        co_await f.close();
        std::string expected = "head" + text + "tail";
        for (int i = 0; i < 1000; ++i) expected += text.substr(0, 999);
        EXPECT_TRUE(content_of(name) == expected);
        EXPECT_TRUE(co_await read_file(name) == expected);
    }());
}

TEST_F(File, ADroppedOneIsWritten) {
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "w");
        co_await f.write("not closed");
    }());
    EXPECT_EQ(content_of(name), "not closed");
}

TEST_F(File, UsedAfterCloseItIsAClearError) {
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "w");
        co_await f.close();
        EXPECT_EQ(thrown_by([&] { (void)f.read(); }), "read " + name + ": Bad file descriptor (errno 9)");
        auto written = co_await (f.write("x") | as_result);
        EXPECT_FALSE(written);
        EXPECT_NE(written.error().message().find(name), std::string::npos) << written.error().message();
        file none;
        EXPECT_EQ(thrown_by([&] { (void)none.read_line(); }), "read (no file): Bad file descriptor (errno 9)");
        co_await none.close();
    }());
}

TEST_F(File, AFullDiskSurfacesAtClose) {
    in_loop([&]() -> task<> {
        auto f = co_await open("/dev/full", "w");
        co_await f.write("lost");
        auto closed = co_await (f.close() | as_result);
        EXPECT_EQ(closed.error().message(), "write /dev/full: No space left on device (errno 28)");
        EXPECT_EQ(closed.error().code(), std::errc::no_space_on_device);
        EXPECT_FALSE(f.is_open());
        auto written = co_await (write_file("/dev/full", "lost") | as_result);
        EXPECT_EQ(written.error().code(), std::errc::no_space_on_device);
    }());
}

TEST_F(File, AFullDiskFailsALargeWriteAndEverythingAfter) {
    in_loop([&]() -> task<> {
        auto f = co_await open("/dev/full", "w");
        const std::string large(2 << 20, 'x');
        auto first = co_await (f.write(large) | as_result);
        EXPECT_FALSE(first);
        auto second = co_await (f.write("y") | as_result);
        EXPECT_FALSE(second);
        auto flushed = co_await (f.flush() | as_result);
        EXPECT_FALSE(flushed);
    }());
}

TEST_F(File, ALineLongerThanTheLimitIsKept) {
    put(name, std::string(2 << 20, 'l') + "\nnext\n");
    in_loop([&]() -> task<> {
        auto f = co_await open(name);
        auto over = co_await (f.read_line() | as_result);
        EXPECT_FALSE(over);
        EXPECT_NE(over.error().message().find(name + ": no end within the limit of 1048576 bytes"), std::string::npos) << over.error().message();
        auto whole = co_await f.read_line(bytes{4 << 20});
        EXPECT_EQ(whole->size(), (2u << 20) + 1);
        EXPECT_EQ(co_await f.read_line(), "next\n");
        auto shorter = co_await (read_file(name, bytes{1000}) | as_result);
        EXPECT_FALSE(shorter);
    }());
}

TEST_F(File, AnIncompleteReadKeepsTheBytes) {
    put(name, "short");
    in_loop([&]() -> task<> {
        auto f = co_await open(name);
        auto outcome = co_await (f.read_exactly(10) | as_result);
        EXPECT_EQ(outcome.error().message(), "read_exactly " + name + ": the stream ended after 5 of 10 bytes");
        EXPECT_EQ(co_await f.read(), "short");
    }());
}

TEST_F(File, OneThatGrowsIsReadOn) {
    put(name, "first\n");
    in_loop([&]() -> task<> {
        auto f = co_await open(name);
        EXPECT_EQ(co_await f.read_line(), "first\n");
        auto end = co_await f.read_line();
        EXPECT_FALSE(end);
        std::ofstream(name, std::ios::app) << "second\n";
        EXPECT_EQ(co_await f.read_line(), "second\n");
    }());
}

TEST_F(File, AFileThatVanishesIsStillRead) {
    put(name, "content");
    in_loop([&]() -> task<> {
        auto f = co_await open(name);
        ::unlink(name.c_str());
        EXPECT_EQ(co_await f.read_all(), "content");
        auto again = co_await (open(name) | as_result);
        EXPECT_EQ(again.error().message(), "open " + name + ": No such file or directory (errno 2)");
        auto slurped = co_await (read_file(name) | as_result);
        EXPECT_EQ(slurped.error().message(), "open " + name + ": No such file or directory (errno 2)");
    }());
}

TEST_F(File, ADirectoryIsAClearError) {
    in_loop([&]() -> task<> {
        auto write = co_await (open(directory.string(), "w") | as_result);
        EXPECT_EQ(write.error().message(), "open " + directory.string() + ": Is a directory (errno 21)");
        auto read = co_await (read_file(directory.string()) | as_result);
        EXPECT_EQ(read.error().code(), std::errc::is_a_directory);
        auto below = co_await (write_file(name + "/x", "y") | as_result);
        EXPECT_EQ(below.error().code(), std::errc::no_such_file_or_directory);
    }());
}

TEST_F(File, AnUnwritableDirectoryIsAClearError) {
    in_loop([&]() -> task<> {
        // procfs refuses root as well.
        auto refused = co_await (open("/proc/leat-test", "w") | as_result);
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().message().find("open /proc/leat-test: "), 0u) << refused.error().message();
    }());
}

TEST_F(File, ReadsProcFiles) {
    in_loop([]() -> task<> {
        const auto status = co_await read_file("/proc/self/status");
        EXPECT_EQ(status.find("Name:"), 0u);
        auto maps = co_await open("/proc/self/maps");
        int lines = 0;
        while (auto line = co_await maps.read_line()) {
            EXPECT_EQ(line->back(), '\n');
            ++lines;
        }
        EXPECT_GT(lines, 10);
        EXPECT_EQ(co_await read_file("/dev/null"), "");
        co_await write_file("/dev/null", "gone");
        auto zero = co_await open("/dev/zero");
        EXPECT_EQ(co_await zero.read_exactly(300'000), std::string(300'000, '\0'));
    }());
}

TEST_F(File, AFifoWithoutAWriterDoesNotHoldTheLoop) {
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    in_loop([&]() -> task<> {
        // A regular file here first: then the directory is one where calls may be made directly.
        co_await write_file(directory / "other", "x");
        EXPECT_EQ(co_await read_file(directory / "other"), "x");
        int ticks = 0;
        bool opened = false;
        auto reads = [&]() -> task<> {
            auto in = co_await open(name);
            opened = true;
            EXPECT_EQ(co_await in.read_line(), "through\n");
            EXPECT_EQ(co_await in.read_line(), "the pipe\n");
            auto end = co_await in.read_line();
            EXPECT_FALSE(end);
            EXPECT_EQ(thrown_by([&] { in.tell(); }), "");
            auto no_seek = co_await (in.seek(0) | as_result);
            EXPECT_EQ(no_seek.error().code(), std::errc::invalid_seek);
        };
        auto writes = [&]() -> task<> {
            for (; ticks < 20; ++ticks) co_await sleep(1ms);
            EXPECT_FALSE(opened);
            auto out = co_await open(name, "w");
            co_await out.write("through\n");
            co_await out.flush();
            for (int i = 0; i < 5; ++i) co_await sleep(1ms);
            co_await out.write("the pipe\n");
            co_await out.close();
        };
        co_await gather(reads(), writes());
        EXPECT_EQ(ticks, 20);
    }());
}

TEST_F(File, AFifoThatNobodyWritesToCanBeGivenUp) {
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    in_loop([&]() -> task<> {
        auto opening = co_await (timeout(2ms, open(name)) | as_result);
        EXPECT_FALSE(opening);
        const int other = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
        auto in = co_await open(name);
        auto reading = co_await (timeout(2ms, in.read_line()) | as_result);
        EXPECT_FALSE(reading);
        EXPECT_EQ(::write(other, "kept\n", 5), 5);
        EXPECT_EQ(co_await in.read_line(), "kept\n");
        auto again = co_await (timeout(2ms, in.read_line()) | as_result);
        EXPECT_FALSE(again);
        co_await in.close();  // with the read still in flight
        ::close(other);
    }());
}

TEST_F(File, OneClosedUnderAReadFailsThatRead) {
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    in_loop([&]() -> task<> {
        const int other = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
        auto in = co_await open(name);
        std::string text;
        auto reads = [&]() -> task<> {
            auto outcome = co_await (in.read_line() | as_result);
            if (!outcome) text = outcome.error().message();
        };
        task_group group;
        group.spawn(reads());
        co_await settle();
        co_await in.close();
        co_await group.join();
        EXPECT_EQ(text, "read " + name + ": Bad file descriptor (errno 9)");
        ::close(other);
    }());
}

TEST_F(File, AWriterThatNeverWaitsCanBeCancelled) {
    in_loop([&]() -> task<> {
        auto f = co_await open(name, "w");
        auto writes = [&]() -> task<> {
            const std::string line(64, 'w');
            for (;;) co_await f.write(line);
        };
        auto outcome = co_await (timeout(5ms, writes()) | as_result);
        EXPECT_FALSE(outcome);
        co_await f.close();
    }());
}

TEST_F(File, AReaderThatNeverWaitsCanBeCancelled) {
    put(name, std::string(8 << 20, '\n'));
    in_loop([&]() -> task<> {
        auto f = co_await open(name);
        auto reads = [&]() -> task<> {
            for (;;) {
                auto line = co_await f.read_line();
                if (!line) co_await f.seek(0);
            }
        };
        auto outcome = co_await (timeout(5ms, reads()) | as_result);
        EXPECT_FALSE(outcome);
    }());
}

TEST_F(File, TwoReadsAtOnceAreALogicError) {
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    in_loop([&]() -> task<> {
        const int other = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
        auto in = co_await open(name);
        task_group group;
        group.spawn([&]() -> task<> { co_await in.read_line(); });
        co_await settle();
        bool refused = false;
        try {
            co_await in.read_line();
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        EXPECT_EQ(::write(other, "x\n", 2), 2);
        co_await group.join();
        ::close(other);
    }());
}

TEST_F(File, AThousandAtOnce) {
    in_loop([&]() -> task<> {
        auto one = [&](int i) -> task<> {
            const std::string path = directory / std::to_string(i);
            co_await write_file(path, "content " + std::to_string(i));
            const auto back = co_await read_file(path);
            EXPECT_EQ(back, "content " + std::to_string(i));
        };
        task_group group;
        for (int i = 0; i < 1000; ++i) group.spawn(one(i));
        co_await group.join();
    }());
}

}  // namespace
}  // namespace leat::testing
