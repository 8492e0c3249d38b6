// What asyncio promises of its streams, as Python 3.11's own tests have it: test/test_asyncio/test_streams.py. Each test names the one that it
// follows; where leat differs, README.md says why. What Python feeds into a reader by hand comes over a connection here.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view data = "line1\nline2\nline3\n";

/// A reader that has been sent this, and its peer.
task<connected> fed(std::string_view content, std::size_t limit = 64 * 1024) {
    connect_options options;
    options.limit = {limit};
    auto pair = co_await connect_pair(options);
    pair.peer.send(content);
    co_return pair;
}

task<std::string> read_to_end(stream_reader& from) {
    std::string all;
    while (auto piece = co_await from.read()) all += *piece;
    co_return all;
}

/// A handler that answers each line with itself.
task<> echo(stream_reader reader, stream_writer writer) {
    auto line = co_await reader.read_line();
    if (line) co_await writer.write(*line);
    co_await writer.close();
}

// test_streams.StreamTests.test_open_connection
TEST(Streams, OpenConnection) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(echo, {"127.0.0.1", 0});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
        co_await writer.write("GET / HTTP/1.0\r\n\r\n");
        EXPECT_EQ(co_await reader.read_line(), "GET / HTTP/1.0\r\n");
        co_await writer.close();
        co_await server.close();
    }());
}

// test_streams.StreamTests.test_open_connection_error
TEST(Streams, AnErrorOfTheConnectionReachesTheRead) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("unread");
        pair.peer.reset();
        auto first = co_await (pair.reader.read() | as_result);
        auto second = co_await (pair.reader.read() | as_result);
        EXPECT_EQ((first ? second : first).error().code(), std::errc::connection_reset);
    }());
}

// test_streams.StreamTests.test_open_unix_connection, test_start_unix_server
TEST(Streams, OpenUnixConnection) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        auto server = co_await start_unix_server(echo, path);
        auto [reader, writer] = co_await open_unix_connection(path);
        co_await writer.write("GET / HTTP/1.0\r\n\r\n");
        EXPECT_EQ(co_await reader.read_line(), "GET / HTTP/1.0\r\n");
        co_await writer.close();
        co_await server.close();
    }(directory / "socket"));
}

// test_streams.StreamTests.test_open_unix_connection_error
TEST(Streams, AnErrorOfAUnixConnectionReachesTheRead) {
    in_loop([]() -> task<> {
        auto [ours, theirs] = unix_socket_pair();
        co_await theirs.writer.write("never read");
        co_await ours.writer.write("never read either");
        co_await theirs.writer.drain();
        while (ours.reader.buffered().empty() && theirs.writer.buffered() + ours.writer.buffered() > 0) co_await yield();
        // A unix socket that is closed with unread bytes in it resets the connection.
        theirs.writer.set_linger(0s);
        co_await theirs.writer.close();
        std::string all;
        auto outcome = co_await ([](stream_reader& from, std::string& into) -> task<> {
            while (auto piece = co_await from.read()) into += *piece;
        }(ours.reader, all) | as_result);
        EXPECT_EQ(all, "never read");
        if (!outcome) {
            EXPECT_EQ(outcome.error().code(), std::errc::connection_reset);
        }
    }());
}

// test_streams.StreamTests.test_feed_nonempty_data
// test_streams.StreamTests.test_read_line_breaks
TEST(Streams, ReadReturnsWhatIsThereUpToItsBound) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("line1\nline2");
        EXPECT_EQ(co_await pair.reader.read(bytes{5}), "line1");
        EXPECT_EQ(pair.reader.buffered(), "\nline2");
    }());
}

// test_streams.StreamTests.test_read_zero
TEST(Streams, ReadOfNothing) {
    in_loop([]() -> task<> {
        auto pair = co_await fed(data);
        EXPECT_EQ(co_await pair.reader.read(bytes{0}), "");
        EXPECT_EQ(co_await pair.reader.read_exactly(data.size()), data);
    }());
}

