// How the client ends connections that lie idle: it says so, as far as that costs no wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "http2_support.hpp"
#include "leat/io/copy.hpp"
#include "leat/net/connection.hpp"
#include "leat/tls/connection.hpp"
#include "leat/tls/context.hpp"
#include "tls_support.hpp"

namespace leat {
namespace {

using namespace http2_test;
using testing::four;
using testing::http2_frame;
using testing::http2_peer;
using testing::http2_server;
using testing::in_loop;
using testing::ok;
using testing::settle;
using tls_test::certificates;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// ---- HTTP/2

/// What each connection of a server was told at its end.
struct farewells {
    std::vector<http2_frame> goodbyes;
    std::vector<std::string> ends;

    task<> serve(http2_peer& peer) {
        co_await peer.begin();
        while (auto frame = co_await peer.next()) {
            if (frame->type == http2_frame::goaway) goodbyes.push_back(*frame);
            if (frame->type == http2_frame::headers) co_await peer.answer(frame->stream, "x");
        }
        ends.push_back(peer.end);
    }
    task<> until(std::size_t count) const {
        while (ends.size() < count) co_await sleep(1ms);
    }
};

task<> idle_ones_say_goodbye() {
    farewells told;
    http2_server server([&](http2_peer& peer) { return told.serve(peer); });
    co_await server.start();
    http::client_options brief = clear;
    brief.idle_timeout = 10ms;
    {
        http::client http(brief);
        co_await fetch(http, server.url("/"));
        co_await told.until(1);
    }
    {
        http::client http(clear);
        co_await fetch(http, server.url("/"));
    }  // by the end of the client, in the same turn as the end of the response
    co_await told.until(2);
    brief.idle_timeout = 0s;
    http::client once(brief);
    co_await fetch(once, server.url("/"));
    co_await told.until(3);
    http::client_options single = clear;
    single.connections = 1;
    http::client http(single);
    http2_server other(answer_all);
    co_await other.start();
    co_await fetch(http, server.url("/"));
    co_await fetch(http, other.url("/"));  // takes its place
    co_await told.until(4);
    EXPECT_EQ(told.goodbyes.size(), 4u);
    for (const auto& each : told.goodbyes) {
        EXPECT_EQ(each.number(0), 0u);
        EXPECT_EQ(each.number(4), 0u);  // NO_ERROR
    }
}
TEST(http_farewell, of_an_idle_connection_of_http_2) { in_loop(idle_ones_say_goodbye()); }

/// Who breaks the rules is told so, too.
task<> a_rule_breaker_is_told() {
    std::optional<http2_frame> goodbye;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto request = co_await peer.next(http2_frame::headers);
        co_await peer.send(http2_frame::push, testing::end_headers, request->stream, four(2) + testing::field(":method", "GET"));
        goodbye = co_await peer.next(http2_frame::goaway);
    });
    co_await server.start();
    http::client http(clear);
    co_await testing::failure_of<http::protocol_error>(http.get(server.url("/")));
    while (server.open != 0) co_await sleep(1ms);
    EXPECT_TRUE(goodbye);
    EXPECT_EQ(goodbye ? goodbye->number(4) : 0, 1u);  // PROTOCOL_ERROR
}
TEST(http_farewell, of_a_connection_whose_server_breaks_the_rules) { in_loop(a_rule_breaker_is_told()); }

/// The goodbye waits for nobody: not for a server that takes nothing more, either.
task<> nobody_is_waited_for() {
    event end;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin(std::string("\0\4", 2) + four(0x7fffffff));
        co_await peer.send(http2_frame::window, 0, 0, four(0x7fff0000));
        auto request = co_await peer.next(http2_frame::headers);
        co_await peer.head(request->stream, 413, {}, true);
        co_await end.wait();  // and reads no more
    });
    co_await server.start();
    const std::string much(20'000'000, 'm');
    const time_point before = now();
    {
        http::client http(clear);
        auto response = co_await http.request("PUT", server.url("/"), {.body = much});
        EXPECT_EQ(response.status(), 413);
    }
    EXPECT_LT(now() - before, 10s);
    end.set();
}
TEST(http_farewell, does_not_wait_for_a_server_that_reads_nothing) { in_loop(nobody_is_waited_for()); }

// ---- TLS

struct secured {
    std::optional<tls::context> context = {};
    std::optional<server> serving = {};
    farewells told = {};

