#include "http/proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "http/request_writer.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "support/child_process.hpp"
#include "support/real_server.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using detail::no_proxy_list;
using detail::proxy_choice;
using detail::proxy_server;
using testing::failure_of;
using testing::free_port;
using testing::in_child;
using testing::in_loop;
using testing::ok;
using testing::put;
using testing::real_server;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::temporary_directory;
using testing::thrown_by;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

task<std::string> fetch(http::client& http, std::string url, http::request_options options = {}) {
    auto response = co_await http.get(url, options);
    response.raise_for_status();
    co_return co_await response.text();
}

// ---- which proxy

TEST(http_proxy, url_says_what_it_is) {
    const struct {
        const char* text;
        proxy_server::kind how;
        const char* at;
        const char *user, *password;
    } cases[] = {
        {"http://proxy.example:3128", proxy_server::kind::http, "proxy.example:3128", "", ""},
        {"proxy.example:3128", proxy_server::kind::http, "proxy.example:3128", "", ""},
        {"proxy.example", proxy_server::kind::http, "proxy.example:80", "", ""},
        {"http://proxy.example:443/", proxy_server::kind::http, "proxy.example:443", "", ""},
        {"https://proxy.example", proxy_server::kind::https, "proxy.example:443", "", ""},
        {"https://proxy.example:80", proxy_server::kind::https, "proxy.example:80", "", ""},
        {"SOCKS5://me:p%40ss@[::1]", proxy_server::kind::socks5, "[::1]:1080", "me", "p@ss"},
        {"socks5h://10.0.0.1:9050", proxy_server::kind::socks5h, "10.0.0.1:9050", "", ""},
    };
    for (const auto& each : cases) {
        const auto proxy = proxy_server::parse(each.text);
        EXPECT_EQ(proxy.how, each.how) << each.text;
        EXPECT_EQ(proxy.at.to_string(), each.at) << each.text;
        EXPECT_EQ(proxy.user, each.user) << each.text;
        EXPECT_EQ(proxy.password, each.password) << each.text;
    }
    for (auto text : {"socks4://x", "ftp://x", "http://", "http://a b"}) EXPECT_THROW(proxy_server::parse(text), http::url_error) << text;
    EXPECT_THAT(thrown_by([] { http::client http({.proxy = "socks4://x"}); }), HasSubstr("socks5h"));
}

TEST(http_proxy, no_proxy_knows_names_addresses_ranges_and_ports) {
    const struct {
        const char *list, *host;
        std::uint16_t port;
        bool direct;
    } cases[] = {
        {"example.org", "example.org", 80, true},        {"example.org", "www.example.org", 80, true},   {"example.org", "notexample.org", 80, false},
        {".example.org", "example.org", 80, true},       {".example.org", "a.example.org", 80, true},    {"*.example.org", "a.example.org", 80, true},
        {"EXAMPLE.org.", "Example.ORG", 80, true},       {"example.org:8080", "example.org", 80, false}, {"example.org:8080", "a.example.org", 8080, true},
        {"10.0.0.0/8", "10.2.3.4", 80, true},            {"10.0.0.0/8", "11.2.3.4", 80, false},          {"10.0.0.1", "10.0.0.1", 80, true},
        {"10.0.0.1:81", "10.0.0.1", 80, false},          {"fe80::/10", "fe80::1", 80, true},             {"::1", "::1", 80, true},
        {"[::1]", "::1", 80, true},                      {"[::1]:81", "::1", 80, false},                 {"[::1]:81", "::1", 81, true},
        {"a, b\tc  d,,", "d", 80, true},                 {"", "a", 80, false},                           {"*", "anything", 1, true},
        {"x,*", "1.2.3.4", 1, true},                     {"10.0.0.0/99", "10.0.0.1", 80, false},         {"1.2", "3.1.2", 80, true},
        {"0.0.1", "127.0.0.1", 80, false},               {"localhost", "127.0.0.1", 80, false},
    };
    for (const auto& each : cases) EXPECT_EQ(no_proxy_list(each.list).contains(each.host, each.port), each.direct) << each.list << " " << each.host << ":" << each.port;
}

