#include "leat/io/writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "task/loop.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// A write that goes on beside the test.
task<> write_and_note(stream_writer& writer, std::string text, bool& done) {
    co_await writer.write(text);
    done = true;
}

TEST(Writer, SendsWhatWasWrittenInOrder) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        co_await pair.writer.write("a", std::string{"bc"}, std::string_view{"def"});
        co_await pair.writer.write("");
        co_await pair.writer.write("g");
        co_await pair.writer.write_eof();
        EXPECT_EQ(pair.peer.receive_all(), "abcdefg");
    }());
}

TEST(Writer, ABurstIsOneSegmentOfManyWrites) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        for (int i = 0; i < 100; ++i) co_await pair.writer.write("0123456789");
        EXPECT_EQ(pair.writer.buffered(), 1000u);  // nothing goes out before the loop's turn
        co_await yield();
        EXPECT_EQ(pair.peer.receive(4096).size(), 1000u);
    }());
}

TEST(Writer, SeveralTasksKeepTheirBytesTogether) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        auto writes = [&](char name) -> task<> {
            for (int i = 0; i < 50; ++i) {
                // Up to the mark, above it, and several times above it.
                const std::string body(i % 10 == 9 ? 200'000 : i % 10 == 4 ? 60'000 : 100, name);
                co_await pair.writer.write("<", body, ">");
            }
        };
        auto all = [&]() -> task<> {
            co_await gather(writes('a'), writes('b'), writes('c'));
            co_await pair.writer.write_eof();
        };
        const int peer = pair.peer.fd();
        auto [nothing, received] = co_await gather(all(), to_thread(receive_all_from, peer));
        (void)nothing;
        std::size_t records = 0;
        for (std::size_t at = 0; at < received.size();) {
            EXPECT_EQ(received[at], '<');
            const auto end = received.find('>', at);
            if (end == std::string::npos) break;
            EXPECT_EQ(received.find_first_not_of(received[at + 1], at + 1), end);
            at = end + 1;
            ++records;
        }
        EXPECT_EQ(records, 150u);
    }());
}

TEST(Writer, SuspendsAboveTheHighWaterMarkOnly) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({}, false, true);
        pair.writer.set_water_marks(bytes{10'000}, bytes{1'000});
        // Fill what the kernel takes, until bytes stay in the buffer.
        bool filled = false;
        task_group group;
        while (true) {
            filled = false;
            group.spawn(write_and_note(pair.writer, std::string(5'000, 'f'), filled));
            co_await settle();
            if (!filled) break;
        }
        EXPECT_GT(pair.writer.buffered(), 10'000u);
        bool drained = false;
        auto drains = [&]() -> task<> {
            co_await pair.writer.drain();
            drained = true;
        };
        group.spawn(drains());
        co_await settle();
        EXPECT_FALSE(drained);
        const int peer = pair.peer.fd();
        auto reads_until_all_is_sent = [&]() -> task<> {
            while (!drained) {
                auto some = co_await to_thread(receive_exactly_from, peer, 1000);
                EXPECT_EQ(some.size(), 1000u);
            }
        };
        co_await reads_until_all_is_sent();
        co_await group.join();
        EXPECT_LE(pair.writer.buffered(), 1'000u);
        EXPECT_TRUE(filled);
    }());
}

TEST(Writer, AWriteLargerThanTheMarkGoesPiecewise) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::string sent(5 << 20, ' ');
        for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 1000);
        const int peer = pair.peer.fd();
        std::size_t most = 0;
        bool over = false;
        auto writes = [&]() -> task<> {
            co_await pair.writer.write("head", sent, "tail");
            co_await pair.writer.write_eof();
            over = true;
        };
        auto watches = [&]() -> task<> {
            while (!over) {
                most = std::max(most, pair.writer.buffered());
                co_await yield();
            }
        };
        auto [a, received, b] = co_await gather(writes(), to_thread(receive_all_from, peer), watches());
        (void)a, (void)b;
        EXPECT_TRUE(received == "head" + sent + "tail");
        EXPECT_LE(most, 64u * 1024);
    }());
}

TEST(Writer, ALargeWriteCancelledMidwayMakesTheWriterFail) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({}, false, true);
        co_await pair.writer.write("before ");
        bool done = false;
        task_group group;
        group.spawn(write_and_note(pair.writer, std::string(64 << 20, 'x'), done));
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_FALSE(done);
        auto after = co_await (pair.writer.write("after") | as_result);
        EXPECT_FALSE(after);
        EXPECT_NE(after.error().message().find("cancelled midway"), std::string::npos) << after.error().message();
    }());
}

