// The ways to an HTTP/2 server: by a proxy, with a certificate of the client's; and back to HTTP/1.1 where a server insists on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <vector>

#include "http2_support.hpp"
#include "leat/http/content.hpp"
#include "leat/tls/connection.hpp"
#include "leat/tls/context.hpp"
#include "support/temporary.hpp"
#include "support/web_program.hpp"
#include "tls_support.hpp"

namespace leat {
namespace {

using testing::failure_of;
using testing::field;
using testing::four;
using testing::http2_frame;
using testing::http2_peer;
using testing::in_loop;
using testing::ok;
using testing::put;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::temporary_directory;
using testing::web_program;
using tls_test::certificates;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

http::client_options trusting(http::protocol spoken = http::protocol::automatic) {
    http::client_options options{.protocol = spoken, .proxy_from_environment = false};
    options.ca_file = certificates::instance().authority;
    return options;
}

// ---- HTTP_1_1_REQUIRED

constexpr std::uint32_t http_1_1_required = 0xd;

/// Agrees to HTTP/2, and does there what the test says; by HTTP/1.1 it answers with the path and the body.
struct two_tongued {
    std::function<task<>(http2_peer&)> by_http2;
    std::optional<tls::context> context = {};
    std::optional<server> serving = {};
    std::size_t http2_connections = 0;
    std::size_t http1_requests = 0;

