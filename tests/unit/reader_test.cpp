#include "leat/io/reader.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// A task that waits in a read while the test goes on; its line, or "<end>".
task<> keep_line(stream_reader& reader, std::string& into) {
    auto line = co_await reader.read_line();
    into = std::string{line.value_or("<end>")};
}

class Reader : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Family, Reader, ::testing::Values(false, true), [](const auto& i) { return i.param ? "ipv6" : "ipv4"; });

TEST_P(Reader, ReadsLinesToTheEnd) {
    in_loop([](bool ipv6) -> task<> {
        auto pair = co_await connect_pair({}, ipv6);
        pair.peer.send("one\ntwo\n\nlast");
        pair.peer.close();
        std::vector<std::string> lines;
        while (auto line = co_await pair.reader.read_line()) lines.emplace_back(*line);
        EXPECT_EQ(lines, (std::vector<std::string>{"one\n", "two\n", "\n", "last"}));
        EXPECT_TRUE(pair.reader.at_eof());
        auto again = co_await pair.reader.read_line();
        EXPECT_FALSE(again);
    }(GetParam()));
}

TEST_P(Reader, KnowsBothAddresses) {
    in_loop([](bool ipv6) -> task<> {
        auto pair = co_await connect_pair({}, ipv6);
        EXPECT_EQ(pair.writer.peer_address().is_ipv6(), ipv6);
        EXPECT_EQ(pair.writer.peer_address().port(), pair.peer.port());
        EXPECT_EQ(pair.writer.peer_address().host(), ipv6 ? "::1" : "127.0.0.1");
        EXPECT_NE(pair.writer.local_address().port(), 0);
    }(GetParam()));
}

TEST(ReaderRead, GivesWhatIsThere) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("hello world");
        EXPECT_EQ(co_await pair.reader.read(bytes{5}), "hello");
        EXPECT_EQ(pair.reader.buffered(), " world");
        EXPECT_EQ(co_await pair.reader.read(bytes{0}), "");
        EXPECT_EQ(co_await pair.reader.read(), " world");
        EXPECT_FALSE(pair.reader.at_eof());
        pair.peer.close();
        auto end = co_await pair.reader.read();
        EXPECT_FALSE(end);
        EXPECT_TRUE(pair.reader.at_eof());
    }());
}

TEST(ReaderRead, ByteByByteArrivalsMakeOneLine) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::string line;
        task_group group;
        group.spawn(keep_line(pair.reader, line));
        for (char c : std::string{"slowly\n"}) {
            pair.peer.send(std::string(1, c));
            co_await settle();
        }
        co_await group.join();
        EXPECT_EQ(line, "slowly\n");
    }());
}

TEST(ReaderReadUntil, TheSeparatorThatEndsFirstWins) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("a;b,c;;d--e");
        EXPECT_EQ(co_await pair.reader.read_until(",", ";"), "a;");
        EXPECT_EQ(co_await pair.reader.read_until(";", ","), "b,");
        EXPECT_EQ(co_await pair.reader.read_until(";;", ";"), "c;");
        EXPECT_EQ(co_await pair.reader.read_until("--e", "--", ";d"), ";d");
        EXPECT_EQ(co_await pair.reader.read_until("-e", "--e"), "--e");
    }());
}

// "xab" begins before "b" and ends with it: one end, and everything before it.
TEST(ReaderReadUntil, OverlappingSeparatorsThatEndTogether) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("123xab456bab");
        EXPECT_EQ(co_await pair.reader.read_until("xab", "b"), "123xab");
        EXPECT_EQ(co_await pair.reader.read_until("bab", "ab"), "456bab");
    }());
}

TEST(ReaderReadUntil, ASeparatorSplitAcrossArrivalsIsFound) {
    for (std::size_t split = 1; split < 8; ++split)
        in_loop([](std::size_t at) -> task<> {
            const std::string sent = "abc\r\n\r\nrest";
            auto pair = co_await connect_pair();
            std::string got;
            auto reads = [&]() -> task<> {
                auto head = co_await pair.reader.read_until("\r\n\r\n", "zz");
                got = std::string{*head};
            };
            task_group group;
            group.spawn(reads());
            co_await settle();
            pair.peer.send(sent.substr(0, at));
            co_await settle();
            pair.peer.send(sent.substr(at));
            co_await group.join();
            EXPECT_EQ(got, "abc\r\n\r\n") << at;
            EXPECT_EQ(co_await pair.reader.read_exactly(4), "rest");
        }(split));
}

