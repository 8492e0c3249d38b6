// HTTP/2 by the client, against a server that is played frame by frame: what goes wrong, and what is sent again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "http2_support.hpp"

namespace leat {
namespace {

using namespace http2_test;
using testing::failure_of;
using testing::field;
using testing::four;
using testing::http2_frame;
using testing::http2_peer;
using testing::http2_server;
using testing::in_loop;
using testing::settle;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// ---- failures

/// What comes of the first request to a server that does this.
template <class Error>
task<std::string> error_after(std::function<task<>(http2_peer&, std::uint32_t)> then, http::client_options options = clear) {
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto request = co_await peer.next(http2_frame::headers);
        if (!request) co_return;
        co_await then(peer, request->stream);
        while (auto frame = co_await peer.next()) {}
    });
    co_await server.start();
    http::client http(options);
    auto error = co_await failure_of<Error>(fetch(http, server.url("/it")));
    EXPECT_THAT(error, HasSubstr("GET " + server.url("/it")));
    co_return error;
}

TEST(http2_faults, a_stream_that_is_reset_names_the_code) {
    auto early = in_loop(error_after<http::connect_error>([](http2_peer& peer, std::uint32_t stream) { return peer.send(http2_frame::reset, 0, stream, four(2)); }));
    EXPECT_THAT(early, HasSubstr("INTERNAL_ERROR"));
    auto late = in_loop(error_after<http::truncated_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        co_await peer.head(stream, 200, field("content-length", "10"));
        co_await peer.data(stream, "half");
        co_await settle();
        co_await peer.send(http2_frame::reset, 0, stream, four(11));
    }));
    EXPECT_THAT(late, HasSubstr("ENHANCE_YOUR_CALM"));
    EXPECT_THAT(late, HasSubstr("4"));
}

TEST(http2_faults, a_body_of_another_size_than_announced) {
    auto longer = in_loop(error_after<http::protocol_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        co_await peer.head(stream, 200, field("content-length", "3"));
        co_await peer.data(stream, "four", true);
    }));
    EXPECT_THAT(longer, HasSubstr("Content-Length of 3"));
    auto shorter = in_loop(error_after<http::truncated_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        co_await peer.head(stream, 200, field("content-length", "10"));
        co_await peer.data(stream, "four", true);
    }));
    EXPECT_THAT(shorter, HasSubstr("4 of 10"));
}

TEST(http2_faults, a_connection_that_breaks_in_the_body) {
    auto cut = in_loop(error_after<http::truncated_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        co_await peer.head(stream, 200);
        co_await peer.data(stream, "half");
        co_await peer.close();
    }));
    EXPECT_THAT(cut, HasSubstr("after 4 bytes"));
}

TEST(http2_faults, a_connection_that_breaks_before_the_head) {
    auto cut = in_loop(error_after<http::connect_error>([](http2_peer& peer, std::uint32_t) { return peer.close(); }));
    EXPECT_THAT(cut, HasSubstr("without a reply"));
}

TEST(http2_faults, heads_above_the_limits) {
    auto long_one = in_loop(error_after<http::too_large_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        std::string fields;
        for (int i = 0; i < 12; ++i) fields += field("x-" + std::to_string(i), std::string(1000, 'x'));
        co_await peer.head(stream, 200, fields, true);
    }, {.protocol = http::protocol::http2, .head_limit = {8000}}));
    EXPECT_THAT(long_one, HasSubstr("8000 bytes"));
    auto many = in_loop(error_after<http::too_large_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        std::string fields;
        for (int i = 0; i < 300; ++i) fields += field("x", "y");
        co_await peer.head(stream, 200, fields, true);
    }));
    EXPECT_THAT(many, HasSubstr("256 fields"));
}

