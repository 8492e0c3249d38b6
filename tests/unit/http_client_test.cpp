#include "leat/http/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leat/task/gather.hpp"
#include "leat/task/group.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

namespace leat {
namespace {

using testing::failure_of;
using testing::in_loop;
using testing::moved;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

task<std::string> fetch(http::client& http, std::string url, http::request_options options = {}) {
    auto response = co_await http.get(url, options);
    response.raise_for_status();
    co_return co_await response.text();
}

// ---- framing

reply framings(const seen_request& request) {
    const std::string target = request.target();
    if (target == "/length") return {ok("hello")};
    if (target == "/empty") return {ok("")};
    if (target == "/chunked") return {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n"};
    if (target == "/no-chunks") return {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"};
    if (target == "/until-close") return {"HTTP/1.1 200 OK\r\n\r\nhello", reply::then::close};
    if (target == "/http10") return {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", reply::then::close};
    if (target == "/interim") return {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok("hello")};
    if (target == "/204") return {"HTTP/1.1 204 No Content\r\n\r\n"};
    if (request.method() == "HEAD") return {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"};
    return {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"};
}

task<> every_framing() {
    scripted_server server(framings);
    co_await server.start();
    http::client http;
    for (auto target : {"/length", "/chunked", "/until-close", "/http10", "/interim"}) {
        auto text = co_await fetch(http, server.url(target));
        EXPECT_EQ(text, "hello") << target;
    }
    for (auto target : {"/empty", "/no-chunks", "/204"}) {
        auto text = co_await fetch(http, server.url(target));
        EXPECT_EQ(text, "") << target;
    }
    auto head = co_await http.head(server.url("/any"));
    EXPECT_EQ(head.headers().get("content-length"), "1000");
    EXPECT_EQ(head.body().size(), 0u);
    auto text = co_await head.text();
    EXPECT_EQ(text, "");
    EXPECT_EQ(http.open_connections(), http.idle_connections());
}
TEST(http_client, reads_every_framing) { in_loop(every_framing()); }

task<> body_by_pieces() {
    scripted_server server(framings);
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/chunked"));
    std::string all;
    while (auto piece = co_await response.body().read()) all += *piece;
    EXPECT_EQ(all, "hello");
    EXPECT_TRUE(response.body().complete());
    EXPECT_EQ(response.body().received(), 5u);
    auto again = co_await response.body().read();
    EXPECT_FALSE(again.has_value());
    auto as_value = co_await (response.body().read() | as_result);
    EXPECT_TRUE(as_value && !*as_value);
}
TEST(http_client, hands_out_the_body_piece_by_piece) { in_loop(body_by_pieces()); }

task<> a_response_tells() {
    scripted_server server(framings);
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/missing"));
    EXPECT_EQ(response.status(), 404);
    EXPECT_EQ(response.reason(), "Not Found");
    EXPECT_EQ(response.url(), server.url("/missing"));
    EXPECT_FALSE(response.ok());
    try {
        response.raise_for_status();
        ADD_FAILURE();
    } catch (const http::status_error& e) {
        EXPECT_EQ(e.status(), 404);
        EXPECT_THAT(e.what(), HasSubstr("/missing"));
    }
    auto text = co_await response.text();
    EXPECT_EQ(text, "none");
}
TEST(http_client, a_response_tells_what_came) { in_loop(a_response_tells()); }

task<> text_has_a_limit() {
    scripted_server server([](const seen_request&) -> reply { return {ok(std::string(5000, 'x'))}; });
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/long"));
    auto error = co_await failure_of<http::too_large_error>(response.text(bytes{4999}));
    EXPECT_THAT(error, HasSubstr(server.url("/long")));
    auto fits = co_await http.get(server.url("/long"));
    auto text = co_await fits.text(bytes{5000});
    EXPECT_EQ(text.size(), 5000u);
}
TEST(http_client, text_has_a_limit) { in_loop(text_has_a_limit()); }

// ---- requests

task<> what_is_sent() {
    scripted_server server([](const seen_request&) -> reply { return {ok("")}; });
    co_await server.start();
    http::client http({.user_agent = "tester/1"});
    http::headers fields{{"Accept", "text/html"}};
    auto plain = co_await http.get(server.url("/a?b=c"), {.headers = &fields});
    auto posted = co_await http.request("POST", server.url("/form"), {.body = "x=1", .content_type = "text/plain"});
    auto empty = co_await http.request("PUT", server.url("/empty"), {.has_body = true});
    const auto host = "127.0.0.1:" + std::to_string(server.port());
    EXPECT_EQ(server.requests[0].target(), "/a?b=c");
    EXPECT_EQ(server.requests[0].field("Host"), host);
    EXPECT_EQ(server.requests[0].field("Accept"), "text/html");
    EXPECT_EQ(server.requests[0].field("User-Agent"), "tester/1");
    EXPECT_EQ(server.requests[1].body, "x=1");
    EXPECT_EQ(server.requests[1].field("Content-Type"), "text/plain");
    EXPECT_EQ(server.requests[2].field("Content-Length"), "0");
    EXPECT_EQ(server.connections, 1u);
}
TEST(http_client, sends_what_it_is_asked_to) { in_loop(what_is_sent()); }

task<> a_large_request_body() {
    scripted_server server([](const seen_request& request) -> reply { return {ok(std::to_string(request.body.size()))}; });
    co_await server.start();
    http::client http;
    const std::string large(3'000'000, 'b');
    auto response = co_await http.request("POST", server.url("/"), {.body = large});
    auto text = co_await response.text();
    EXPECT_EQ(text, "3000000");
}
TEST(http_client, sends_a_body_larger_than_every_buffer) { in_loop(a_large_request_body()); }

task<> impossible_requests() {
    http::client http;
    auto method = co_await failure_of<std::invalid_argument>(http.request("GE T", "http://127.0.0.1:1/"));
    EXPECT_THAT(method, HasSubstr("method"));
    for (auto url : {"", "gopher://x/", "http://", "http://a b/", "//no-scheme/", "http://x:99999/"}) {
        auto error = co_await failure_of<http::url_error>(http.get(url));
        EXPECT_THAT(error, HasSubstr("URL")) << url;
    }
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_client, refuses_what_is_no_request) { in_loop(impossible_requests()); }

// ---- redirects

reply redirecting(const seen_request& request) {
    const std::string target = request.target();
    if (target == "/hop") return {moved(302, "hop2?x")};
    if (target == "/hop2?x") return {moved(301, "/final")};
    if (target == "/loop") return {moved(302, "/loop")};
    if (target == "/see-other") return {moved(303, "/final")};
    if (target == "/temporary") return {moved(307, "/final")};
    if (target == "/nowhere") return {moved(302, "ftp://127.0.0.1/")};
    if (target == "/no-location") return {"HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nhm"};
    if (target == "/with-body") return {"HTTP/1.1 302 Found\r\nLocation: /final\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'r')};
    if (target == "/with-a-huge-body") return {"HTTP/1.1 302 Found\r\nLocation: /final\r\nContent-Length: 10000000\r\n\r\n" + std::string(400000, 'r'), reply::then::hold};
    return {ok(request.method() + " " + request.body)};
}

task<> follows_redirects() {
    scripted_server server(redirecting);
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/hop"));
    EXPECT_EQ(response.url(), server.url("/final"));
    auto text = co_await response.text();
    EXPECT_EQ(text, "GET ");
    for (auto target : {"/with-body", "/see-other"}) {
        auto body = co_await fetch(http, server.url(target));
        EXPECT_EQ(body, "GET ");
    }
    EXPECT_EQ(server.connections, 1u);
    auto past_a_huge_one = co_await fetch(http, server.url("/with-a-huge-body"));
    EXPECT_EQ(past_a_huge_one, "GET ");
    EXPECT_EQ(server.connections, 2u);
    auto unfollowed = co_await http.get(server.url("/hop"), {.max_redirects = 0});
    EXPECT_EQ(unfollowed.status(), 302);
    auto without = co_await http.get(server.url("/no-location"));
    EXPECT_EQ(without.status(), 302);
}
TEST(http_client, follows_redirects) { in_loop(follows_redirects()); }

task<> redirects_and_methods() {
    scripted_server server(redirecting);
    co_await server.start();
    http::client http;
    auto other = co_await http.request("POST", server.url("/see-other"), {.body = "data"});
    auto as_get = co_await other.text();
    EXPECT_EQ(as_get, "GET ");
    auto same = co_await http.request("POST", server.url("/temporary"), {.body = "data"});
    auto as_post = co_await same.text();
    EXPECT_EQ(as_post, "POST data");
    auto found = co_await http.request("POST", server.url("/with-body"), {.body = "data", .content_type = "text/x"});
    EXPECT_EQ(server.requests.back().method(), "GET");
    EXPECT_EQ(server.requests.back().field("Content-Type"), "");
}
TEST(http_client, a_redirect_changes_the_method_as_it_must) { in_loop(redirects_and_methods()); }

task<> bad_redirects() {
    scripted_server server(redirecting);
    co_await server.start();
    http::client http({.max_redirects = 5});
    auto loop = co_await failure_of<http::redirect_error>(http.get(server.url("/loop")));
    EXPECT_THAT(loop, HasSubstr("loop"));
    EXPECT_THAT(loop, HasSubstr(server.url("/loop")));
    EXPECT_EQ(server.requests.size(), 6u);
    auto nowhere = co_await failure_of<http::redirect_error>(http.get(server.url("/nowhere")));
    EXPECT_THAT(nowhere, HasSubstr("/nowhere"));
    auto limited = co_await failure_of<http::redirect_error>(http.get(server.url("/hop"), {.max_redirects = 1}));
    EXPECT_THAT(limited, HasSubstr("more than 1 redirects"));
}
TEST(http_client, a_redirect_that_leads_nowhere_is_an_error) { in_loop(bad_redirects()); }

task<> credentials_stay_home() {
    scripted_server there([](const seen_request&) -> reply { return {ok("there")}; });
    co_await there.start();
    const std::string away = there.url("/x");
    scripted_server here([away](const seen_request& request) -> reply {
        return {request.target() == "/away" ? moved(302, away) : request.target() == "/inside" ? moved(302, "/stay") : ok("here")};
    });
    co_await here.start();
    http::client http;
    http::headers secret{{"Authorization", "Bearer s"}, {"Cookie", "a=b"}, {"X-Other", "kept"}};
    auto inside = co_await http.get(here.url("/inside"), {.headers = &secret});
    EXPECT_EQ(here.requests.back().field("Authorization"), "Bearer s");
    EXPECT_EQ(here.requests.back().field("Cookie"), "a=b");
    auto outside = co_await http.get(here.url("/away"), {.headers = &secret});
    EXPECT_EQ(there.requests.back().field("Authorization"), "");
    EXPECT_EQ(there.requests.back().field("Cookie"), "");
    EXPECT_EQ(there.requests.back().field("X-Other"), "kept");
    const std::string with_user = "http://me:pw@127.0.0.1:" + std::to_string(here.port()) + "/away";
    auto named = co_await http.get(with_user);
    EXPECT_EQ(here.requests.back().field("Authorization"), "Basic bWU6cHc=");
    EXPECT_EQ(there.requests.back().field("Authorization"), "");
}
TEST(http_client, credentials_do_not_cross_origins) { in_loop(credentials_stay_home()); }

task<> slow_farewells() {
    scripted_server server([](const seen_request& request) -> reply {
        if (request.target() == "/until-close") return {"HTTP/1.1 302 Found\r\nLocation: /final\r\nConnection: close\r\n\r\nmoved", reply::then::hold};
        if (request.target() == "/stalled") return {"HTTP/1.1 302 Found\r\nLocation: /final\r\nContent-Length: 10\r\n\r\n", reply::then::hold};
        if (request.target() == "/busy") return {"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 10\r\n\r\n", reply::then::hold};
        return {ok("there")};
    });
    co_await server.start();
    http::client http;
    for (auto target : {"/until-close", "/stalled"}) {
        auto text = co_await fetch(http, server.url(target), {.timeout = 10s});
        EXPECT_EQ(text, "there") << target;
    }
    auto busy = co_await http.get(server.url("/busy"), {.timeout = 10s, .retries = 1});
    EXPECT_EQ(busy.status(), 503);
    EXPECT_EQ(server.requests.size(), 6u);
}
TEST(http_client, the_body_of_a_redirect_is_not_waited_for) { in_loop(slow_farewells()); }

task<> framing_is_leats_own() {
    scripted_server server([](const seen_request& request) -> reply { return {ok(request.body)}; });
    co_await server.start();
    http::client http;
    const http::headers copied{{"Content-Length", "300"}, {"Transfer-Encoding", "chunked"}, {"X-Other", "kept"}};
    auto plain = co_await http.get(server.url("/"), {.headers = &copied, .timeout = 5s});
    co_await plain.text();
    EXPECT_EQ(server.requests.at(0).field("Content-Length"), "");
    EXPECT_EQ(server.requests.at(0).field("Transfer-Encoding"), "");
    EXPECT_EQ(server.requests.at(0).field("X-Other"), "kept");
    auto posted = co_await http.request("POST", server.url("/"), {.headers = &copied, .body = "four", .timeout = 5s});
    auto text = co_await posted.text();
    EXPECT_EQ(text, "four");
    EXPECT_EQ(server.requests.at(1).field("Content-Length"), "4");
    EXPECT_EQ(server.requests.at(1).field("Transfer-Encoding"), "");
}
TEST(http_client, no_field_of_the_callers_says_where_the_body_ends) { in_loop(framing_is_leats_own()); }

task<> empty_bodies() {
    scripted_server server([](const seen_request&) -> reply { return {ok("")}; });
    co_await server.start();
    http::client http;
    for (auto method : {"POST", "PUT", "PATCH"}) {
        auto response = co_await http.request(method, server.url("/"));
        EXPECT_EQ(server.requests.back().field("Content-Length"), "0") << method;
    }
    for (auto method : {"GET", "DELETE", "OPTIONS"}) {
        auto response = co_await http.request(method, server.url("/"));
        EXPECT_EQ(server.requests.back().field("Content-Length"), "") << method;
    }
}
TEST(http_client, methods_that_mean_a_body_announce_an_empty_one) { in_loop(empty_bodies()); }

task<> secrets_in_errors() {
    scripted_server server([](const seen_request&) -> reply { return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold}; });
    co_await server.start();
    const std::string url = "http://me:hunter2@127.0.0.1:" + std::to_string(server.port()) + "/x";
    http::client http({.connections_per_origin = 1});
    auto holding = co_await http.get(url);
    auto slow = co_await failure_of<timeout_error>(http.get(url, {.timeout = 20ms}));
    EXPECT_THAT(slow, HasSubstr("GET " + server.url("/x")));
    EXPECT_EQ(slow.find("hunter2"), std::string::npos) << slow;
}
TEST(http_client, a_time_out_does_not_tell_the_password) { in_loop(secrets_in_errors()); }

}  // namespace
}  // namespace leat
