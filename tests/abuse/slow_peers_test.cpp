// Peers that are slow, silent, greedy or many: the server goes on serving the others, and what they cost has a bound.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "abuse/process.hpp"
#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> echo_line_by_line(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

/// As a careful service: so long for each line, and no longer.
task<> echo_within(stream_reader reader, stream_writer writer, duration idle, int& given_up) {
    try {
        for (;;) {
            auto line = co_await timeout(idle, reader.read_line());
            if (!line) break;
            co_await writer.write(*line);
        }
    } catch (const timeout_error&) {
        ++given_up;
    }
    writer.set_linger(1ms);
    co_await writer.close();
}

task<std::string> ask(std::uint16_t port, std::string line) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
    co_await writer.write(line);
    auto back = co_await timeout(10s, reader.read_line());
    std::string text{back.value_or("")};
    co_await writer.close();
    co_return text;
}

TEST(SlowPeers, ThatDripALineDoNotHoldUpTheOthersAndAreGivenUp) {
    in_loop([]() -> task<> {
        int given_up = 0;
        auto handler = [&](stream_reader reader, stream_writer writer) { return echo_within(std::move(reader), std::move(writer), 400ms, given_up); };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.max_connections = 600});
        constexpr int drips = 300;
        EXPECT_EQ(co_await ask(server.address().port(), "hello\n"), "hello\n");  // what is allocated once is there
        const std::size_t before = memory_of();
        std::vector<raw_socket> slow;
        for (int i = 0; i < drips; ++i) {
            slow.push_back(raw_socket::connect_to(server.address().port()));
            slow.back().send("G");
            co_await yield();
        }
        while (server.connections() < drips) co_await sleep(1ms);
        // A byte now and then is no line. The others are served meanwhile.
        for (int round = 0; round < 5; ++round) {
            for (auto& each : slow) each.send("E");
            EXPECT_EQ(co_await ask(server.address().port(), "hello\n"), "hello\n");
        }
        if (measured) {
            EXPECT_LT(memory_of() - before, std::size_t{drips} * 16 * 1024) << "a small buffer and some frames each";
        }
        while (server.connections() > 0) {
            for (auto& each : slow) (void)send_what_fits(each.fd(), "T", 1);
            co_await sleep(10ms);
        }
        EXPECT_EQ(given_up, drips);
        co_await server.close();
    }());
}