TEST(Writer, AWriteUpToTheMarkThatIsCancelledIsSentWhole) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({}, false, true);
        std::string expected;
        bool done = true;
        char name = 'a';
        while (done) {
            done = false;
            task_group group;
            const std::string text(60'000, name++);
            group.spawn(write_and_note(pair.writer, text, done));
            expected += text;
            co_await settle();
            group.cancel();
            co_await group.join();
        }
        co_await gather(pair.writer.write("!"), [&]() -> task<> {
            const auto received = co_await to_thread(receive_exactly_from, pair.peer.fd(), expected.size() + 1);
            EXPECT_TRUE(received == expected + "!");
        }());
    }());
}

// It was dropped whole: what a cancelled write had accepted was lost, though the writer went on.
TEST(Writer, ASmallWriteThatIsCancelledBehindALargeOneIsSentWhole) {
    in_loop([]() -> task<> {
        for (const bool destroyed : {false, true}) {
            auto pair = co_await connect_pair({}, false, true);
            const std::string large(4'000'000, 'L');
            bool large_done = false;
            bool small_done = false;
            bool last_done = false;
            task_group big;
            task_group others;
            big.spawn(write_and_note(pair.writer, large, large_done));
            co_await settle();
            EXPECT_FALSE(large_done);
            {
                task_group group;
                group.spawn(write_and_note(pair.writer, "small", small_done));
                co_await settle();
                others.spawn(write_and_note(pair.writer, "last", last_done));
                co_await settle();
                if (!destroyed) {
                    group.cancel();
                    co_await group.join();
                }
            }
            EXPECT_FALSE(small_done);
            const auto received = co_await to_thread(receive_exactly_from, pair.peer.fd(), large.size() + 9);
            EXPECT_TRUE(received == large + "smalllast");
            co_await big.join();
            co_await others.join();
            EXPECT_TRUE(large_done && last_done);
        }
    }());
}

// The stream dies with such a write in its queue.
TEST(Writer, ACancelledWriteBehindALargeOneGoesWithItsConnection) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({}, false, true);
        const std::string large(4'000'000, 'L');
        bool large_done = false;
        bool small_done = false;
        {
            task_group group;
            group.spawn(write_and_note(pair.writer, large, large_done));
            co_await settle();
            group.spawn(write_and_note(pair.writer, "small", small_done));
            co_await settle();
        }
        pair.writer.set_linger(1ms);
        pair.peer.reset();
        auto closed = co_await (pair.writer.close() | as_result);
        EXPECT_FALSE(closed);
    }());
}

/// Notes when the loop flushes it.
struct noted final : detail::flushable {
    noted(std::string& flushed, char of) : order(flushed), name(of) {}
    void flush() noexcept override { order += name; }
    void write() { mark_dirty(); }
    std::string& order;
    char name;
};

// The list of those who have something to send was last in, first out.
TEST(Writer, ConnectionsAreFlushedInTheOrderOfTheirFirstWrites) {
    in_loop([]() -> task<> {
        std::string order;
        noted a{order, 'a'}, b{order, 'b'}, c{order, 'c'}, d{order, 'd'};
        for (noted* each : {&c, &a, &d, &b, &c}) each->write();
        co_await sleep(1ms);
        EXPECT_EQ(order, "cadb");
        order.clear();
        for (noted* each : {&a, &b, &c}) each->write();
        detail::loop::current().forget_dirty(c);  // the last, behind which the next comes
        d.write();
        detail::loop::current().forget_dirty(a);
        co_await sleep(1ms);
        EXPECT_EQ(order, "bd");
        order.clear();
        a.write();
        detail::loop::current().forget_dirty(a);
        b.write();
        co_await sleep(1ms);
        EXPECT_EQ(order, "b");
    }());
}

TEST(Writer, AfterCloseItIsAClearError) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.peer.shut_down_sending();
        const std::string peer = pair.writer.peer_address().to_string();
        co_await pair.writer.close();
        auto late = co_await (pair.writer.write("late") | as_result);
        EXPECT_FALSE(late);
        EXPECT_EQ(late.error().message(), "write after close " + peer + ": Broken pipe (errno 32)");
        co_await pair.writer.close();
        auto eof = co_await pair.reader.read();
        EXPECT_FALSE(eof);
    }());
}