// test_streams.StreamTests.test_read
TEST(Streams, ReadWaitsForData) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        auto reads = [](stream_reader& from) -> task<std::string> { co_return std::string{(co_await from.read(bytes{30})).value_or("")}; };
        auto sends = [](raw_socket& peer) -> task<int> {
            co_await settle();
            peer.send(data);
            co_return 0;
        };
        auto [got, ignored] = co_await gather(reads(pair.reader), sends(pair.peer));
        (void)ignored;
        EXPECT_EQ(got, data);
        EXPECT_EQ(pair.reader.buffered(), "");
    }());
}

// test_streams.StreamTests.test_read_eof
// test_streams.StreamTests.test_feed_empty_data
TEST(Streams, ReadAtTheEnd) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.shut_down_sending();
        auto end = co_await pair.reader.read(bytes{1024});
        EXPECT_FALSE(end);  // b'' there
        end = co_await pair.reader.read(bytes{1024});
        EXPECT_FALSE(end);
        EXPECT_EQ(pair.reader.buffered(), "");
    }());
}

// test_streams.StreamTests.test_read_until_eof
TEST(Streams, ReadUntilTheEnd) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("chunk1\n");
        auto sends = [](raw_socket& peer) -> task<int> {
            co_await settle();
            peer.send("chunk2");
            peer.shut_down_sending();
            co_return 0;
        };
        auto [all, ignored] = co_await gather(read_to_end(pair.reader), sends(pair.peer));
        (void)ignored;
        EXPECT_EQ(all, "chunk1\nchunk2");
    }());
}

// test_streams.StreamTests.test_read_limit
TEST(Streams, TheLimitDoesNotCutARead) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("chunk", 3);
        EXPECT_EQ(co_await pair.reader.read(bytes{5}), "chunk");
        EXPECT_EQ(pair.reader.buffered(), "");
    }());
}

// test_streams.StreamTests.test_readline
TEST(Streams, ReadLineWaitsForItsEnd) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("chunk1 ");
        auto reads = [](stream_reader& from) -> task<std::string> { co_return std::string{(co_await from.read_line()).value_or("")}; };
        auto sends = [](raw_socket& peer) -> task<int> {
            co_await settle();
            peer.send("chunk2 ");
            co_await settle();
            peer.send("chunk3 \n chunk4");
            co_return 0;
        };
        auto [line, ignored] = co_await gather(reads(pair.reader), sends(pair.peer));
        (void)ignored;
        EXPECT_EQ(line, "chunk1 chunk2 chunk3 \n");
        EXPECT_EQ(pair.reader.buffered(), " chunk4");
    }());
}

// test_streams.StreamTests.test_readline_limit_with_existing_data
// test_streams.StreamTests.test_readline_limit
TEST(Streams, ALineAboveTheLimitIsAnErrorAndStays) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("line1\nline2\n", 3);
        auto line = co_await (pair.reader.read_line() | as_result);
        EXPECT_THROW(line.value(), limit_error);
        // There the first line is gone; here it can still be had.
        EXPECT_EQ(co_await pair.reader.read_line(bytes{100}), "line1\n");
        auto unfinished = co_await fed("line", 3);
        line = co_await (unfinished.reader.read_line() | as_result);
        EXPECT_THROW(line.value(), limit_error);
        EXPECT_EQ(unfinished.reader.buffered(), "line");
    }());
}

// test_streams.StreamTests.test_readline_limit
TEST(Streams, TheLimitIsStrict) {
    in_loop([]() -> task<> {
        // It counts the '\n' here, and not there.
        auto pair = co_await fed("1234567\n", 8);
        EXPECT_EQ(co_await pair.reader.read_line(), "1234567\n");
        pair.peer.send("12345678\n");
        auto line = co_await (pair.reader.read_line() | as_result);
        EXPECT_THROW(line.value(), limit_error);
    }());
}

// test_streams.StreamTests.test_at_eof
TEST(Streams, AtEof) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("some data\n");
        EXPECT_FALSE(pair.reader.at_eof());
        co_await pair.reader.read_line();
        EXPECT_FALSE(pair.reader.at_eof());
        pair.peer.send("some data\n");
        pair.peer.shut_down_sending();
        co_await pair.reader.read_line();
        auto end = co_await pair.reader.read();
        EXPECT_FALSE(end);
        EXPECT_TRUE(pair.reader.at_eof());
    }());
}