    task<> serve(stream_reader reader, stream_writer writer) {
        const auto about = tls::session_of(writer);
        if (about && about->alpn == "h2") {
            http2_peer peer{std::move(reader), std::move(writer), http2_connections++};
            auto done = co_await (by_http2(peer) | as_result);
            (void)done;
            co_return;
        }
        writer.set_linger(50ms);
        for (;;) {
            auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
            if (!head || !*head) co_return;
            ++http1_requests;
            const seen_request request{0, std::string{**head}, {}};
            std::string all = request.method() + " " + request.target();
            if (const auto length = request.field("Content-Length"); !length.empty()) {
                auto body = co_await reader.read_exactly(std::stoul(length));
                all += " " + std::string{body};
            }
            auto written = co_await (writer.write(ok(all)) | as_result);
            if (!written) co_return;
        }
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
    std::string url(std::string_view target) const { return "https://localhost:" + std::to_string(serving->address().port()) + std::string{target}; }
};

task<> refuse_by_reset(http2_peer& peer) {
    co_await peer.begin();
    while (auto request = co_await peer.next(http2_frame::headers)) {
        if (request->fields[":path"] == "/fine")
            co_await peer.answer(request->stream, "by HTTP/2");
        else
            co_await peer.send(http2_frame::reset, 0, request->stream, four(http_1_1_required));
    }
}

task<> goes_back() {
    two_tongued server{.by_http2 = refuse_by_reset};
    co_await server.start();
    http::client http(trusting());
    auto fine = co_await http2_test::fetch(http, server.url("/fine"));
    EXPECT_EQ(fine, "by HTTP/2");
    auto first = co_await http2_test::fetch(http, server.url("/login"));
    EXPECT_EQ(first, "GET /login");
    auto content = http::text_content("of the content", "text/plain");
    auto posted = co_await http.request("POST", server.url("/form"), {.content = content.get()});
    auto text = co_await posted.text();
    EXPECT_EQ(text, "POST /form of the content");
    // It is remembered, and the connection of HTTP/2 has gone.
    EXPECT_EQ(server.http2_connections, 1u);
    EXPECT_EQ(server.http1_requests, 2u);
    EXPECT_EQ(http.open_connections(), 1u);
}
TEST(http2_ways, a_server_that_insists_on_http_1_gets_it) { in_loop(goes_back()); }

/// A body that is being sent when the refusal comes is sent anew, also where the method says nothing about that.
task<> goes_back_with_a_body() {
    two_tongued server{.by_http2 = refuse_by_reset};
    co_await server.start();
    http::client http(trusting());
    const std::string body(200'000, 'b');
    auto content = http::text_content(body, "text/plain");
    auto posted = co_await http.request("POST", server.url("/form"), {.content = content.get()});
    auto text = co_await posted.text();
    EXPECT_TRUE(text == "POST /form " + body);
}
TEST(http2_ways, a_body_is_sent_anew_by_http_1) { in_loop(goes_back_with_a_body()); }

task<> many_go_back() {
    two_tongued server{.by_http2 = refuse_by_reset};
    co_await server.start();
    http::client http(trusting());
    std::vector<task<std::string>> all;
    for (int i = 0; i < 20; ++i) all.push_back(http2_test::fetch(http, server.url("/" + std::to_string(i))));
    auto texts = co_await gather(std::move(all));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(texts[static_cast<std::size_t>(i)], "GET /" + std::to_string(i));
}
TEST(http2_ways, requests_side_by_side_go_back_to_http_1) { in_loop(many_go_back()); }

task<> goes_back_after_a_farewell() {
    two_tongued server{.by_http2 = [](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto request = co_await peer.next(http2_frame::headers);
        co_await peer.goaway(0, http_1_1_required);
        while (auto frame = co_await peer.next()) {}
    }};
    co_await server.start();
    http::client http(trusting());
    auto text = co_await http2_test::fetch(http, server.url("/x"));
    EXPECT_EQ(text, "GET /x");
    EXPECT_EQ(server.http2_connections, 1u);
}
TEST(http2_ways, a_farewell_that_asks_for_http_1_is_followed) { in_loop(goes_back_after_a_farewell()); }

task<> does_not_go_back() {
    two_tongued server{.by_http2 = refuse_by_reset};
    co_await server.start();
    http::client http(trusting(http::protocol::http2));
    auto error = co_await failure_of<http::connect_error>(http.get(server.url("/x")));
    EXPECT_THAT(error, HasSubstr("HTTP_1_1_REQUIRED"));
    EXPECT_EQ(server.http1_requests, 0u);
}
TEST(http2_ways, who_wants_http_2_only_is_told_that_the_server_does_not) { in_loop(does_not_go_back()); }

// ---- proxies and certificates, of programs that others have written

constexpr std::size_t large_size = 3'000'000;

struct site {
    site() {
        put(folder / "small", "something small");
        large = tls_test::noise(large_size);
        std::ofstream(folder / "large", std::ios::binary) << large;
    }
    temporary_directory folder;
    std::string large;
};

std::vector<std::string> nginx(const site& served, const std::string& more = {}) {
    const certificates& all = certificates::instance();
    return web_program::nginx(served.folder.string(), "ssl http2", "ssl_certificate " + all.good + "; ssl_certificate_key " + all.key + "; " + more);
}

std::vector<std::string> tinyproxy(const temporary_directory& in) {
    put(in / "proxy.in", "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\nLogFile \"" + (in / "log") + "\"\n");
    const std::string folder = in.string();
    return {"sh", "-c", "sed s/{port}/$1/ " + folder + "/proxy.in > " + folder + "/proxy.conf && exec tinyproxy -d -c " + folder + "/proxy.conf", "sh", "{port}"};
}

task<> through_a_tunnel(std::uint16_t proxy_port, std::uint16_t port, const site& served) {
    const std::string at = "http://127.0.0.1:" + std::to_string(proxy_port);
    const std::string base = "https://localhost:" + std::to_string(port);
    std::vector<std::string> spoken;
    auto on_trace = [&spoken](const http::trace_event& event) {
        if (event.step == http::trace_step::tls_done) spoken.emplace_back(event.detail);
    };
    http::client_options options = trusting();
    options.proxy = at;
    options.on_trace = on_trace;
    http::client http(options);
    std::vector<task<std::string>> all;
    for (int i = 0; i < 10; ++i) all.push_back(http2_test::fetch(http, base + "/small"));
    all.push_back(http2_test::fetch(http, base + "/large"));
    auto texts = co_await gather(std::move(all));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(texts[static_cast<std::size_t>(i)], "something small");
    EXPECT_TRUE(texts[10] == served.large);
    EXPECT_EQ(http.open_connections(), 1u);
    EXPECT_EQ(spoken, std::vector<std::string>{"h2"});
}
TEST(http2_ways, nginx_through_a_tunnel_of_tinyproxy) {
    const site served;
    const web_program server(nginx(served));
    const web_program proxy(tinyproxy(served.folder));
    in_loop(through_a_tunnel(proxy.port(), server.port(), served));
}

task<> no_http2_for_a_proxy() {
    scripted_server proxy([](const seen_request&) { return reply{ok("from the proxy")}; });
    co_await proxy.start();
    const std::string at = "http://127.0.0.1:" + std::to_string(proxy.port());
    http::client insists({.protocol = http::protocol::http2, .proxy = at});
    auto error = co_await failure_of<http::connect_error>(insists.get("http://far.example/x"));
    EXPECT_THAT(error, HasSubstr("GET http://far.example/x: no HTTP/2: a proxy gets the request, by HTTP/1.1"));
    EXPECT_EQ(insists.open_connections(), 0u);
    EXPECT_TRUE(proxy.requests.empty());
    http::client http({.proxy = at});
    auto text = co_await http2_test::fetch(http, "http://far.example/x");
    EXPECT_EQ(text, "from the proxy");
}
TEST(http2_ways, http_2_without_tls_is_refused_where_a_proxy_gets_the_requests) { in_loop(no_http2_for_a_proxy()); }

task<> shows_a_certificate(std::uint16_t port) {
    const certificates& files = certificates::instance();
    const std::string url = "https://localhost:" + std::to_string(port) + "/small";
    for (auto spoken : {http::protocol::automatic, http::protocol::http1}) {
        http::client_options options = trusting(spoken);
        http::client nobody(options);
        auto refused = co_await nobody.get(url);
        EXPECT_EQ(refused.status(), 400);  // nginx says so by HTTP
        options.certificate = files.alice;
        options.key = files.key;
        http::client alice(options);
        auto response = co_await alice.get(url);
        EXPECT_EQ(response.status(), 200);
        EXPECT_EQ(response.headers().get("X-Who"), "SUCCESS");
        auto text = co_await response.text();
        EXPECT_EQ(text, "something small");
        options.certificate = files.mallory;
        http::client mallory(options);
        auto unknown = co_await mallory.get(url);
        EXPECT_EQ(unknown.status(), 400);
    }
    http::client_options wrong = trusting();
    wrong.certificate = files.alice;
    wrong.key = files.other_key;
    http::client broken(wrong);
    auto error = co_await failure_of<http::tls_error>(broken.get(url));
    EXPECT_THAT(error, HasSubstr("GET " + url));
}
TEST(http2_ways, nginx_sees_the_clients_certificate) {
    const site served;
    const web_program server(nginx(served, "ssl_verify_client on; ssl_client_certificate " + certificates::instance().authority + "; add_header X-Who $ssl_client_verify;"));
    in_loop(shows_a_certificate(server.port()));
}

}  // namespace
}  // namespace leat
