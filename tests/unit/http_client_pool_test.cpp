#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leat/http/client.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

namespace leat {
namespace {

using testing::failure_of;
using testing::in_loop;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::settle;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

task<std::string> fetch(http::client& http, std::string url) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    co_return co_await response.text();
}

task<> noted(http::client& http, std::string url, std::string& order) {
    auto text = co_await fetch(http, url);
    order += text;
}

task<> keeps_connections() {
    scripted_server server([](const seen_request& r) -> reply {
        if (r.target() == "/last") return {ok("x", "Connection: close\r\n"), reply::then::close};
        return {ok("x")};
    });
    co_await server.start();
    http::client http;
    for (int i = 0; i < 5; ++i) co_await fetch(http, server.url("/"));
    EXPECT_EQ(server.connections, 1u);
    EXPECT_EQ(http.idle_connections(), 1u);
    co_await fetch(http, server.url("/last"));
    EXPECT_EQ(http.open_connections(), 0u);
    co_await fetch(http, server.url("/"));
    EXPECT_EQ(server.connections, 2u);
    http::client once({.idle_timeout = 0s});
    co_await fetch(once, server.url("/"));
    EXPECT_EQ(once.open_connections(), 0u);
}
TEST(http_client_pool, a_connection_serves_again) { in_loop(keeps_connections()); }

task<> limit_of_an_origin() {
    scripted_server server([](const seen_request& r) -> reply { return {ok(r.target().substr(1))}; });
    server.gated = true;
    co_await server.start();
    http::client http({.connections_per_origin = 2});
    std::string order;
    task_group group;
    for (auto target : {"/a", "/b", "/c", "/d", "/e"}) group.spawn(noted(http, server.url(target), order));
    while (server.requests.size() < 2) co_await sleep(1ms);
    co_await settle();
    EXPECT_EQ(server.requests.size(), 2u);
    EXPECT_EQ(http.open_connections(), 2u);
    server.gate.set();
    co_await group.join();
    EXPECT_EQ(order.size(), 5u);
    EXPECT_EQ(server.connections, 2u);
    http::client one_by_one({.connections_per_origin = 1});
    order.clear();
    for (auto target : {"/a", "/b", "/c", "/d", "/e"}) group.spawn(noted(one_by_one, server.url(target), order));
    co_await group.join();
    EXPECT_EQ(order, "abcde");
}
TEST(http_client_pool, requests_above_the_limit_wait_in_order) { in_loop(limit_of_an_origin()); }

task<> limit_of_all() {
    scripted_server one([](const seen_request&) -> reply { return {ok("1")}; });
    scripted_server two([](const seen_request&) -> reply { return {ok("2")}; });
    co_await one.start();
    co_await two.start();
    http::client http({.connections = 1});
    std::string order;
    co_await noted(http, one.url("/"), order);
    co_await noted(http, two.url("/"), order);  // takes the idle one's place
    EXPECT_EQ(http.open_connections(), 1u);
    task_group group;
    for (int i = 0; i < 3; ++i) {
        group.spawn(noted(http, one.url("/"), order));
        group.spawn(noted(http, two.url("/"), order));
    }
    co_await group.join();
    EXPECT_EQ(order, "12121212");
    EXPECT_LE(http.open_connections(), 1u);
}
TEST(http_client_pool, origins_share_the_total) { in_loop(limit_of_all()); }

task<> stale_connections() {
    // The server answers one request a connection and does not say so.
    scripted_server server([](const seen_request&) -> reply { return {ok("x"), reply::then::close}; });
    co_await server.start();
    http::client http;
    for (int i = 0; i < 4; ++i) {
        auto text = co_await fetch(http, server.url("/"));
        EXPECT_EQ(text, "x");
    }
    EXPECT_EQ(server.connections, 4u);
    auto posted = co_await http.request("POST", server.url("/"), {.body = "once"});
    EXPECT_EQ(posted.status(), 200);
}
TEST(http_client_pool, a_connection_closed_meanwhile_is_replaced) { in_loop(stale_connections()); }

task<> no_second_post() {
    std::size_t served = 0;
    scripted_server server([&served](const seen_request&) -> reply {
        if (served++ % 2 == 0) return {ok("x")};
        return {"", reply::then::close};
    });
    co_await server.start();
    http::client http;
    co_await fetch(http, server.url("/"));
    auto error = co_await failure_of<http::connect_error>(http.request("POST", server.url("/pay"), {.body = "1"}));
    EXPECT_THAT(error, HasSubstr("without a reply"));
    EXPECT_THAT(error, HasSubstr("POST " + server.url("/pay")));
    EXPECT_EQ(server.requests.size(), 2u);
    // A GET is sent again, once.
    co_await fetch(http, server.url("/"));
    co_await fetch(http, server.url("/"));
    EXPECT_EQ(server.requests.size(), 5u);
}
TEST(http_client_pool, a_request_that_may_have_arrived_is_not_repeated) { in_loop(no_second_post()); }

task<> never_twice() {
    scripted_server server([](const seen_request&) -> reply { return {"", reply::then::close}; });
    co_await server.start();
    http::client http;
    auto error = co_await failure_of<http::connect_error>(http.get(server.url("/")));
    EXPECT_THAT(error, HasSubstr("without a reply"));
    EXPECT_EQ(server.requests.size(), 1u);  // a new connection was not stale
}
TEST(http_client_pool, a_new_connection_without_a_reply_is_an_error) { in_loop(never_twice()); }

task<> dropped_unread() {
    const std::string large(4'000'000, 'L');
    scripted_server server([&large](const seen_request& r) -> reply { return {r.target() == "/large" ? ok(large) : ok("small")}; });
    co_await server.start();
    http::client http;
    { auto response = co_await http.get(server.url("/small")); }
    EXPECT_EQ(http.idle_connections(), 1u);
    { auto response = co_await http.get(server.url("/large")); }
    EXPECT_EQ(http.open_connections(), 0u);
    auto text = co_await fetch(http, server.url("/large"));
    EXPECT_EQ(text, large);
}
TEST(http_client_pool, an_unread_body_costs_the_connection) { in_loop(dropped_unread()); }

task<> outlived_client() {
    const std::string large(1'000'000, 'L');
    scripted_server server([&large](const seen_request&) -> reply { return {ok(large)}; });
    co_await server.start();
    std::optional<http::client> http{std::in_place};
    auto response = co_await http->get(server.url("/"));
    auto running = http->get(server.url("/other"));
    http.reset();
    auto text = co_await response.text();
    EXPECT_EQ(text, large);
    auto second = co_await std::move(running);
    auto other = co_await second.text();
    EXPECT_EQ(other, large);
}
TEST(http_client_pool, a_response_outlives_its_client) { in_loop(outlived_client()); }

/// A program's client may live longer than its loop, and serve another.
TEST(http_client_pool, a_client_outlives_its_loop) {
    http::client http;
    const auto once = [](http::client& by) -> task<std::string> {
        scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
        co_await server.start();
        co_return co_await fetch(by, server.url("/"));
    };
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(in_loop(once(http)), "x");
        EXPECT_EQ(http.open_connections(), 0u);
    }
}