// test_streams.StreamTests.test_readline_nolimit_nowait
// test_streams.StreamTests.test_readline_read_byte_count
TEST(Streams, LinesAndBytesTakeTurns) {
    in_loop([]() -> task<> {
        auto pair = co_await fed(data);
        EXPECT_EQ(co_await pair.reader.read_line(), "line1\n");
        EXPECT_EQ(pair.reader.buffered(), "line2\nline3\n");
        EXPECT_EQ(co_await pair.reader.read(bytes{7}), "line2\nl");
        EXPECT_EQ(pair.reader.buffered(), "ine3\n");
    }());
}

// test_streams.StreamTests.test_readline_eof
// test_streams.StreamTests.test_readline_empty_eof
TEST(Streams, TheLastLineMayLackItsEnd) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("some data");
        pair.peer.shut_down_sending();
        EXPECT_EQ(co_await pair.reader.read_line(), "some data");
        auto end = co_await pair.reader.read_line();
        EXPECT_FALSE(end);
    }());
}

// test_streams.StreamTests.test_read_exception
// test_streams.StreamTests.test_readline_exception
// test_streams.StreamTests.test_readexactly_exception
// test_streams.StreamTests.test_exception
// test_streams.StreamTests.test_exception_waiter
TEST(Streams, AnErrorComesAfterTheBytesBeforeItAndStays) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("line\nrest");
        EXPECT_EQ(co_await pair.reader.read_line(), "line\n");
        co_await pair.writer.write("never read");
        co_await settle();
        pair.peer.close();  // with bytes unread: a reset
        auto rest = co_await (pair.reader.read_exactly(10) | as_result);
        EXPECT_FALSE(rest);
        for (int i = 0; i < 2; ++i) {
            auto line = co_await (pair.reader.read_line() | as_result);
            EXPECT_EQ(line.error().code(), std::errc::connection_reset);
        }
    }());
}

// test_streams.StreamTests.test_exception_cancel
TEST(Streams, ACancelledReadDoesNotDisturbTheNext) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        {
            task_group group;
            group.spawn([](stream_reader& from) -> task<> { co_await from.read_line(); }(pair.reader));
            co_await settle();
            group.cancel();
            co_await group.join();
        }
        pair.peer.send("line\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "line\n");
    }());
}

// test_streams.StreamTests.test_readuntil_multi_chunks
TEST(Streams, ReadUntil) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("lineAAA");
        EXPECT_EQ(co_await pair.reader.read_until("AAA"), "lineAAA");
        EXPECT_EQ(pair.reader.buffered(), "");
        pair.peer.send("lineAAAxxx");
        EXPECT_EQ(co_await pair.reader.read_until("AAA"), "lineAAA");
        EXPECT_EQ(pair.reader.buffered(), "xxx");
    }());
}

// test_streams.StreamTests.test_readuntil_multi_chunks_1
TEST(Streams, ReadUntilASeparatorThatComesInPieces) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        auto reads = [](stream_reader& from) -> task<std::string> { co_return std::string{(co_await from.read_until("aaa")).value_or("")}; };
        auto sends = [](raw_socket& peer, std::string_view one, std::string_view two, std::string_view three) -> task<int> {
            for (auto piece : {one, two, three}) {
                if (!piece.empty()) peer.send(piece);
                co_await settle();
            }
            co_return 0;
        };
        const std::pair<std::string_view, std::string_view> cases[] = {{"QWEaa|XYaa|a", "QWEaaXYaaa"}, {"QWEaa|XYa|aa", "QWEaaXYaaa"}, {"aaa||", "aaa"},
                                                                       {"Xaaa||", "Xaaa"}, {"XXXa|a|a", "XXXaaa"}};
        for (const auto& [pieces, whole] : cases) {
            const auto first = pieces.find('|');
            const auto second = pieces.find('|', first + 1);
            auto [got, ignored] = co_await gather(reads(pair.reader),
                                                  sends(pair.peer, pieces.substr(0, first), pieces.substr(first + 1, second - first - 1), pieces.substr(second + 1)));
            (void)ignored;
            EXPECT_EQ(got, whole);
            EXPECT_EQ(pair.reader.buffered(), "");
        }
    }());
}