TEST(Writer, WriteEofEndsOneSideOnly) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        co_await pair.writer.write("question");
        co_await pair.writer.write_eof();
        EXPECT_EQ(pair.peer.receive_all(), "question");
        pair.peer.send("answer\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "answer\n");
        auto late = co_await (pair.writer.write("more") | as_result);
        EXPECT_FALSE(late);
        pair.peer.close();
        co_await pair.writer.close();
    }());
}

TEST(Writer, CloseWithAReceiveArmedShowsThePeerTheEnd) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::string got = "?";
        auto reads = [&]() -> task<> {
            auto line = co_await pair.reader.read_line();
            got = std::string{line.value_or("<end>")};
        };
        task_group group;
        group.spawn(reads());
        co_await settle();
        co_await pair.writer.write("bye\n");
        auto peer = [&]() -> task<> {
            auto all = co_await to_thread(receive_all_from, pair.peer.fd());
            EXPECT_EQ(all, "bye\n");
            pair.peer.close();
        };
        co_await gather(pair.writer.close(), peer());
        co_await group.join();
        EXPECT_EQ(got, "<end>");
    }());
}

// Unread bytes of the peer would make the kernel answer our close with a reset, which takes the last reply with it.
TEST(Writer, TheLastReplyIsNotLostToAReset) {
    in_loop([]() -> task<> {
        for (int round = 0; round < 20; ++round) {
            auto pair = co_await connect_pair();
            pair.peer.send(std::string(100'000, 'u'));  // never read
            co_await pair.writer.write("the last reply\n");
            auto peer = [&]() -> task<> {
                pair.peer.send("still talking");
                auto all = co_await to_thread(receive_all_from, pair.peer.fd());
                EXPECT_EQ(all, "the last reply\n");
                pair.peer.close();
            };
            co_await gather(pair.writer.close(), peer());
        }
    }());
}

TEST(Writer, CloseEndsAfterTheLingerTimeThoughThePeerKeepsTalking) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.writer.set_linger(5ms);
        co_await pair.writer.write("done");
        co_await pair.writer.close();
        EXPECT_EQ(pair.peer.receive(4), "done");
    }());
}

TEST(Writer, ADroppedOneIsFlushedByTheLoop) {
    raw_socket peer;
    in_loop([&]() -> task<> {
        auto pair = co_await connect_pair();
        const std::string big(300'000, 'd');
        co_await pair.writer.write(big.substr(0, 60'000));
        co_await pair.writer.write("end");
        pair.peer.shut_down_sending();
        peer = std::move(pair.peer);
    }());
    EXPECT_EQ(peer.receive_all(), std::string(60'000, 'd') + "end");
}

TEST(Writer, ADroppedOneEndsTheStreamWhileTheReaderGoesOn) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        co_await pair.writer.write("last words");
        pair.writer = {};
        EXPECT_EQ(co_await to_thread(receive_all_from, pair.peer.fd()), "last words");
        pair.peer.send("reply\n");
        EXPECT_EQ(co_await pair.reader.read_line(), "reply\n");
    }());
}

TEST(Writer, APeerThatHasGoneIsAnErrorNamingIt) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        const std::string name = pair.writer.peer_address().to_string();
        pair.peer.reset();
        std::string text;
        for (int i = 0; i < 1000 && text.empty(); ++i) {
            auto outcome = co_await (pair.writer.write("into the void") | as_result);
            if (!outcome) text = outcome.error().message();
            co_await yield();
        }
        EXPECT_TRUE(text == "write " + name + ": Connection reset by peer (errno 104)" || text == "write " + name + ": Broken pipe (errno 32)") << text;
        auto closed = co_await (pair.writer.close() | as_result);
        EXPECT_FALSE(closed);
    }());
}

TEST(Writer, AWriteThatWaitsFailsWhenThePeerGoes) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({}, false, true);
        std::string text;
        auto writes = [&]() -> task<> {
            const std::string much(32 << 20, 'm');
            auto outcome = co_await (pair.writer.write(much) | as_result);
            if (!outcome) text = outcome.error().message();
        };
        task_group group;
        group.spawn(writes());
        co_await settle();
        pair.peer.reset();
        co_await group.join();
        EXPECT_NE(text.find("write 127.0.0.1:"), std::string::npos) << text;
    }());
}

TEST(Writer, TwoClosesAtOnceAreALogicError) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        task_group group;
        group.spawn([&]() -> task<> { co_await pair.writer.close(); });
        co_await settle();
        bool refused = false;
        try {
            co_await pair.writer.close();
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        pair.peer.close();
        co_await group.join();
    }());
}

}  // namespace
}  // namespace leat::testing