TEST(SlowPeers, OneThatNeverReadsBoundsItsWriterAndCanBeCut) {
    in_loop([]() -> task<> {
        std::size_t accepted = 0, most = 0;
        bool waits = false;
        event stop, closed;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto first = co_await reader.read_line();
            if (first.value_or("") == "flood\n") {
                const std::string block(10'000, 'x');
                auto flood = [&]() -> task<> {
                    for (;;) {
                        waits = true;
                        co_await writer.write(block);
                        waits = false;
                        accepted += block.size();
                        most = std::max(most, writer.buffered());
                    }
                };
                auto outcome = co_await race(flood() | as_result, stop.wait());
                (void)outcome;
                writer.set_linger(20ms);
                (void)co_await (writer.close() | as_result);
                closed.set();
            } else {
                co_await writer.write(first.value_or(""));
                co_await writer.close();
            }
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0});
        auto deaf = raw_socket::connect_to(server.address().port());
        deaf.narrow();
        deaf.send("flood\n");
        // Until the sockets are full and the writer waits.
        std::size_t last = 1;
        while (!waits || accepted != last) {
            last = accepted;
            co_await sleep(20ms);
        }
        EXPECT_LE(most, std::size_t{64 * 1024 + 10'000}) << "the high-water mark, and a write";
        EXPECT_EQ(co_await ask(server.address().port(), "hello\n"), "hello\n");
        // A close gives it half a minute to take what was written. Whoever has not got that cuts it.
        stop.set();
        co_await settle();
        EXPECT_FALSE(closed.is_set());
        if (std::getenv("LEAT_SOAK"))
            (void)co_await to_thread(receive_exactly_from, deaf.fd(), std::size_t{300'000});  // it moves once more
        else
            server.abort_clients();
        co_await timeout(50s, closed.wait());
        EXPECT_EQ(server.connections(), 0u);
        co_await server.close();
    }());
}

TEST(SlowPeers, OneThatSendsWithoutEndToAHandlerThatDoesNotReadHasToWait) {
    in_loop([]() -> task<> {
        event stop;
        std::size_t most = 0;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto first = co_await reader.read_line();
            if (first.value_or("") == "flood\n") {
                co_await stop.wait();  // busy with something else
                most = reader.buffered().size();
            } else {
                co_await writer.write(first.value_or(""));
            }
            writer.set_linger(1ms);
            (void)co_await (writer.close() | as_result);
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.limit = {64 * 1024}});
        auto greedy = raw_socket::connect_to(server.address().port());
        greedy.send("flood\n");
        const std::string block(64 * 1024, 'y');
        const std::size_t before = memory_of();
        std::size_t sent = 0;
        // Until nothing has gone for a while.
        for (int still = 0; still < 20;) {
            const std::size_t n = send_what_fits(greedy.fd(), block, 1 << 30);
            still = n == 0 ? still + 1 : 0;
            sent += n;
            co_await sleep(2ms);
        }
        EXPECT_GT(sent, 64u * 1024);
        EXPECT_LT(sent, 64u << 20) << "the kernel's buffers and no more";
        if (measured) {
            EXPECT_LT(memory_of() - before, std::size_t{4} << 20);
        }
        EXPECT_EQ(co_await ask(server.address().port(), "hello\n"), "hello\n");
        stop.set();
        while (server.connections() > 0) co_await sleep(1ms);
        EXPECT_LE(most, std::size_t{1024 * 1024}) << "the limit, and what was on its way";
        co_await server.close();
    }());
}

TEST(SlowPeers, ALineWithoutEndIsAnErrorAtTheLimit) {
    in_loop([]() -> task<> {
        std::size_t kept = 0;
        event over;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto line = co_await (reader.read_line() | as_result);
            EXPECT_FALSE(line);
            kept = reader.buffered().size();
            writer.set_linger(1ms);
            (void)co_await (writer.close() | as_result);
            over.set();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.limit = {16 * 1024}});
        auto peer = raw_socket::connect_to(server.address().port());
        const std::string block(64 * 1024, 'z');
        while (server.connections() == 0) co_await sleep(1ms);
        for (int i = 0; i < 2000 && server.connections() > 0; ++i) {
            (void)send_what_fits(peer.fd(), block, block.size());
            co_await sleep(1ms);
        }
        co_await over.wait();
        EXPECT_LE(kept, std::size_t{16 * 1024 + 256 * 1024});
        co_await server.close();
    }());
}

TEST(SlowPeers, AFloodAboveTheLimitWaitsInTheKernelAndIsServedInTheEnd) {
    in_loop([]() -> task<> {
        std::size_t most = 0;
        auto server = co_await start_server(echo_line_by_line, {"127.0.0.1", 0}, {.max_connections = 10, .backlog = 256});
        std::vector<raw_socket> flood;
        for (int i = 0; i < 150; ++i) {
            flood.push_back(raw_socket::connect_to(server.address().port()));
            flood.back().send("line\n");
            most = std::max(most, server.connections());
            if (i % 10 == 0) co_await yield();
        }
        co_await settle(50);
        most = std::max(most, server.connections());
        for (auto& each : flood) {
            const auto line = co_await to_thread(receive_exactly_from, each.fd(), std::size_t{5});
            EXPECT_EQ(line, "line\n");
            most = std::max(most, server.connections());
            each.close();
        }
        EXPECT_EQ(most, 10u);
        EXPECT_EQ(server.statistics().accepted, 150u);
        co_await server.close();
    }());
}

TEST(SlowPeers, ThatComeAndGoAtOnceLeaveNothing) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(echo_line_by_line, {"127.0.0.1", 0});
        for (int i = 0; i < 300; ++i) {
            auto peer = raw_socket::connect_to(server.address().port());
            if (i % 3 == 0) peer.send("half a li");
            if (i % 2 == 0) peer.reset();
            if (i % 20 == 0) co_await yield();
        }
        EXPECT_EQ(co_await ask(server.address().port(), "hello\n"), "hello\n");
        while (server.connections() > 0) co_await sleep(1ms);
        co_await server.close();
    }());
}

}  // namespace
}  // namespace leat::testing