// test_streams.StreamTests.test_readuntil_eof
TEST(Streams, ReadUntilTheStreamEndsBefore) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("some dataAA");
        pair.peer.shut_down_sending();
        auto outcome = co_await (pair.reader.read_until("AAA") | as_result);
        try {
            outcome.value();
            ADD_FAILURE();
        } catch (const incomplete_read& e) {
            EXPECT_EQ(e.received(), 11u);
            EXPECT_EQ(e.expected(), 0u);
        }
        EXPECT_EQ(co_await pair.reader.read(), "some dataAA");  // in the exception there
    }());
}

// test_streams.StreamTests.test_readuntil_limit_found_sep
TEST(Streams, ReadUntilAboveTheLimitKeepsTheData) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("some dataAA", 3);
        auto outcome = co_await (pair.reader.read_until("AAA") | as_result);
        EXPECT_THROW(outcome.value(), limit_error);
        EXPECT_EQ(pair.reader.buffered(), "some dataAA");
        pair.peer.send("A");
        outcome = co_await (pair.reader.read_until("AAA") | as_result);
        EXPECT_THROW(outcome.value(), limit_error);
        EXPECT_EQ(co_await pair.reader.read_until(bytes{100}, "AAA"), "some dataAAA");
    }());
}

// test_streams.StreamTests.test_readuntil_separator, test_invalid_limit
TEST(Streams, AnEmptySeparatorAndALimitOfNothingFindNothing) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("a\n", 1);
        auto outcome = co_await (pair.reader.read_until("") | as_result);
        EXPECT_FALSE(outcome);
        outcome = co_await (pair.reader.read_line(bytes{0}) | as_result);
        EXPECT_THROW(outcome.value(), limit_error);
        EXPECT_EQ(co_await pair.reader.read_line(bytes{2}), "a\n");
    }());
}

// test_streams.StreamTests.test_readexactly_zero_or_less
TEST(Streams, ReadExactlyNothing) {
    in_loop([]() -> task<> {
        auto pair = co_await fed(data);
        EXPECT_EQ(co_await pair.reader.read_exactly(0), "");
        EXPECT_EQ(co_await pair.reader.read_exactly(data.size()), data);
    }());
}

// test_streams.StreamTests.test_readexactly
TEST(Streams, ReadExactlyWaits) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        auto reads = [](stream_reader& from) -> task<std::string> { co_return std::string{co_await from.read_exactly(2 * data.size())}; };
        auto sends = [](raw_socket& peer) -> task<int> {
            peer.send(data);
            co_await settle();
            peer.send(std::string{data} + std::string{data});
            co_return 0;
        };
        auto [got, ignored] = co_await gather(reads(pair.reader), sends(pair.peer));
        (void)ignored;
        EXPECT_EQ(got, std::string{data} + std::string{data});
        EXPECT_EQ(pair.reader.buffered(), data);
    }());
}

// test_streams.StreamTests.test_readexactly_limit
TEST(Streams, TheLimitDoesNotConcernReadExactly) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("chunk", 3);
        EXPECT_EQ(co_await pair.reader.read_exactly(5), "chunk");
    }());
}

// test_streams.StreamTests.test_readexactly_eof
TEST(Streams, ReadExactlyWhereTheStreamEndsBefore) {
    in_loop([]() -> task<> {
        auto pair = co_await fed(data);
        pair.peer.shut_down_sending();
        auto outcome = co_await (pair.reader.read_exactly(2 * data.size()) | as_result);
        try {
            outcome.value();
            ADD_FAILURE();
        } catch (const incomplete_read& e) {
            EXPECT_EQ(e.received(), data.size());
            EXPECT_EQ(e.expected(), 2 * data.size());
        }
        EXPECT_EQ(co_await pair.reader.read(), data);
    }());
}

// test_streams.StreamTests.test_start_server
TEST(Streams, StartServer) {
    in_loop([]() -> task<> {
        for (int i = 0; i < 2; ++i) {
            auto server = co_await start_server(echo, {"127.0.0.1", 0});
            auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
            co_await writer.write("hello world!\n");
            EXPECT_EQ(co_await reader.read_line(), "hello world!\n");
            co_await writer.close();
            co_await server.close();
        }
    }());
}

