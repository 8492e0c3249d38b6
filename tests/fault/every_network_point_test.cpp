#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fault/every_point.hpp"
#include "fault/points.hpp"
#include "leat/leat.hpp"
#include "net/happy_eyeballs.hpp"
#include "support/temporary.hpp"
#include "unit/tls_support.hpp"

// Servers and clients on one loop, each kind once. See every_point.hpp.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> echo_lines(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

/// Sends lines and takes them back, `first` before all of them.
task<> talk_over(connection made, int lines) {
    auto [reader, writer] = std::move(made);
    for (int i = 0; i < lines; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        co_await writer.write(line);
        auto reply = co_await reader.read_line();
        if (!reply) throw incomplete_read("read_line", "the echo", line.size(), 0);
        if (*reply != line && line.starts_with(*reply)) throw incomplete_read("read_line", "the echo", line.size(), reply->size());
        demand(*reply == line, "the echo is wrong");
    }
    co_await writer.close();
}

// ---- TLS

tls::server_options serving() {
    const auto& files = tls_test::certificates::instance();
    return {.certificate = files.good, .key = files.key};
}
tls::client_options trusting() { return {.ca_file = tls_test::certificates::instance().authority}; }

task<> secured_client(std::uint16_t port, const tls::context& trust) {
    auto made = co_await open_connection({"127.0.0.1", port}, {.tls = &trust, .server_name = "localhost"});
    co_await talk_over(std::move(made), 2);
}

task<> tls_server(reports& said) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    const auto port = server.address().port();
    co_await part(secured_client(port, trust), said);
    co_await undisturbed_part(secured_client(port, trust), said, "the server does not serve the next client");
    co_await server.close();
}

task<> client_that_starts_tls(std::uint16_t port, const tls::context& trust) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
    co_await writer.write("STARTTLS\n");
    auto go = co_await reader.read_line();
    if (go != "go\n") throw incomplete_read("read_line", "the server", 3, 0);
    co_await writer.start_tls(trust, {.server_name = "localhost"});
    connection secured{std::move(reader), std::move(writer)};
    co_await talk_over(std::move(secured), 2);
}

task<> start_tls(reports& said) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto handler = [&context](stream_reader reader, stream_writer writer) -> task<> {
        auto command = co_await reader.read_line();
        if (command != "STARTTLS\n") co_return;
        co_await writer.write("go\n");
        co_await writer.start_tls(context);
        co_await echo_lines(std::move(reader), std::move(writer));
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    const auto port = server.address().port();
    co_await part(client_that_starts_tls(port, trust), said);
    co_await undisturbed_part(client_that_starts_tls(port, trust), said, "the server does not serve the next client");
    co_await server.close();
}

// ---- a unix socket

task<> local_client(unix_address at) {
    auto made = co_await open_unix_connection(at);
    co_await talk_over(std::move(made), 2);
}

task<> unix_server(reports& said, const std::string& path) {
    {
        fault::paused ours;
        std::filesystem::remove(path);
    }
    {
        auto server = co_await start_unix_server(echo_lines, path, {.file_mode = 0600});
        co_await gather(part(local_client(path), said), part(local_client(path), said));
        co_await undisturbed_part(local_client(path), said, "the server does not serve the next client");
        co_await server.close();
    }
    auto pair = []() -> task<> {
        auto [one, other] = unix_socket_pair();
        co_await one.writer.write("between two\n");
        co_await one.writer.write_eof();  // a write that fails later is told of here; the line would be waited for in vain
        auto line = co_await other.reader.read_line();
        if (!line) throw incomplete_read("read_line", "the pair", 12, 0);
        demand(line->starts_with("between two") || std::string{"between two\n"}.starts_with(*line), "the line is wrong");
    };
    co_await part(pair(), said);
    fault::paused ours;
    demand(!std::filesystem::exists(path), "the socket file stays");
}

// ---- UDP

task<> answer_to(udp_socket& on, const std::string& question) {
    for (;;) {
        const datagram got = co_await on.receive_from();
        if (got.data == question) co_return;
        demand(got.data == "one", "the answer is wrong");  // one that was asked for twice
    }
}

/// What a datagram protocol does: asks again until there is an answer.
task<> ask(udp_socket& from, address at, const std::string& question) {
    for (int i = 0; i < 8; ++i) {
        co_await from.send_to(question, at);
        auto reply = co_await (timeout(100ms, answer_to(from, question)) | as_result);
        if (reply) co_return;
        if (i == 7) reply.value();
    }
}

task<> answer_one(udp_socket& on) {
    const datagram got = co_await on.receive_from();
    const std::string content{got.data};
    const address from = got.from;
    co_await on.send_to(content, from);
}

task<> udp_echo(reports& said) {
    auto serve = [](udp_socket& on, reports& into) -> task<> {
        for (;;) {
            try {
                co_await answer_one(on);
            } catch (const std::exception& e) {
                into.push_back(e.what());
            }
        }
    };
    auto server = co_await bind_udp({"127.0.0.1", 0});
    const address at = server.local_address();
    if (at.empty()) throw error(ENOBUFS, "local_address", "UDP");
    task_group serving;
    serving.spawn(serve(server, said));
    auto talk = [](address to) -> task<> {
        auto client = co_await bind_udp({"127.0.0.1", 0});
        co_await ask(client, to, "one");
        co_await ask(client, to, "two");
        client.close();
    };
    co_await part(talk(at), said);
    co_await undisturbed_part(talk(at), said, "the server does not answer the next client");
    serving.cancel();
    co_await serving.join();
    // Closed while somebody waits.
    auto waiting = [](udp_socket& on) -> task<> {
        [[maybe_unused]] auto got = co_await (on.receive_from() | as_result);  // perhaps a question that was asked twice
    };
    serving.spawn(waiting(server));
    co_await sleep(1ms);
    server.close();
    co_await serving.join();
}