TEST(http2_faults, responses_that_are_none) {
    in_loop(error_after<http::protocol_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {  // no status
        std::string block = field("x", "y");
        co_await peer.send(http2_frame::headers, testing::end_headers | testing::end_stream, stream, std::move(block));
    }));
    in_loop(error_after<http::protocol_error>([](http2_peer& peer, std::uint32_t stream) { return peer.head(stream, 200, field("Upper", "y"), true); }));
    in_loop(error_after<http::protocol_error>([](http2_peer& peer, std::uint32_t stream) { return peer.head(stream, 200, field("x", "a\nb"), true); }));
    in_loop(error_after<http::protocol_error>([](http2_peer& peer, std::uint32_t stream) { return peer.data(stream, "before its head", true); }));
    in_loop(error_after<http::protocol_error>([](http2_peer& peer, std::uint32_t) { return peer.raw("HTTP/1.1 400 Bad Request\r\n\r\n"); }));
    in_loop(error_after<http::protocol_error>([](http2_peer& peer, std::uint32_t stream) { return peer.send(http2_frame::push, testing::end_headers, stream, four(2) + field(":method", "GET")); }));
}

TEST(http2_faults, a_flood_of_pings_ends_the_connection) {
    // Nobody reads the answers.
    auto error = in_loop(error_after<http::error>([](http2_peer& peer, std::uint32_t) -> task<> {
        std::string many;
        for (int i = 0; i < 2000; ++i) many += std::string("\0\0\x8\6\0\0\0\0\0", 9) + "12345678";
        for (int i = 0; i < 500; ++i) {
            auto sent = co_await (peer.raw(many) | as_result);
            if (!sent) co_return;
        }
    }, {.read_timeout = std::chrono::seconds{5}, .protocol = http::protocol::http2}));
    EXPECT_THAT(error, HasSubstr("GET"));
}

task<> not_http2() {
    testing::scripted_server server([](const testing::seen_request&) -> testing::reply { return {testing::ok("x")}; });
    co_await server.start();
    http::client http(clear);
    testing::scripted_server old([](const testing::seen_request&) -> testing::reply { return {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", testing::reply::then::close}; });
    co_await old.start();
    auto error = co_await failure_of<http::protocol_error>(http.get(old.url("/")));
    EXPECT_THAT(error, HasSubstr("HTTP/2"));
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http2_faults, a_server_that_does_not_speak_it) { in_loop(not_http2()); }

task<> many_die() {
    std::size_t come = 0;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto request = co_await peer.next(http2_frame::headers)) {
            co_await peer.head(request->stream, 200);
            co_await peer.data(request->stream, "some");
            if (++come == 20) co_return co_await peer.close();
        }
    });
    co_await server.start();
    http::client http(clear);
    std::vector<task<std::string>> all;
    for (int i = 0; i < 20; ++i) all.push_back(failure_of<http::truncated_error>(fetch(http, server.url("/" + std::to_string(i)))));
    auto errors = co_await gather(std::move(all));
    for (std::size_t i = 0; i < errors.size(); ++i) {
        EXPECT_THAT(errors[i], HasSubstr("/" + std::to_string(i) + ": "));
        EXPECT_THAT(errors[i], HasSubstr("after 4 bytes"));
    }
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http2_faults, every_request_of_a_connection_that_breaks_is_told) { in_loop(many_die()); }

/// More of a head than anybody wants, in frames that do not end it; nothing of it is kept.
TEST(http2_faults, a_head_without_an_end_ends_the_connection) {
    auto error = in_loop(error_after<http::error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        co_await peer.send(http2_frame::headers, 0, stream, field(":status", "200"));
        for (int i = 0; i < 10'000; ++i) co_await peer.send(http2_frame::continuation, 0, stream, field("x", std::string(10'000, 'x')));
    }, {.read_timeout = std::chrono::seconds{5}, .protocol = http::protocol::http2}));
    EXPECT_THAT(error, HasSubstr("GET"));
}

TEST(http2_faults, a_flood_of_settings_ends_the_connection) {
    auto error = in_loop(error_after<http::error>([](http2_peer& peer, std::uint32_t) -> task<> {
        std::string many;
        for (int i = 0; i < 2000; ++i) many += std::string("\0\0\0\4\0\0\0\0\0", 9);
        for (int i = 0; i < 500; ++i) {
            auto sent = co_await (peer.raw(many) | as_result);
            if (!sent) co_return;
        }
    }, {.read_timeout = std::chrono::seconds{5}, .protocol = http::protocol::http2}));
    EXPECT_THAT(error, HasSubstr("GET"));
}

