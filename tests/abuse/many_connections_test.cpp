// Twenty thousand connections that say nothing, and what each of them costs.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <string>
#include <vector>

#include "abuse/process.hpp"
#include "leat/leat.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t wanted = 20'000;
constexpr std::size_t ceiling = 2 * 1024;  // bytes of the server's own memory for each; the kernel's sockets are not in it
constexpr std::size_t reserve = 100;       // descriptors besides the connections

#ifdef NDEBUG
constexpr bool release = measured;
#else
constexpr bool release = false;
#endif

/// The most descriptors that a process may have here.
std::size_t allow_many_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    rlimit higher = limit;
    higher.rlim_cur = std::max<rlim_t>(limit.rlim_max, wanted + reserve);
    higher.rlim_max = higher.rlim_cur;
    if (::setrlimit(RLIMIT_NOFILE, &higher) != 0) {
        higher = limit;
        higher.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &higher);
    }
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/// A process and two pipes to it.
struct helper {
    pid_t process = -1;
    int from = -1, to = -1;

    template <class Body>
    static helper start(Body body) {
        int out[2], in[2];
        if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(in, O_CLOEXEC) != 0) return {};
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(out[0]);
            ::close(in[1]);
            ::alarm(60);
            int status = 99;
            try {
                status = body(out[1], in[0]);
            } catch (const std::exception& e) {
                std::fprintf(stderr, "%s\n", e.what());
            }
            ::_exit(status);
        }
        ::close(out[1]);
        ::close(in[0]);
        return {child, out[0], in[1]};
    }
    std::string line() const {
        std::string text;
        for (char c; ::read(from, &c, 1) == 1 && c != '\n';) text += c;
        return text;
    }
    void go() const { [[maybe_unused]] auto n = ::write(to, "!", 1); }
    int end() const {
        int status = 0;
        ::waitpid(process, &status, 0);
        ::close(from);
        ::close(to);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
};

void say(int pipe, const std::string& line) { [[maybe_unused]] auto n = ::write(pipe, (line + "\n").data(), line.size() + 1); }

task<> echo(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

task<> serve(int out, std::size_t count) {
    auto server = co_await start_server(echo, {"127.0.0.1", 0}, {.max_connections = count, .backlog = 4096, .drain_timeout = 2s});
    say(out, std::to_string(server.address().port()));
    auto watch = [](leat::server& of, int pipe, std::size_t all) -> task<> {
        // One has come and gone: what is allocated once is there.
        while (of.statistics().accepted < 1 || of.connections() > 0) co_await sleep(2ms);
        say(pipe, "warm");
        while (of.connections() < all) co_await sleep(10ms);
        co_await sleep(50ms);
        say(pipe, "full");
    };
    task_group group;
    group.spawn(watch(server, out, count));
    co_await server.serve_forever();
    co_await group.join();
}

/// Connections from several addresses, so that the ports do not run out.
int connect_all(int out, int in, std::uint16_t port, std::size_t count, std::size_t share) {
    std::vector<raw_socket> all;
    for (std::size_t i = 0; i < count; ++i) {
        raw_socket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        int on = 1;
        ::setsockopt(made.fd(), IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(0x7f000002u + static_cast<std::uint32_t>(share * 16 + i / 4096));
        if (::bind(made.fd(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return 2;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at.sin_port = htons(port);
        if (::connect(made.fd(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return 3;
        all.push_back(std::move(made));
    }
    say(out, "connected");
    char byte;
    if (::read(in, &byte, 1) != 1) return 4;
    for (std::size_t i = 0; i < count; i += 97) {
        const std::string line = "line " + std::to_string(i) + "\n";
        all[i].send(line);
        if (receive_exactly_from(all[i].fd(), line.size()) != line) return 5;
    }
    return 0;
}

TEST(ManyConnections, TwentyThousandIdleOnesCostLittleAndAreServed) {
    if (!release) GTEST_SKIP() << "memory is measured in the optimised build without sanitizers";
    guard limit;
    const std::size_t descriptors = allow_many_descriptors();
    if (descriptors < 4096) GTEST_SKIP() << "a process may have only " << descriptors << " descriptors here (ulimit -Hn)";
    // As many processes as it takes, on either side.
    const std::size_t shares = (wanted + descriptors - reserve - 1) / (descriptors - reserve);
    const std::size_t each = (wanted + shares - 1) / shares;
    std::vector<helper> servers, clients;
    std::vector<std::size_t> before;
    for (std::size_t i = 0; i < shares; ++i) {
        servers.push_back(helper::start([&](int out, int) {
            run_until_complete(serve(out, each));
            return 0;
        }));
        const auto port = static_cast<std::uint16_t>(std::stoi(servers.back().line()));
        {
            auto first = raw_socket::connect_to(port);
            first.send("first\n");
            ASSERT_EQ(receive_exactly_from(first.fd(), 6), "first\n");
        }
        ASSERT_EQ(servers.back().line(), "warm");
        before.push_back(memory_of(servers.back().process));
        clients.push_back(helper::start([&](int out, int in) { return connect_all(out, in, port, each, i); }));
    }
    for (auto& client : clients) EXPECT_EQ(client.line(), "connected");
    std::size_t grown = 0;
    for (std::size_t i = 0; i < shares; ++i) {
        EXPECT_EQ(servers[i].line(), "full");
        grown += memory_of(servers[i].process) - before[i];
    }
    const std::size_t cost = grown / (each * shares);
    std::printf("%zu connections in %zu processes: %zu bytes each\n", each * shares, shares, cost);
    RecordProperty("bytes_each", static_cast<int>(cost));
    EXPECT_LT(cost, ceiling);
    for (auto& client : clients) client.go();
    for (auto& client : clients) EXPECT_EQ(client.end(), 0);
    for (auto& server : servers) {
        ::kill(server.process, SIGTERM);
        EXPECT_EQ(server.end(), 0);
    }
}

}  // namespace
}  // namespace leat::testing