// ---- several addresses

task<> happy_eyeballs(reports& said) {
    auto one = co_await start_server(echo_lines, {"127.0.0.1", 0});
    auto other = co_await start_server(echo_lines, {"127.0.0.2", 0});
    auto gone = co_await start_server(echo_lines, {"127.0.0.3", 0});
    const std::vector<address> both{one.address(), other.address()};
    const std::vector<address> refused_first{gone.address(), other.address()};
    co_await gone.close();
    auto connect = [](std::vector<address> to, duration delay) -> task<> {
        auto won = co_await detail::connect_to_first(std::move(to), "test:1", {.connection_attempt_delay = delay});
        demand(static_cast<bool>(won), "nobody has won, and no error was told");
    };
    co_await part(connect(both, 5ms), said);
    co_await part(connect(both, 0ms), said);
    co_await part(connect(refused_first, 5ms), said);
    co_await undisturbed_part(connect(both, 5ms), said, "the next connection fails as well");
    co_await one.close();
    co_await other.close();
}

// ---- behind a proxy

task<> proxy_server(reports& said) {
    auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
        const std::string who = writer.peer_address().to_string();
        auto line = co_await reader.read_line();
        co_await writer.write(who, ": ", line.value_or("nothing\n"));
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required, .trusted_proxies = "127.0.0.0/8"});
    auto client = [](std::uint16_t port) -> task<> {
        auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
        co_await writer.write("PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\nhi\n");
        auto reply = co_await reader.read_line();
        const std::string expected = "10.1.2.3:4096: hi\n";
        if (!reply || (*reply != expected && expected.starts_with(*reply))) throw incomplete_read("read_line", "the server", expected.size(), reply ? reply->size() : 0);
        demand(*reply == expected, "the handler was told of somebody else");
        co_await writer.close();
    };
    const auto port = server.address().port();
    co_await part(client(port), said);
    co_await undisturbed_part(client(port), said, "the server does not serve the next client");
    co_await server.close();
}

// ---- many

/// More strands, timers and descriptors than anything has room for from the beginning.
task<> crowd(reports& said) {
    struct many_descriptors {
        std::vector<int> all;
        many_descriptors() {
            fault::paused ours;
            for (int i = 0; i < 300; ++i) all.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        }
        ~many_descriptors() {
            fault::paused ours;
            for (int each : all) ::close(each);
        }
    } descriptors;
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.max_connections = 2});
    auto client = [](std::uint16_t port) -> task<> {
        auto made = co_await open_connection({"127.0.0.1", port});
        co_await talk_over(std::move(made), 1);
    };
    auto together = [](reports& into, std::uint16_t port, auto one) -> task<> {
        event go;
        int woken = 0;
        auto waits = [&]() -> task<> {
            co_await go.wait();
            co_await yield();
            co_await sleep(1ms);
            ++woken;
        };
        task_group group;
        for (int i = 0; i < 300; ++i) group.spawn(waits());
        for (int i = 0; i < 4; ++i) group.spawn(part(one(port), into));
        co_await sleep(1ms);
        go.set();
        co_await group.join();
        demand(woken == 300, "a task was never woken");
    };
    co_await part(together(said, server.address().port(), client), said);
    co_await undisturbed_part(client(server.address().port()), said, "the server does not serve the next client");
    co_await server.close();
}

/// The certificates are no part of what is to fail.
void every_handshake(void (*fails_once)(const scenario&, const expectations&), const scenario& what) {
    (void)tls_test::certificates::instance();
    fails_once(what, {});
}

TEST(EveryNetworkPoint, TlsServerSurvivesEveryCall) { every_handshake(every_call_fails_once, tls_server); }
TEST(EveryNetworkPoint, TlsServerSurvivesEveryAllocation) { every_handshake(every_allocation_fails_once, tls_server); }
TEST(EveryNetworkPoint, StartTlsSurvivesEveryCall) { every_handshake(every_call_fails_once, start_tls); }
TEST(EveryNetworkPoint, StartTlsSurvivesEveryAllocation) { every_handshake(every_allocation_fails_once, start_tls); }
TEST(EveryNetworkPoint, UnixServerSurvivesEveryCall) {
    temporary_directory directory;
    every_call_fails_once([path = directory / "a-socket"](reports& said) { return unix_server(said, path); });
}
TEST(EveryNetworkPoint, UnixServerSurvivesEveryAllocation) {
    temporary_directory directory;
    every_allocation_fails_once([path = directory / "a-socket"](reports& said) { return unix_server(said, path); });
}
TEST(EveryNetworkPoint, UdpEchoSurvivesEveryCall) { every_call_fails_once(udp_echo); }
TEST(EveryNetworkPoint, UdpEchoSurvivesEveryAllocation) { every_allocation_fails_once(udp_echo); }
TEST(EveryNetworkPoint, HappyEyeballsSurvivesEveryCall) { every_call_fails_once(happy_eyeballs); }
TEST(EveryNetworkPoint, HappyEyeballsSurvivesEveryAllocation) { every_allocation_fails_once(happy_eyeballs); }
TEST(EveryNetworkPoint, ProxyServerSurvivesEveryCall) { every_call_fails_once(proxy_server); }
TEST(EveryNetworkPoint, ProxyServerSurvivesEveryAllocation) { every_allocation_fails_once(proxy_server); }
TEST(EveryNetworkPoint, ACrowdSurvivesEveryAllocation) { every_allocation_fails_once(crowd); }

}  // namespace
}  // namespace leat::testing