task<> idle_ones_go() {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    http::client http({.idle_timeout = 20ms});
    co_await fetch(http, server.url("/"));
    EXPECT_EQ(http.idle_connections(), 1u);
    while (http.open_connections() != 0) co_await sleep(5ms);  // the guard of the test is the limit
}
TEST(http_client_pool, idle_connections_are_closed_in_time) { in_loop(idle_ones_go()); }

task<> something_unasked() {
    scripted_server server([](const seen_request&) -> reply { return {ok("x") + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"}; });
    co_await server.start();
    http::client http;
    for (int i = 0; i < 3; ++i) {
        auto text = co_await fetch(http, server.url("/"));
        EXPECT_EQ(text, "x");
    }
}
TEST(http_client_pool, what_nobody_asked_for_is_nobodys_answer) { in_loop(something_unasked()); }

/// A request that is cancelled after so many turns of the loop; then the client must be as new.
task<> cancelled_after(http::client& http, scripted_server& server, int turns, const char* target) {
    task_group group;
    std::string order;
    group.spawn(noted(http, server.url(target), order));
    group.spawn(noted(http, server.url(target), order));
    co_await settle(turns);
    group.cancel();
    co_await group.join();
}
task<> cancellation_anywhere() {
    const std::string large(300'000, 'L');
    scripted_server server([&large](const seen_request& r) -> reply {
        if (r.target() == "/held") return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold};
        return {r.target() == "/large" ? ok(large) : ok("x")};
    });
    co_await server.start();
    http::client http({.connections_per_origin = 1});
    for (auto target : {"/small", "/large", "/held"})
        for (int turns = 0; turns < 24; ++turns) {
            co_await cancelled_after(http, server, turns, target);
            EXPECT_LE(http.open_connections(), 1u) << target << " after " << turns;
            EXPECT_EQ(http.open_connections(), http.idle_connections()) << target << " after " << turns;
        }
    auto text = co_await fetch(http, server.url("/large"));
    EXPECT_EQ(text, large);
}
TEST(http_client_pool, cancellation_at_any_stage_leaves_nothing_behind) { in_loop(cancellation_anywhere()); }

task<> dropped_after(http::client& http, scripted_server& server, int turns) {
    task_group group;
    std::string order;
    group.spawn(noted(http, server.url("/large"), order));
    group.spawn(noted(http, server.url("/held"), order));
    group.spawn(noted(http, server.url("/small"), order));
    co_await settle(turns);
    // The group dies with its children suspended.
}
task<> dropping_anywhere() {
    const std::string large(300'000, 'L');
    scripted_server server([&large](const seen_request& r) -> reply {
        if (r.target() == "/held") return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold};
        return {r.target() == "/large" ? ok(large) : ok("x")};
    });
    co_await server.start();
    http::client http({.connections_per_origin = 2});
    for (int turns = 0; turns < 24; ++turns) co_await dropped_after(http, server, turns);
    EXPECT_EQ(http.open_connections(), http.idle_connections());
    auto text = co_await fetch(http, server.url("/large"));
    EXPECT_EQ(text, large);
}
TEST(http_client_pool, a_task_dropped_at_any_stage_leaves_nothing_behind) { in_loop(dropping_anywhere()); }

task<> cancelled_read_loses_nothing() {
    scripted_server server([](const seen_request&) -> reply { return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold}; });
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/"));
    std::string all;
    auto first = co_await response.body().read();
    all += *first;
    for (int i = 0; i < 3; ++i) {
        auto waited = co_await (timeout(2ms, response.body().read()) | as_result);
        EXPECT_FALSE(waited);
    }
    EXPECT_EQ(all, "half");
    EXPECT_EQ(response.body().received(), 4u);
}
TEST(http_client_pool, a_cancelled_read_loses_nothing) { in_loop(cancelled_read_loses_nothing()); }

/// Gives its connection back, and keeps the loop until that has been idle for too long.
task<> keeps_the_loop(http::client& http, std::string url) {
    co_await fetch(http, url);
    const auto end = std::chrono::steady_clock::now() + 5ms;
    while (std::chrono::steady_clock::now() < end) {}
}
task<> granted_at_the_last_moment() {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    http::client http({.connections_per_origin = 1, .idle_timeout = 1ms});
    task_group group;
    for (int i = 0; i < 10; ++i) group.spawn(keeps_the_loop(http, server.url("/")));
    co_await group.join();
    EXPECT_EQ(server.requests.size(), 10u);
    EXPECT_LE(http.open_connections(), 1u);
}
TEST(http_client_pool, a_connection_that_was_granted_does_not_go_with_its_idle_time) { in_loop(granted_at_the_last_moment()); }

}  // namespace
}  // namespace leat