// test_streams.StreamTests.test_read_all_from_pipe_reader
TEST(Streams, ReadAllFromAPipe) {
    in_loop([]() -> task<> {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        auto reader = open_reader(ends[0]);
        reader.set_limit(bytes{1});
        auto process = co_await spawn_process({"printf", "data"}, {.standard_output = stdio::descriptor(ends[1])});
        co_await process.wait();
        ::close(ends[0]);
        ::close(ends[1]);
        EXPECT_EQ(co_await read_to_end(reader), "data");
    }());
}

// test_streams.StreamTests.test_multiple_drain
TEST(Streams, ManyMayDrainAtOnce) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.writer.set_water_marks(bytes{64 * 1024}, bytes{1});
        int drained = 0;
        task_group group;
        // More than the sockets take, so that it stays above the mark until the peer reads.
        group.spawn([](stream_writer& to) -> task<> {
            const std::string large(16 << 20, 'x');
            co_await to.write(large);
        }(pair.writer));
        co_await settle();
        for (int i = 0; i < 10; ++i)
            group.spawn([](stream_writer& to, int& count) -> task<> {
                co_await to.drain();
                ++count;
            }(pair.writer, drained));
        co_await settle();
        EXPECT_EQ(drained, 0);
        auto received = co_await to_thread(receive_exactly_from, pair.peer.fd(), std::size_t{16 << 20});
        EXPECT_EQ(received.size(), std::size_t{16 << 20});
        co_await group.join();
        EXPECT_EQ(drained, 10);
    }());
}

// test_streams.StreamTests.test_drain_raises
TEST(Streams, WritingOnAndOnToOneThatIsGoneEndsInAnError) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.close();
        auto writes = [](stream_writer& to) -> task<> {
            for (;;) {
                co_await to.write("foo\n");
                co_await to.drain();
            }
        };
        auto outcome = co_await (writes(pair.writer) | as_result);
        const auto code = outcome.error().code();
        EXPECT_TRUE(code == std::errc::connection_reset || code == std::errc::broken_pipe) << outcome.error().message();
    }());
}

// test_streams.StreamTests.test_wait_closed_on_close
// test_streams.StreamTests.test_async_writer_api
TEST(Streams, CloseAfterEverythingWasRead) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("HTTP/1.0 200 OK\r\nTest message");
        pair.peer.shut_down_sending();
        EXPECT_EQ(co_await pair.reader.read_line(), "HTTP/1.0 200 OK\r\n");
        EXPECT_EQ(co_await read_to_end(pair.reader), "Test message");
        co_await pair.writer.close();
    }());
}

// test_streams.StreamTests.test_wait_closed_on_close_with_unread_data
TEST(Streams, CloseWithUnreadData) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("HTTP/1.0 200 OK\r\nTest message");
        pair.peer.shut_down_sending();
        EXPECT_EQ(co_await pair.reader.read_line(), "HTTP/1.0 200 OK\r\n");
        co_await pair.writer.close();
    }());
}

// test_streams.StreamTests.test_async_writer_api_exception_after_close
TEST(Streams, AWriteAfterCloseIsAnError) {
    in_loop([]() -> task<> {
        auto pair = co_await fed("HTTP/1.0 200 OK\r\n");
        pair.peer.shut_down_sending();
        co_await pair.writer.close();
        auto written = co_await (pair.writer.write("data") | as_result);
        EXPECT_EQ(written.error().code(), std::errc::broken_pipe);
        auto drained = co_await (pair.writer.drain() | as_result);
        EXPECT_FALSE(drained);
    }());
}

// test_streams.StreamTests.test_eof_feed_when_closing_writer
TEST(Streams, ClosingTheWriterEndsTheReader) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.shut_down_sending();
        co_await pair.writer.close();
        EXPECT_TRUE(pair.reader.at_eof());
        auto end = co_await pair.reader.read();
        EXPECT_FALSE(end);
    }());
}

}  // namespace
}  // namespace leat::testing