std::string chosen(const http::client_options& options, std::string_view url) {
    const proxy_choice all(options);
    const auto* one = all.choose(http::url::parse(url));
    return one ? one->at.to_string() : "none";
}

TEST(http_proxy, is_found_in_the_environment) {
    const auto outcome = in_child([](int) {
        for (auto name : {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}) ::unsetenv(name);
        int wrong = 0;
        const auto expect = [&wrong](std::string is, std::string_view expected) { wrong += is == expected ? 0 : (std::fprintf(stderr, "%s\n", is.c_str()), 1); };
        ::setenv("HTTP_PROXY", "http://attacker:1", 1);
        expect(chosen({}, "http://a/"), "none");
        ::setenv("ALL_PROXY", "all:1", 1);
        expect(chosen({}, "http://a/"), "all:1");
        ::setenv("http_proxy", "http://plain:2", 1);
        ::setenv("HTTPS_PROXY", "https://secure:3", 1);
        expect(chosen({}, "http://a/"), "plain:2");
        expect(chosen({}, "https://a/"), "secure:3");
        ::setenv("https_proxy", "lower:4", 1);
        ::setenv("NO_PROXY", "b", 1);
        expect(chosen({}, "https://a/"), "lower:4");
        expect(chosen({}, "https://b/"), "none");
        expect(chosen({.no_proxy = "a"}, "https://b/"), "lower:4");
        expect(chosen({.proxy = "own:5"}, "https://b/"), "own:5");
        expect(chosen({.proxy = "own:5", .no_proxy = "b"}, "https://b/"), "none");
        expect(chosen({.proxy_from_environment = false}, "http://a/"), "none");
        ::setenv("http_proxy", "gopher://x", 1);
        try {
            http::client http;
            ++wrong;
        } catch (const http::url_error& e) {
            wrong += std::string_view{e.what()}.starts_with("http_proxy: ") ? 0 : 1;
        }
        return wrong;
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
}

// ---- what goes over the wire

task<> tunnel_refused() {
    scripted_server proxy([](const seen_request& request) -> reply {
        if (request.target() == "silent.example:443") return {"", reply::then::close};
        if (request.target() == "strange.example:443") return {"SSH-2.0-x\r\n\r\n", reply::then::close};
        return {"HTTP/1.1 503 No way\r\nContent-Length: 4\r\n\r\nsorr"};
    });
    co_await proxy.start();
    const std::string at = "127.0.0.1:" + std::to_string(proxy.port());
    http::client http({.proxy = at});
    auto refused = co_await failure_of<http::connect_error>(http.get("https://example.org/x"));
    EXPECT_THAT(refused, HasSubstr("GET https://example.org/x: proxy " + at + ": CONNECT example.org:443: 503 No way"));
    auto silent = co_await failure_of<http::connect_error>(http.get("https://silent.example/"));
    EXPECT_THAT(silent, HasSubstr("without an answer"));
    auto strange = co_await failure_of<http::connect_error>(http.get("https://strange.example/"));
    EXPECT_THAT(strange, HasSubstr("proxy " + at));
    EXPECT_EQ(proxy.requests[0].method(), "CONNECT");
    EXPECT_EQ(proxy.requests[0].field("Host"), "example.org:443");
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_proxy, that_refuses_a_tunnel_is_quoted) { in_loop(tunnel_refused()); }

task<> proxy_asks(std::string challenge, std::string shows) {
    scripted_server proxy([&](const seen_request& request) -> reply {
        const std::string shown = request.field("Proxy-Authorization");
        if (!shown.starts_with(shows)) return {"HTTP/1.1 407 Who\r\nProxy-Authenticate: " + challenge + "\r\nContent-Length: 0\r\n\r\n", reply::then::close};
        return {"HTTP/1.1 502 Recognised\r\nContent-Length: 0\r\n\r\n"};
    });
    co_await proxy.start();
    const std::string at = "http://me:pw@127.0.0.1:" + std::to_string(proxy.port());
    http::client http({.proxy = at});
    auto failed = co_await failure_of<http::connect_error>(http.get("https://example.org/"));
    EXPECT_THAT(failed, HasSubstr("502 Recognised"));
    EXPECT_EQ(failed.find("pw"), std::string::npos);
    EXPECT_EQ(proxy.requests.size(), 2u);
    // From now on it is known what it wants.
    auto again = co_await failure_of<http::connect_error>(http.get("https://example.net/"));
    EXPECT_THAT(again, HasSubstr("502 Recognised"));
    EXPECT_EQ(proxy.requests.size(), 3u);
    EXPECT_THAT(proxy.requests[1].head, HasSubstr("CONNECT example.org:443 "));

    const std::string nobody = "http://127.0.0.1:" + std::to_string(proxy.port());
    http::client stranger({.proxy = nobody});
    auto unknown = co_await failure_of<http::connect_error>(stranger.get("https://example.org/"));
    EXPECT_THAT(unknown, HasSubstr("407 Who (it wants a user and a password)"));
}
TEST(http_proxy, that_asks_for_basic_gets_it) { in_loop(proxy_asks("Basic realm=\"p\"", http::basic_authorization("me", "pw"))); }
TEST(http_proxy, that_asks_for_a_digest_gets_it) { in_loop(proxy_asks("Digest realm=\"p\", nonce=\"n\", qop=\"auth\"", "Digest username=\"me\"")); }

task<> proxied_requests() {
    scripted_server proxy([](const seen_request& request) -> reply {
        const std::string shown = request.field("Proxy-Authorization");
        if (shown.empty()) return {"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=p\r\nContent-Length: 0\r\n\r\n"};
        return {ok(shown)};
    });
    co_await proxy.start();
    const std::string at = "http://me:pw@127.0.0.1:" + std::to_string(proxy.port());
    http::client http({.proxy = at, .no_proxy = "direct.example"});
    auto shown = co_await fetch(http, "http://example.org/");
    EXPECT_EQ(shown, http::basic_authorization("me", "pw"));
    EXPECT_EQ(proxy.requests.size(), 2u);
}
TEST(http_proxy, that_gets_the_requests_is_shown_who_asks) { in_loop(proxied_requests()); }

task<> nothing_stays_open() {
    scripted_server proxy([](const seen_request&) -> reply { return {"", reply::then::hold}; });
    co_await proxy.start();
    const std::string at = "127.0.0.1:" + std::to_string(proxy.port());
    for (std::string scheme : {"http://", "socks5h://"}) {
        const std::string url = scheme + at;
        http::client http({.connect_timeout = 50ms, .proxy = url});
        auto late = co_await failure_of<timeout_error>(http.get("https://example.org/"));
        EXPECT_THAT(late, HasSubstr("no connection to example.org:443"));
        EXPECT_EQ(http.open_connections(), 0u);
        auto dropped = http.get("https://example.org/");
        task_group group;
        group.spawn([](task<http::response> tried) -> task<> { co_await std::move(tried); }(std::move(dropped)));
        co_await testing::settle();
        group.cancel();
        auto joined = co_await (group.join() | as_result);
        (void)joined;
        EXPECT_EQ(http.open_connections(), 0u);
    }
    while (proxy.open != 0) co_await sleep(1ms);  // the proxy sees each of them end
}
TEST(http_proxy, that_says_nothing_is_left_within_the_time_for_connecting) { in_loop(nothing_stays_open()); }

task<> socks_that_is_none() {
    auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
        auto hello = co_await (reader.read() | as_result);
        (void)hello;
        co_await writer.write("HTTP/1.1 400 Bad\r\n\r\n");
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    const std::string at = "socks5h://127.0.0.1:" + std::to_string(server.address().port());
    http::client http({.proxy = at});
    auto failed = co_await failure_of<http::connect_error>(http.get("http://example.org/"));
    EXPECT_THAT(failed, HasSubstr("it does not speak SOCKS5"));
}
TEST(http_proxy, that_is_no_socks_proxy_is_called_so) { in_loop(socks_that_is_none()); }

// ---- a server that speaks first: not a byte is lost, and none taken too many

task<> early_bytes() {
    // The proxy's answer, the first bytes of a TLS alert behind it, in one piece: the handshake has to see them.
    scripted_server proxy([](const seen_request&) -> reply { return {std::string{"HTTP/1.1 200 OK\r\n\r\n\x15\x03\x03\x00\x02\x02\x28", 26}, reply::then::hold}; });
    co_await proxy.start();
    const std::string at = "127.0.0.1:" + std::to_string(proxy.port());
    http::client http({.proxy = at});
    auto failed = co_await failure_of<http::tls_error>(http.get("https://example.org/"));
    EXPECT_THAT(failed, HasSubstr("handshake failure"));
}
TEST(http_proxy, bytes_right_behind_its_answer_belong_to_the_tunnel) { in_loop(early_bytes()); }

// ---- real proxies

task<> through_microsocks(bool with_password) {
    if (!testing::is_installed("/usr/bin/microsocks")) co_return;
    scripted_server server([](const seen_request& request) -> reply { return {ok(request.target())}; });
    co_await server.start();
    const auto port = free_port();
    std::vector<std::string> command{"/usr/bin/microsocks", "-i", "127.0.0.1", "-p", std::to_string(port)};
    if (with_password) command.insert(command.end(), {"-u", "me", "-P", "pw"});
    real_server proxy(command, port);
    co_await proxy.ready();
    const std::string place = "127.0.0.1:" + std::to_string(port);
    const std::string who = with_password ? "me:pw@" : "";
    for (std::string scheme : {"socks5://", "socks5h://"}) {
        const std::string at = scheme + who + place;
        http::client http({.proxy = at});
        for (std::string host : {"127.0.0.1", "localhost"}) {
            auto text = co_await fetch(http, "http://" + host + ":" + std::to_string(server.port()) + "/here");
            EXPECT_EQ(text, "/here") << at << " " << host;
        }
        auto refused = co_await failure_of<http::connect_error>(http.get("http://127.0.0.1:" + std::to_string(free_port()) + "/"));
        EXPECT_THAT(refused, HasSubstr("connection refused")) << at;
    }
    if (!with_password) co_return;
    const std::string wrong = "socks5h://me:wrong@" + place, nobody = "socks5h://" + place;
    http::client bad({.proxy = wrong}), none({.proxy = nobody});
    auto denied = co_await failure_of<http::connect_error>(bad.get(server.url("/")));
    EXPECT_THAT(denied, HasSubstr("does not accept the user and the password"));
    auto asked = co_await failure_of<http::connect_error>(none.get(server.url("/")));
    EXPECT_THAT(asked, HasSubstr("it wants a user and a password"));
}
TEST(http_proxy, microsocks_is_gone_through) { in_loop(through_microsocks(false)); }
TEST(http_proxy, microsocks_is_gone_through_with_a_password) { in_loop(through_microsocks(true)); }

task<> through_tinyproxy(bool with_password) {
    if (!testing::is_installed("/usr/bin/tinyproxy") || !testing::is_installed("/usr/bin/openssl")) co_return;
    temporary_directory in;
    const auto port = free_port(), tls_port = free_port();
    put(in / "conf", "Port " + std::to_string(port) + "\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\nLogFile \"" + (in / "log") + "\"\n" +
                         (with_password ? "BasicAuth me pw\n" : ""));
    const std::string conf = in / "conf", key = in / "key.pem", certificate = in / "cert.pem";
    real_server proxy({"/usr/bin/tinyproxy", "-d", "-c", conf}, port);
    const std::string make = "/usr/bin/openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
                             key + " -out " + certificate + " 2>/dev/null";
    EXPECT_EQ(std::system(make.c_str()), 0);
    real_server tls({"/usr/bin/openssl", "s_server", "-quiet", "-www", "-accept", "127.0.0.1:" + std::to_string(tls_port), "-key", key, "-cert", certificate}, tls_port);
    co_await proxy.ready();
    co_await tls.ready();
    scripted_server server([](const seen_request& request) -> reply { return {ok(request.target())}; });
    co_await server.start();
    const std::string at = std::string{"http://"} + (with_password ? "me:pw@" : "") + "127.0.0.1:" + std::to_string(port);
    http::client http({.proxy = at, .ca_file = certificate});
    auto tunnelled = co_await fetch(http, "https://localhost:" + std::to_string(tls_port) + "/");
    EXPECT_THAT(tunnelled, HasSubstr("s_server"));
}
TEST(http_proxy, tinyproxy_tunnels_tls) { in_loop(through_tinyproxy(false)); }
TEST(http_proxy, tinyproxy_tunnels_tls_with_a_password) { in_loop(through_tinyproxy(true)); }

task<> through_a_secured_proxy() {
    for (auto program : {"/usr/bin/tinyproxy", "/usr/bin/openssl", "/usr/bin/socat"})
        if (!testing::is_installed(program)) co_return;
    temporary_directory in;
    const auto port = free_port(), proxy_port = free_port(), tls_port = free_port();
    put(in / "conf", "Port " + std::to_string(port) + "\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\nBasicAuth me pw\nLogFile \"" + (in / "log") + "\"\n");
    const std::string conf = in / "conf", key = in / "key.pem", certificate = in / "cert.pem";
    const std::string make = "/usr/bin/openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
                             key + " -out " + certificate + " 2>/dev/null";
    EXPECT_EQ(std::system(make.c_str()), 0);
    std::string large;
    for (int i = 0; large.size() < 3'000'000; ++i) large += std::to_string(static_cast<unsigned>(i) * 7919);
    put(in / "large", large);
    real_server inner({"/usr/bin/tinyproxy", "-d", "-c", conf}, port);
    real_server proxy({"/usr/bin/socat", "OPENSSL-LISTEN:" + std::to_string(proxy_port) + ",bind=127.0.0.1,reuseaddr,fork,verify=0,cert=" + certificate + ",key=" + key,
                       "TCP:127.0.0.1:" + std::to_string(port)},
                      proxy_port);
    real_server tls({"/bin/sh", "-c",
                     "cd " + in.string() + " && exec /usr/bin/openssl s_server -quiet -WWW -accept 127.0.0.1:" + std::to_string(tls_port) + " -key " + key + " -cert " + certificate},
                    tls_port);
    co_await inner.ready();
    co_await proxy.ready();
    co_await tls.ready();
    scripted_server server([](const seen_request& request) -> reply { return {ok(request.target())}; });
    co_await server.start();
    const std::string at = "https://me:pw@localhost:" + std::to_string(proxy_port);
    http::client http({.proxy = at, .ca_file = certificate});
    auto plain = co_await fetch(http, server.url("/plain"));
    EXPECT_EQ(plain, "/plain");
    for (int turn = 0; turn < 3; ++turn) {
        auto fetched = co_await fetch(http, "https://localhost:" + std::to_string(tls_port) + "/large");
        EXPECT_TRUE(fetched == large) << fetched.size();
    }
    // The certificate behind the proxy is looked at, too: it is for localhost.
    auto wrong = co_await failure_of<http::tls_error>(http.get("https://127.0.0.1:" + std::to_string(tls_port) + "/large"));
    EXPECT_THAT(wrong, HasSubstr("127.0.0.1"));
}
TEST(http_proxy, that_is_secured_itself_carries_tls_inside_of_tls) { in_loop(through_a_secured_proxy()); }

}  // namespace
}  // namespace leat