TEST(ReaderReadUntil, AStreamThatEndsWithoutItKeepsTheBytes) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("no separator");
        pair.peer.close();
        std::string text;
        try {
            co_await pair.reader.read_until("|");
        } catch (const incomplete_read& e) {
            text = e.what();
            EXPECT_EQ(e.expected(), 0u);
            EXPECT_EQ(e.received(), 12u);
        }
        EXPECT_EQ(text, "read_until " + pair.writer.peer_address().to_string() + ": the stream ended after 12 bytes, before the separator");
        EXPECT_EQ(co_await pair.reader.read(), "no separator");
        auto end = co_await pair.reader.read_until("|");
        EXPECT_FALSE(end);
    }());
}

TEST(ReaderReadExactly, WaitsForAll) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::string got;
        auto reads = [&]() -> task<> { got = std::string{co_await pair.reader.read_exactly(10)}; };
        task_group group;
        group.spawn(reads());
        pair.peer.send("01234");
        co_await settle();
        EXPECT_EQ(got, "");
        pair.peer.send("56789abc");
        co_await group.join();
        EXPECT_EQ(got, "0123456789");
        EXPECT_EQ(co_await pair.reader.read_exactly(0), "");
        EXPECT_EQ(co_await pair.reader.read_exactly(3), "abc");
    }());
}

TEST(ReaderReadExactly, AStreamThatEndsBeforeKeepsTheBytes) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("1234");
        pair.peer.close();
        std::string text;
        try {
            co_await pair.reader.read_exactly(9);
        } catch (const incomplete_read& e) {
            text = e.what();
            EXPECT_EQ(e.expected(), 9u);
            EXPECT_EQ(e.received(), 4u);
        }
        EXPECT_NE(text.find("the stream ended after 4 of 9 bytes"), std::string::npos) << text;
        EXPECT_EQ(co_await pair.reader.read(), "1234");
        EXPECT_TRUE(pair.reader.at_eof());
    }());
}

TEST(ReaderReadExactly, ABigPieceArrivesWhole) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::string sent(3 << 20, ' ');
        for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 + i / 4096);
        auto sends = [&] { pair.peer.send(sent); };
        auto reads = [&]() -> task<> {
            const auto got = co_await pair.reader.read_exactly(sent.size());
            EXPECT_TRUE(got == sent);
        };
        co_await gather(to_thread(sends), reads());
    }());
}

TEST(ReaderReadExactly, MoreThanAGigabyteIsRefused) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        for (std::size_t count : {(std::size_t{1} << 30) + 1, std::size_t{1} << 33}) {
            bool refused = false;
            try {
                co_await pair.reader.read_exactly(count);
            } catch (const std::length_error&) {
                refused = true;
            }
            EXPECT_TRUE(refused) << count;
        }
    }());
}

TEST(ReaderLimit, ALongLineIsAnErrorThatKeepsTheData) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.limit = bytes{100}});
        const std::string line = std::string(500, 'l') + "\n";
        pair.peer.send(line + "next\n");
        std::string text;
        try {
            co_await pair.reader.read_line();
        } catch (const limit_error& e) {
            text = e.what();
            EXPECT_EQ(e.limit(), 100u);
        }
        EXPECT_NE(text.find(": no end within the limit of 100 bytes"), std::string::npos) << text;
        EXPECT_NE(text.find(pair.writer.peer_address().to_string()), std::string::npos) << text;
        EXPECT_EQ(co_await pair.reader.read_line(bytes{1000}), line);
        EXPECT_EQ(co_await pair.reader.read_line(), "next\n");
    }());
}

TEST(ReaderLimit, ThePieceMayBeTakenInstead) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.limit = bytes{10}});
        std::string all;
        pair.peer.send(std::string(25, 'x') + "\nok\n");
        pair.peer.close();
        while (all.size() < 26) {
            auto outcome = co_await (pair.reader.read_line() | as_result);
            if (outcome) {
                all += **outcome;
            } else {
                auto piece = co_await pair.reader.read(bytes{10});
                all += *piece;
            }
        }
        EXPECT_EQ(all, std::string(25, 'x') + "\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "ok\n");
    }());
}

TEST(ReaderLimit, ALineOfExactlyTheLimitIsFine) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.limit = bytes{10}});
        pair.peer.send("123456789\n1234567890\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "123456789\n");
        auto over = co_await (pair.reader.read_line() | as_result);
        EXPECT_FALSE(over);
    }());
}

