#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <stdexcept>
#include <string>

#include "leat/leat.hpp"
#include "net/tcp_stream.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(fd, level, name, &value, &size);
    return value;
}
int descriptor_of(const stream_writer& writer) { return static_cast<detail::tcp_stream*>(writer.transport())->descriptor(); }

TEST(SocketOptions, AConnectionHasNoDelayUnlessItIsTurnedOff) {
    in_loop([]() -> task<> {
        auto quick = co_await connect_pair();
        EXPECT_EQ(option(descriptor_of(quick.writer), IPPROTO_TCP, TCP_NODELAY), 1);
        auto slow = co_await connect_pair({.no_delay = false});
        EXPECT_EQ(option(descriptor_of(slow.writer), IPPROTO_TCP, TCP_NODELAY), 0);
    }());
}

TEST(SocketOptions, KeepAliveIsOffUnlessAskedFor) {
    in_loop([]() -> task<> {
        auto plain = co_await connect_pair();
        EXPECT_EQ(option(descriptor_of(plain.writer), SOL_SOCKET, SO_KEEPALIVE), 0);
        auto probed = co_await connect_pair({.keep_alive = {.idle = 90s, .interval = 1500ms, .count = 7}});
        const int fd = descriptor_of(probed.writer);
        EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 90);
        EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 2);
        EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 7);
    }());
}

TEST(SocketOptions, BuffersAreAsLargeAsAsked) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.receive_buffer = 32_KiB, .send_buffer = 16_KiB});
        EXPECT_EQ(option(descriptor_of(pair.writer), SOL_SOCKET, SO_RCVBUF), 65536);  // the kernel doubles it
        EXPECT_EQ(option(descriptor_of(pair.writer), SOL_SOCKET, SO_SNDBUF), 32768);
    }());
}

TEST(SocketOptions, AConnectionComesFromItsLocalAddress) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair({.local_address = address::parse("127.0.0.77", 0)});
        EXPECT_EQ(pair.writer.local_address().host(), "127.0.0.77");
        EXPECT_NE(pair.writer.local_address().port(), 0);
        auto wrong = co_await (connect_pair({.local_address = address::parse("192.0.2.1", 0)}) | as_result);
        EXPECT_FALSE(wrong);
        EXPECT_NE(wrong.error().message().find("Cannot assign requested address"), std::string::npos) << wrong.error().message();
    }());
}

TEST(SocketOptions, AcceptedConnectionsInheritTheServers) {
    in_loop([]() -> task<> {
        int no_delay = -1, probes = -1, idle = -1;
        auto look = [&](stream_reader, stream_writer writer) -> task<> {
            no_delay = option(descriptor_of(writer), IPPROTO_TCP, TCP_NODELAY);
            probes = option(descriptor_of(writer), SOL_SOCKET, SO_KEEPALIVE);
            idle = option(descriptor_of(writer), IPPROTO_TCP, TCP_KEEPIDLE);
            co_await writer.close();
        };
        for (const bool on : {true, false}) {
            server_options options{.no_delay = on};
            if (on) options.keep_alive = {.idle = 33s};
            auto server = co_await start_server(look, {"127.0.0.1", 0}, options);
            auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
            auto end = co_await reader.read();
            EXPECT_EQ(end, std::nullopt);
            EXPECT_EQ(no_delay, on ? 1 : 0);
            EXPECT_EQ(probes, on ? 1 : 0);
            if (on) {
                EXPECT_EQ(idle, 33);
            }
            co_await writer.close();
            co_await server.close();
        }
    }());
}

TEST(SocketOptions, AServerThatWouldServeNobodyIsRefused) {
    in_loop([]() -> task<> {
        auto none = [](stream_reader, stream_writer) -> task<> { co_return; };
        bool refused = false;
        try {
            auto server = co_await start_server(none, {"127.0.0.1", 0}, {.max_connections = 0});
        } catch (const std::invalid_argument&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        auto vague = co_await (start_server(none, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::from_trusted}) | as_result);
        EXPECT_FALSE(vague);
        auto nonsense = co_await (start_server(none, {"127.0.0.1", 0}, {.trusted_proxies = "10.0.0.0/33"}) | as_result);
        EXPECT_FALSE(nonsense);
    }());
}

TEST(SocketOptions, AServerTakesAListeningDescriptorOver) {
    in_loop([]() -> task<> {
        raw_listener prepared;
        const auto port = prepared.port();
        auto hello = [](stream_reader, stream_writer writer) -> task<> {
            co_await writer.write("hello\n");
            co_await writer.close();
        };
        auto server = co_await start_server_on(hello, ::dup(prepared.fd()));
        prepared.close();
        EXPECT_EQ(server.address().port(), port);
        auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
        auto line = co_await reader.read_line();
        EXPECT_EQ(line, "hello\n");
        co_await writer.close();
        co_await server.close();

        raw_socket datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        auto wrong = co_await (start_server_on(hello, datagrams.fd()) | as_result);
        EXPECT_FALSE(wrong);
        EXPECT_EQ(wrong.error().message().find("listen on descriptor "), 0u) << wrong.error().message();
    }());
}

// It used to wait for itself for ever.
TEST(ServerStop, CloseInOneOfItsOwnHandlersIsALogicErrorAndStopIsNot) {
    in_loop([]() -> task<> {
        leat::server* running = nullptr;
        std::string said;
        auto ends_it = [&](stream_reader reader, stream_writer writer) -> task<> {
            co_await reader.read_line();
            try {
                co_await timeout(10s, running->close());
            } catch (const std::logic_error& e) {
                said = e.what();
            }
            running->stop();
            co_await writer.write("stopped\n");
            co_await writer.close();
        };
        auto server = co_await start_server(ends_it, {"127.0.0.1", 0});
        running = &server;
        auto client = [](std::uint16_t port) -> task<> {
            auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
            co_await writer.write("stop\n");
            auto answer = co_await reader.read_line();
            EXPECT_EQ(answer, "stopped\n");
            co_await writer.close();
        };
        co_await gather(server.serve_forever(), client(server.address().port()));
        EXPECT_NE(said.find("stop()"), std::string::npos) << said;
        EXPECT_EQ(server.connections(), 0u);
    }());
}

TEST(ServerStop, AbortedClientsAreCutAndNewOnesServed) {
    in_loop([]() -> task<> {
        std::string failure;
        auto waits = [&](stream_reader reader, stream_writer writer) -> task<> {
            co_await writer.write("hello\n");
            auto more = co_await (reader.read_line() | as_result);
            (void)more;
        };
        auto server = co_await start_server(waits, {"127.0.0.1", 0});
        for (int i = 0; i < 2; ++i) {
            auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
            auto line = co_await reader.read_line();
            EXPECT_EQ(line, "hello\n");
            EXPECT_EQ(server.connections(), 1u);
            server.abort_clients();
            auto end = co_await (reader.read_line() | as_result);
            EXPECT_TRUE(!end || !*end);
            co_await writer.close();
            co_await settle();
            EXPECT_EQ(server.connections(), 0u);
        }
        EXPECT_EQ(server.statistics().accepted, 2u);
        EXPECT_EQ(server.statistics().most_connections, 1u);
        co_await server.close();
    }());
}

}  // namespace
}  // namespace leat::testing