    /// Answers one request by HTTP/1.1, or each by HTTP/2.
    task<> serve(stream_reader reader, stream_writer writer) {
        const auto about = tls::session_of(writer);
        if (about && about->alpn == "h2") {
            http2_peer peer{std::move(reader), std::move(writer), 0};
            co_return co_await told.serve(peer);
        }
        co_await reader.read_until("\r\n\r\n");
        co_await writer.write(ok("x"));
        auto end = co_await (reader.read() | as_result);
        told.ends.push_back(end ? *end ? "more" : "in order" : end.error().message());
    }
    task<> start() {
        static constexpr std::string_view both[] = {"h2", "http/1.1"};
        const auto& files = certificates::instance();
        tls::server_options how{.certificate = files.good, .key = files.key};
        how.alpn = both;
        context.emplace(co_await tls::context::server(how));
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &*context}));
    }
    std::string url() const { return "https://localhost:" + std::to_string(serving->address().port()) + "/"; }
};

http::client_options trusting(http::protocol spoken) {
    http::client_options options{.protocol = spoken, .proxy_from_environment = false};
    options.ca_file = certificates::instance().authority;
    return options;
}

task<> secured_ones_end_in_order(http::protocol spoken, std::string end) {
    secured server;
    co_await server.start();
    http::client_options brief = trusting(spoken);
    brief.idle_timeout = 10ms;
    http::client http(brief);
    co_await fetch(http, server.url());
    co_await server.told.until(1);
    {
        http::client gone(trusting(spoken));
        co_await fetch(gone, server.url());
    }
    co_await server.told.until(2);
    brief.idle_timeout = 0s;
    http::client once(brief);
    co_await fetch(once, server.url());
    co_await server.told.until(3);
    for (const auto& each : server.told.ends) EXPECT_THAT(each, HasSubstr(end));
    EXPECT_EQ(server.told.goodbyes.size(), spoken == http::protocol::http2 ? 3u : 0u);
}
TEST(http_farewell, of_an_idle_connection_of_http_1_over_tls) { in_loop(secured_ones_end_in_order(http::protocol::http1, "in order")); }
// A read of nine bytes finds the end, and not that it was cut.
TEST(http_farewell, of_an_idle_connection_of_http_2_over_tls) { in_loop(secured_ones_end_in_order(http::protocol::http2, "0 of 9 bytes")); }

// ---- TLS in the TLS to a proxy

struct secured_proxy {
    std::optional<tls::context> context = {};
    std::optional<server> serving = {};
    std::string end = {};
    bool ended = false;

    static task<> back(stream_reader from, stream_writer to) {
        auto copied = co_await (copy(from, to) | as_result);
        (void)copied;
    }
    task<> serve(stream_reader reader, stream_writer writer) {
        auto head = co_await reader.read_until("\r\n\r\n");
        const std::string target{head->substr(8, head->find(' ', 8) - 8)};
        auto [from, to] = co_await open_connection({"127.0.0.1", static_cast<std::uint16_t>(std::stoul(target.substr(target.find(':') + 1)))});
        co_await writer.write("HTTP/1.1 200 Go on\r\n\r\n");
        task_group other_way;
        other_way.spawn(back(std::move(from), std::move(writer)));
        auto copied = co_await (copy(reader, to) | as_result);
        end = copied ? "in order" : copied.error().message();
        ended = true;
    }
    task<> start() {
        const auto& files = certificates::instance();
        context.emplace(co_await tls::context::server({.certificate = files.good, .key = files.key}));
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &*context}));
    }
};

task<> both_sessions_end() {
    secured server;
    co_await server.start();
    for (auto spoken : {http::protocol::http1, http::protocol::http2}) {
        secured_proxy proxy;
        co_await proxy.start();
        const std::string at = "https://localhost:" + std::to_string(proxy.serving->address().port());
        http::client_options options = trusting(spoken);
        options.proxy = at;
        options.idle_timeout = 10ms;
        http::client http(options);
        co_await fetch(http, server.url());
        while (!proxy.ended) co_await sleep(1ms);
        EXPECT_EQ(proxy.end, "in order");
    }
    co_await server.told.until(2);
    EXPECT_EQ(server.told.ends[0], "in order");
    EXPECT_THAT(server.told.ends[1], HasSubstr("0 of 9 bytes"));
    EXPECT_EQ(server.told.goodbyes.size(), 1u);
}
TEST(http_farewell, of_tls_inside_of_tls_ends_both_sessions) { in_loop(both_sessions_end()); }

}  // namespace
}  // namespace leat