TEST(ReaderLimit, TheLongestLimitsAreLimits) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.limit = bytes{std::size_t{1} << 32}});
        EXPECT_GT(pair.reader.limit().count, 1u << 20);
        pair.peer.send("a\nb\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "a\n");
        pair.reader.set_limit(bytes{std::size_t{1} << 33});
        EXPECT_EQ(co_await pair.reader.read_line(), "b\n");
    }());
}

TEST(ReaderLimit, HoldsForReadUntil) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send(std::string(50, 'u') + "||");
        auto over = co_await (pair.reader.read_until(bytes{51}, "||") | as_result);
        EXPECT_FALSE(over);
        EXPECT_EQ(co_await pair.reader.read_until(bytes{52}, "||"), std::string(50, 'u') + "||");
    }());
}

TEST(ReaderViews, StayWhileMoreArrives) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        const std::string first(3000, 'a');
        pair.peer.send(first + "\n");
        auto line = co_await pair.reader.read_line();
        for (int i = 0; i < 10; ++i) {
            pair.peer.send(std::string(6000, static_cast<char>('b' + i)));
            co_await settle();
            EXPECT_TRUE(*line == first + "\n") << i;
        }
        EXPECT_GE(pair.reader.buffered().size(), 6'000u);
        EXPECT_TRUE(*line == first + "\n");
        auto rest = co_await pair.reader.read_exactly(60'000);
        for (int i = 0; i < 10; ++i) EXPECT_EQ(rest[static_cast<std::size_t>(i) * 6000], 'b' + i);
    }());
}

TEST(ReaderViews, StayWhileMoreArrivesAfterBulk) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.limit = bytes{4 << 20}});
        // Enough in full pieces that it is received straight into its own buffer.
        std::string expected;
        for (int i = 0; i < 64; ++i) expected += std::string(16 * 1024, static_cast<char>('A' + i % 26));
        auto sends = [&] { pair.peer.send(expected); };
        auto reads = [&]() -> task<> {
            std::string all;
            while (all.size() < expected.size()) {
                auto piece = co_await pair.reader.read();
                const std::string before{*piece};
                co_await settle(3);
                EXPECT_TRUE(before == *piece);
                all += before;
            }
            EXPECT_TRUE(all == expected);
        };
        co_await gather(to_thread(sends), reads());
    }());
}

TEST(ReaderMix, EveryKindOneAfterTheOther) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::string sent;
        for (int i = 0; i < 2000; ++i) sent += "line " + std::to_string(i) + "\n" + "field;" + std::string(7, 'e') + "r";
        auto sends = [&] { pair.peer.send(sent); };
        auto reads = [&]() -> task<> {
            for (int i = 0; i < 2000; ++i) {
                auto line = co_await pair.reader.read_line();
                EXPECT_EQ(*line, "line " + std::to_string(i) + "\n");
                auto field = co_await pair.reader.read_until(";");
                EXPECT_EQ(*field, "field;");
                auto exact = co_await pair.reader.read_exactly(7);
                EXPECT_EQ(exact, "eeeeeee");
                auto one = co_await pair.reader.read(bytes{1});
                EXPECT_EQ(*one, "r");
            }
        };
        co_await gather(to_thread(sends), reads());
    }());
}

TEST(Reader, TwoReadsAtOnceAreALogicError) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::string line;
        task_group group;
        group.spawn(keep_line(pair.reader, line));
        co_await settle();
        std::string text;
        try {
            co_await pair.reader.read();
        } catch (const std::logic_error& e) {
            text = e.what();
        }
        EXPECT_NE(text.find("two reads at once"), std::string::npos);
        pair.peer.send("still served\n");
        co_await group.join();
        EXPECT_EQ(line, "still served\n");
    }());
}

