#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "leat/leat.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// The process's resident memory.
std::size_t resident_bytes() {
    std::size_t total = 0;
    std::size_t resident = 0;
    std::FILE* statm = std::fopen("/proc/self/statm", "r");
    if (std::fscanf(statm, "%zu %zu", &total, &resident) != 2) resident = 0;
    std::fclose(statm);
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// A sanitizer keeps what was freed for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LEAT_MEMORY_IS_KEPT 1
#endif
#endif
#ifdef LEAT_MEMORY_IS_KEPT
constexpr std::size_t slack = std::size_t{512} << 20;
#else
constexpr std::size_t slack = 0;
#endif

/// CPU time of this thread.
duration thread_time() {
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return std::chrono::seconds{used.ru_utime.tv_sec + used.ru_stime.tv_sec} + std::chrono::microseconds{used.ru_utime.tv_usec + used.ru_stime.tv_usec};
}

/// Sends until it is all gone; without blocking, it returns what the kernel took.
std::size_t flood(int fd, std::size_t most, bool wait) {
    static const std::string piece(1 << 16, 'f');
    std::size_t sent = 0;
    while (sent < most) {
        const auto n = ::send(fd, piece.data(), std::min(piece.size(), most - sent), MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
    }
    return sent;
}

// LEAT_SOAK=1 for the full gigabyte.
TEST(SleepingReader, BoundsMemoryAndHoldsNobodyUp) {
    const std::size_t total = std::getenv("LEAT_SOAK") ? std::size_t{1} << 30 : std::size_t{64} << 20;
    in_loop([](std::size_t total) -> task<> {
        event wake;
        std::size_t kept = 0;
        std::size_t received = 0;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto first = co_await reader.read_exactly(1);
            if (first == "e") {  // a neighbour: echo
                while (auto line = co_await reader.read_line()) co_await writer.write(*line);
                co_await writer.close();
                co_return;
            }
            while (!wake.is_set()) {
                kept = std::max(kept, reader.buffered().size());
                auto outcome = co_await (timeout(1ms, wake.wait()) | as_result);
                (void)outcome;
            }
            while (auto piece = co_await reader.read()) received += piece->size();
            co_await writer.close();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0});
        const auto port = server.address().port();
        auto sender = raw_socket::connect_to(port);
        const std::size_t before = resident_bytes();
        // As much as the kernel and the reader take together, until neither takes any more.
        std::size_t sent = 0;
        for (int idle = 0; idle < 20;) {
            const std::size_t more = flood(sender.fd(), total - sent, false);
            sent += more;
            idle = more == 0 ? idle + 1 : 0;
            co_await sleep(1ms);
        }
        EXPECT_LT(sent, total);
        EXPECT_LE(kept, 2u << 20);
        EXPECT_LT(resident_bytes(), before + slack + (16u << 20));

        // Nobody spins: with nothing to do but to wait, the loop's thread uses next to no time.
        const auto start = thread_time();
        co_await sleep(100ms);
        EXPECT_LT(thread_time() - start, 50ms);

        // The neighbours are served.
        auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
        co_await writer.write("e");
        for (int i = 0; i < 100; ++i) {
            co_await writer.write("ping\n");
            auto pong = co_await reader.read_line();
            EXPECT_EQ(pong, "ping\n");
        }
        co_await writer.close();

        // It wakes, and has lost nothing.
        wake.set();
        auto sends_the_rest = [&](std::size_t rest) -> task<> {
            co_await to_thread(flood, sender.fd(), rest, true);
            sender.shut_down_sending();
        };
        co_await sends_the_rest(total - sent);
        while (received + 1 < total) co_await sleep(1ms);
        EXPECT_EQ(received + 1, total);
        sender.close();
        co_await server.close();
        EXPECT_LT(resident_bytes(), before + slack + (32u << 20));
    }(total));
}

// The peer takes nothing: what is written waits in one buffer, and the handler with it.
TEST(DeafPeer, BoundsTheMemoryOfAWriter) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        std::size_t written = 0;
        auto writes = [&]() -> task<> {
            const std::string piece(10'000, 'w');
            for (;;) {
                co_await pair.writer.write(piece);
                written += piece.size();
            }
        };
        const std::size_t before = resident_bytes();
        auto outcome = co_await (timeout(100ms, writes()) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_LE(pair.writer.buffered(), 256u * 1024);
        EXPECT_LT(resident_bytes(), before + slack + (8u << 20));
        EXPECT_GT(written, 0u);
        pair.writer.set_linger(0s);
    }(), {.linger = 10ms});
}

}  // namespace
}  // namespace leat::testing