/// A connection that may be dead, since not even a slow server would be so silent, gets no other request.
task<> silence(http::client_options options) {
    http2_server server([](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto request = co_await peer.next(http2_frame::headers);
        co_await peer.answer(request->stream, "first of " + std::to_string(peer.connection));
        while (auto frame = co_await peer.next()) {}
    });
    co_await server.start();
    http::client http(options);
    auto first = co_await fetch(http, server.url("/"));
    EXPECT_EQ(first, "first of 0");
    co_await failure_of<timeout_error>(http.get(server.url("/")));
    auto second = co_await fetch(http, server.url("/"));
    EXPECT_EQ(second, "first of 1");
}
TEST(http2_faults, a_connection_that_has_gone_silent_is_replaced) { in_loop(silence({.read_timeout = 1s, .protocol = http::protocol::http2})); }
TEST(http2_faults, a_connection_that_was_silent_for_the_whole_time_is_replaced) { in_loop(silence({.total_timeout = 1s, .protocol = http::protocol::http2})); }

// ---- what may be sent again

task<> goes_away() {
    http2_server server([](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto first = co_await peer.next(http2_frame::headers);
        if (peer.connection != 0) {
            while (first) {
                co_await peer.answer(first->stream, "second connection");
                first = co_await peer.next(http2_frame::headers);
            }
            co_return;
        }
        auto second = co_await peer.next(http2_frame::headers);
        co_await peer.goaway(first->stream, 0);
        co_await settle();
        co_await peer.answer(first->stream, "first connection");
        while (auto frame = co_await peer.next()) {}
    });
    co_await server.start();
    http::client http(clear);
    const auto post = [](http::client& by, std::string url) -> task<std::string> {
        auto response = co_await by.request("POST", url, {.body = "money"});
        co_return co_await response.text();
    };
    auto [one, two] = co_await gather(fetch(http, server.url("/1")), post(http, server.url("/2")));
    EXPECT_EQ(one, "first connection");
    EXPECT_EQ(two, "second connection");
    EXPECT_EQ(server.connections, 2u);
    EXPECT_EQ(http.open_connections(), 1u);
}
TEST(http2_faults, what_a_leaving_server_has_not_looked_at_goes_elsewhere) { in_loop(goes_away()); }

task<> refused() {
    std::size_t refusals = 0;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto request = co_await peer.next(http2_frame::headers)) {
            if (request->fields[":path"] == "/never" || refusals == 0) {
                ++refusals;
                co_await peer.send(http2_frame::reset, 0, request->stream, four(7));
            } else {
                co_await peer.answer(request->stream, "now");
            }
        }
    });
    co_await server.start();
    http::client http(clear);
    auto posted = co_await http.request("POST", server.url("/"), {.body = ""});
    auto text = co_await posted.text();
    EXPECT_EQ(text, "now");
    EXPECT_EQ(refusals, 1u);
    auto error = co_await failure_of<http::connect_error>(http.get(server.url("/never")));
    EXPECT_THAT(error, HasSubstr("REFUSED_STREAM"));
    EXPECT_EQ(refusals, 5u);
}
TEST(http2_faults, a_refused_request_is_sent_again_a_few_times) { in_loop(refused()); }

task<> stale() {
    http2_server server([](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto request = co_await peer.next(http2_frame::headers);
        co_await peer.answer(request->stream, "x");
        co_await peer.next(http2_frame::headers);
        co_await peer.close();
    });
    co_await server.start();
    http::client http(clear);
    co_await fetch(http, server.url("/"));
    auto text = co_await fetch(http, server.url("/"));
    EXPECT_EQ(text, "x");
    EXPECT_EQ(server.connections, 2u);
    auto error = co_await failure_of<http::connect_error>(http.request("POST", server.url("/"), {.body = "1"}));
    EXPECT_THAT(error, HasSubstr("without a reply"));
}
TEST(http2_faults, a_connection_closed_meanwhile_is_replaced) { in_loop(stale()); }

}  // namespace
}  // namespace leat