TEST(ReaderCancel, ATimeoutLoopOverAByteWiseSenderLosesNoByte) {
    in_loop([]() -> task<> {
        std::string expected;
        for (int i = 0; i < 200; ++i) expected += "record " + std::to_string(i) + (i % 3 ? "\n" : ";\n");
        auto pair = co_await connect_pair();
        std::string got;
        auto sends = [&]() -> task<> {
            for (std::size_t i = 0; i < expected.size(); ++i) {
                pair.peer.send(expected.substr(i, 1));
                if (i % 5 == 0) co_await yield();
            }
            pair.peer.close();
        };
        auto reads = [&]() -> task<> {
            for (int turn = 0;; ++turn) {
                const duration limit{turn % 7 * 10'000};
                result<std::optional<std::string_view>> outcome = failure{};
                if (turn % 3 == 0)
                    outcome = co_await (timeout(limit, pair.reader.read_line()) | as_result);
                else if (turn % 3 == 1)
                    outcome = co_await (timeout(limit, pair.reader.read_until(bytes{1 << 20}, ";")) | as_result);
                else
                    outcome = co_await (timeout(limit, pair.reader.read(bytes{3})) | as_result);
                if (!outcome) {
                    if (pair.reader.at_eof()) break;
                    if (turn % 3 == 1 && outcome.error().message().find("ended") != std::string::npos) {
                        auto rest = co_await pair.reader.read();
                        got += rest.value_or("");
                    }
                    continue;
                }
                if (!*outcome) break;
                got += **outcome;
            }
        };
        co_await gather(sends(), reads());
        EXPECT_EQ(got, expected);
    }());
}

// The value is there, the frame dies before it was resumed: the bytes stay for the next read.
TEST(ReaderCancel, AFrameThatDiesWithItsLineLeavesTheLine) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        for (int round = 0; round < 20; ++round) {
            std::string lost;
            pair.peer.send("line\n");
            {
                task_group group;
                group.spawn(keep_line(pair.reader, lost));
                for (int i = 0; i < round; ++i) co_await yield();
            }
            if (lost.empty()) {
                auto line = co_await pair.reader.read_line();
                EXPECT_EQ(line, "line\n");
            }
        }
    }());
}

TEST(ReaderCancel, ManyAtTheTurnOfTheArrivalLoseNothing) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        int lines = 0;
        for (int round = 0; round < 300; ++round) {
            std::string got;
            task_group group;
            group.spawn(keep_line(pair.reader, got));
            co_await yield();
            pair.peer.send("x\n");
            for (int i = 0; i < round % 4; ++i) co_await yield();
            group.cancel();
            co_await group.join();
            if (!got.empty()) ++lines;
        }
        pair.peer.close();
        while (auto line = co_await pair.reader.read_line()) {
            EXPECT_EQ(*line, "x\n");
            ++lines;
        }
        EXPECT_EQ(lines, 300);
    }());
}

// Bytes without end and a reader that never waits: the budget's yield is a cancellation point.
TEST(ReaderCancel, AReaderThatNeverWaitsCanBeCancelled) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.limit = bytes{1 << 20}});
        std::atomic<bool> stop{false};
        auto sends = [&] {
            const std::string lines(1 << 16, '\n');
            while (!stop) {
                if (::send(pair.peer.fd(), lines.data(), lines.size(), MSG_NOSIGNAL) < 0) break;
            }
        };
        auto reads = [&]() -> task<> {
            while (auto line = co_await pair.reader.read_line()) EXPECT_EQ(line->size(), 1u);
        };
        auto bounded = [&]() -> task<> {
            auto outcome = co_await (timeout(20ms, reads()) | as_result);
            EXPECT_FALSE(outcome);
            stop = true;
            while (auto rest = co_await pair.reader.read()) {
            }
        };
        auto sends_and_ends = [&]() -> task<> {
            co_await to_thread(sends);
            pair.peer.shut_down_sending();
        };
        co_await gather(sends_and_ends(), bounded());
    }());
}

TEST(ReaderFaults, AResetInTheMiddleOfALineComesAfterTheDataAndNamesThePeer) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        const std::string peer = pair.writer.peer_address().to_string();
        pair.peer.send("whole\nhal");
        EXPECT_EQ(co_await pair.reader.read_line(), "whole\n");
        while (pair.reader.buffered() != "hal") co_await yield();
        pair.peer.reset();
        auto outcome = co_await (pair.reader.read_line() | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(outcome.error().message(), "read " + peer + ": Connection reset by peer (errno 104)");
        EXPECT_EQ(outcome.error().code(), std::errc::connection_reset);
        EXPECT_EQ(co_await pair.reader.read(), "hal");
        auto again = co_await (pair.reader.read() | as_result);
        EXPECT_FALSE(again);
        EXPECT_EQ(again.error().code(), std::errc::connection_reset);
    }());
}

TEST(ReaderFaults, EverythingSentBeforeAResetThatHasArrivedIsRead) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.send("a\nb\nc\n");
        while (pair.reader.buffered().empty()) {
            auto nudge = co_await (timeout(0s, pair.reader.read_exactly(100)) | as_result);
            (void)nudge;
        }
        pair.peer.reset();
        co_await settle();
        EXPECT_EQ(co_await pair.reader.read_line(), "a\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "b\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "c\n");
        auto end = co_await (pair.reader.read_line() | as_result);
        EXPECT_FALSE(end);
    }());
}

}  // namespace
}  // namespace leat::testing
