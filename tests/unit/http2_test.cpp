// HTTP/2 by the client, against a server that is played frame by frame.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "leat/fs/file.hpp"
#include "leat/fs/operations.hpp"
#include "leat/http/client.hpp"
#include "leat/http/content.hpp"
#include "leat/io/copy.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "support/http2_peer.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

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

constexpr http::client_options clear{.protocol = http::protocol::http2, .proxy_from_environment = false};

task<std::string> fetch(http::client& http, std::string url) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    co_return co_await response.text();
}

/// Answers each request with its path.
task<> answer_all(http2_peer& peer) {
    co_await peer.begin();
    while (auto request = co_await peer.next(http2_frame::headers)) co_await peer.answer(request->stream, request->fields[":path"]);
}

// ---- sharing

task<> shares_a_connection() {
    http2_server server(answer_all);
    co_await server.start();
    http::client http(clear);
    std::vector<task<std::string>> all;
    for (int i = 0; i < 60; ++i) all.push_back(fetch(http, server.url("/" + std::to_string(i))));
    auto texts = co_await gather(std::move(all));
    for (int i = 0; i < 60; ++i) EXPECT_EQ(texts[static_cast<std::size_t>(i)], "/" + std::to_string(i));
    EXPECT_EQ(server.connections, 1u);
    EXPECT_EQ(http.open_connections(), 1u);
    EXPECT_EQ(http.idle_connections(), 1u);
    auto again = co_await fetch(http, server.url("/again"));
    EXPECT_EQ(again, "/again");
    EXPECT_EQ(server.connections, 1u);
}
TEST(http2, requests_share_one_connection) { in_loop(shares_a_connection()); }

task<> respects_the_limits() {
    std::size_t most = 0;
    std::size_t now_open = 0;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin(std::string("\0\3", 2) + four(3));  // three streams at once
        std::vector<std::uint32_t> waiting;
        while (auto frame = co_await peer.next(http2_frame::headers)) {
            waiting.push_back(frame->stream);
            most = std::max(most, ++now_open);
            if (waiting.size() < 2) continue;
            for (auto stream : waiting) {
                --now_open;
                co_await peer.answer(stream, "x");
            }
            waiting.clear();
        }
    });
    co_await server.start();
    http::client_options few = clear;
    few.connections_per_origin = 2;
    http::client http(few);
    std::vector<task<std::string>> all;
    for (int i = 0; i < 20; ++i) all.push_back(fetch(http, server.url("/")));
    auto texts = co_await gather(std::move(all));
    EXPECT_EQ(texts.size(), 20u);
    EXPECT_EQ(most, 2u);
    EXPECT_EQ(server.connections, 1u);
}
TEST(http2, the_limits_count_requests) { in_loop(respects_the_limits()); }

task<> opens_another() {
    http2_server server(answer_all);
    co_await server.start();
    http::client_options few = clear;
    few.streams_per_connection = 4;
    http::client http(few);
    std::vector<task<std::string>> all;
    for (int i = 0; i < 12; ++i) all.push_back(fetch(http, server.url("/")));
    auto texts = co_await gather(std::move(all));
    EXPECT_LE(server.connections, 3u);
    EXPECT_GE(server.connections, 2u);
    EXPECT_EQ(http.open_connections(), server.connections);
    EXPECT_EQ(http.idle_connections(), server.connections);
}
TEST(http2, a_full_connection_gets_company) { in_loop(opens_another()); }

task<> closes_when_idle() {
    http2_server server(answer_all);
    co_await server.start();
    http::client_options brief = clear;
    brief.idle_timeout = 20ms;
    http::client http(brief);
    co_await fetch(http, server.url("/"));
    while (http.open_connections() != 0 || server.open != 0) co_await sleep(1ms);
    http::client_options once = clear;
    once.idle_timeout = 0s;
    http::client other(once);
    co_await fetch(other, server.url("/"));
    EXPECT_EQ(other.open_connections(), 0u);
}
TEST(http2, an_idle_connection_is_closed_in_time) { in_loop(closes_when_idle()); }

// ---- heads and bodies

task<> heads() {
    http2_server server([](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto request = co_await peer.next(http2_frame::headers)) {
            EXPECT_EQ(request->fields["x-mine"], "Yes");
            EXPECT_EQ(request->fields[":scheme"], "http");
            EXPECT_FALSE(request->fields.contains("connection"));
            if (request->fields[":method"] == "HEAD") {
                co_await peer.head(request->stream, 200, field("content-length", "1000"), true);
                continue;
            }
            co_await peer.head(request->stream, 103, field("link", "</a>"));
            co_await peer.head(request->stream, 204, field("x-a", "1") + field("x-a", "2"), true);
        }
    });
    co_await server.start();
    http::client http(clear);
    const http::headers mine{{"X-Mine", "Yes"}, {"Connection", "close"}};
    auto got = co_await http.get(server.url("/"), {.headers = &mine});
    EXPECT_EQ(got.status(), 204);
    EXPECT_EQ(got.headers().get_all("X-A").size(), 2u);
    EXPECT_FALSE(got.headers().contains("link"));
    EXPECT_TRUE(got.body().complete());
    auto head = co_await http.head(server.url("/"), {.headers = &mine});
    EXPECT_EQ(head.headers().get("Content-Length"), "1000");
    EXPECT_EQ(head.body().size(), 0u);
    auto nothing = co_await head.text();
    EXPECT_EQ(nothing, "");
}
TEST(http2, heads_come_as_they_are) { in_loop(heads()); }

task<> trailers() {
    http2_server server([](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto request = co_await peer.next(http2_frame::headers);
        co_await peer.head(request->stream, 200);
        co_await peer.data(request->stream, "body");
        std::string block = field("x-checksum", "1");
        co_await peer.send(http2_frame::headers, testing::end_headers | testing::end_stream, request->stream, std::move(block));
        co_await peer.next(http2_frame::goaway);
    });
    co_await server.start();
    http::client http(clear);
    auto text = co_await fetch(http, server.url("/"));
    EXPECT_EQ(text, "body");
}
TEST(http2, trailers_end_a_body) { in_loop(trailers()); }

/// A body of `size` bytes, by windows.
task<> send_large(http2_peer& peer, std::uint32_t stream, std::size_t size, std::size_t& most_ahead) {
    std::int64_t window = 256 * 1024;
    std::size_t sent = 0;
    std::size_t acknowledged = 0;
    co_await peer.head(stream, 200);
    while (sent < size) {
        const std::size_t part = std::min<std::size_t>({16384, size - sent, static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(peer.window, window)))});
        if (part == 0) {
            auto update = co_await peer.next(http2_frame::window);
            if (!update) co_return;
            if (update->stream == 0) continue;
            window += update->number();
            acknowledged += update->number();
            continue;
        }
        std::string piece(part, static_cast<char>('a' + sent / 16384 % 26));
        co_await peer.data(stream, std::move(piece), sent + part == size);
        sent += part;
        peer.window -= static_cast<std::int64_t>(part);
        window -= static_cast<std::int64_t>(part);
        most_ahead = std::max(most_ahead, sent - std::min(sent, acknowledged));
    }
}

task<> copies_to_a_file() {
    constexpr std::size_t size = 5'000'000;
    std::size_t ahead = 0;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto request = co_await peer.next(http2_frame::headers)) co_await send_large(peer, request->stream, size, ahead);
    });
    co_await server.start();
    testing::temporary_directory folder;
    http::client http(clear);
    auto response = co_await http.get(server.url("/"));
    EXPECT_FALSE(response.body().size());
    auto file = co_await open(folder / "it", "w");
    auto copied = co_await copy(response.body(), file);
    EXPECT_EQ(copied, size);
    EXPECT_EQ(response.body().received(), size);
    EXPECT_TRUE(response.body().complete());
    co_await file.close();
    auto text = co_await read_file(folder / "it");
    EXPECT_EQ(text.size(), size);
    EXPECT_EQ(text[20000], 'b');
    EXPECT_EQ(http.idle_connections(), 1u);
}
TEST(http2, a_large_body_goes_into_a_file) { in_loop(copies_to_a_file()); }

task<> unread_streams() {
    std::size_t ahead = 0;
    std::size_t unread = 0;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto first = co_await peer.next(http2_frame::headers);
        // As much as it may send to somebody who does not read, and no more.
        co_await peer.head(first->stream, 200);
        for (int i = 0; i < 16; ++i) {
            std::string piece(16384, 'x');
            co_await peer.data(first->stream, std::move(piece));
            unread += 16384;
        }
        auto second = co_await peer.next(http2_frame::headers);
        co_await peer.answer(second->stream, "quick");
        // The connection's window was opened, the stream's was not.
        std::size_t more = 0;
        bool own = false;
        auto third = co_await peer.next();
        while (third && third->type != http2_frame::headers) {
            if (third->type == http2_frame::window) (third->stream == 0 ? more += third->number() : own = true);
            third = co_await peer.next();
        }
        EXPECT_FALSE(own);
        co_await send_large(peer, third->stream, 100'000, ahead);
        while (auto frame = co_await peer.next()) {}
    });
    co_await server.start();
    http::client http(clear);
    auto lazy = co_await http.get(server.url("/lazy"));
    auto quick = co_await fetch(http, server.url("/quick"));
    EXPECT_EQ(quick, "quick");
    auto large = co_await fetch(http, server.url("/large"));
    EXPECT_EQ(large.size(), 100'000u);
    EXPECT_EQ(server.connections, 1u);
    auto piece = co_await lazy.body().read();
    EXPECT_EQ(piece->size(), unread);
}
TEST(http2, a_stream_that_nobody_reads_keeps_nobody_waiting) { in_loop(unread_streams()); }

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

TEST(http2, a_stream_that_is_reset_names_the_code) {
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

TEST(http2, a_body_of_another_size_than_announced) {
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

TEST(http2, a_connection_that_breaks_in_the_body) {
    auto cut = in_loop(error_after<http::truncated_error>([](http2_peer& peer, std::uint32_t stream) -> task<> {
        co_await peer.head(stream, 200);
        co_await peer.data(stream, "half");
        co_await peer.close();
    }));
    EXPECT_THAT(cut, HasSubstr("after 4 bytes"));
}

TEST(http2, a_connection_that_breaks_before_the_head) {
    auto cut = in_loop(error_after<http::connect_error>([](http2_peer& peer, std::uint32_t) { return peer.close(); }));
    EXPECT_THAT(cut, HasSubstr("without a reply"));
}

TEST(http2, heads_above_the_limits) {
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

TEST(http2, responses_that_are_none) {
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
TEST(http2, a_server_that_does_not_speak_it) { in_loop(not_http2()); }

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
TEST(http2, every_request_of_a_connection_that_breaks_is_told) { in_loop(many_die()); }

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
TEST(http2, what_a_leaving_server_has_not_looked_at_goes_elsewhere) { in_loop(goes_away()); }

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
TEST(http2, a_refused_request_is_sent_again_a_few_times) { in_loop(refused()); }

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
TEST(http2, a_connection_closed_meanwhile_is_replaced) { in_loop(stale()); }

// ---- giving up

task<> cancels() {
    std::vector<std::uint32_t> codes;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto frame = co_await peer.next()) {
            if (frame->type == http2_frame::reset) codes.push_back(frame->number());
            if (frame->type != http2_frame::headers) continue;
            if (frame->fields[":path"] == "/quick") co_await peer.answer(frame->stream, "x");
            if (frame->fields[":path"] == "/half") {
                co_await peer.head(frame->stream, 200);
                co_await peer.data(frame->stream, "half");
            }
        }
    });
    co_await server.start();
    http::client http(clear);
    co_await fetch(http, server.url("/quick"));
    auto slow = co_await (timeout(10ms, http.get(server.url("/silent"))) | as_result);
    EXPECT_FALSE(slow);
    {
        auto half = co_await http.get(server.url("/half"));
        auto piece = co_await half.body().read();
        EXPECT_EQ(*piece, "half");
        auto more = co_await (timeout(10ms, half.body().read()) | as_result);
        EXPECT_FALSE(more);
    }
    while (codes.size() < 2) co_await sleep(1ms);
    EXPECT_EQ(codes, (std::vector<std::uint32_t>{8, 8}));
    co_await fetch(http, server.url("/quick"));
    EXPECT_EQ(server.connections, 1u);
    EXPECT_EQ(http.idle_connections(), 1u);
}
TEST(http2, a_request_that_is_given_up_is_reset_and_the_connection_lives_on) { in_loop(cancels()); }

task<> destroyed() {
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto frame = co_await peer.next(http2_frame::headers))
            if (frame->fields[":path"] == "/quick") co_await peer.answer(frame->stream, "x");
    });
    co_await server.start();
    http::client http(clear);
    for (int turns = 0; turns < 12; ++turns) {
        task_group group;
        for (int i = 0; i < 3; ++i) group.spawn(fetch(http, server.url("/silent")));
        co_await settle(turns);
    }
    co_await fetch(http, server.url("/quick"));
    EXPECT_EQ(http.idle_connections(), http.open_connections());
}
TEST(http2, a_request_may_be_destroyed_at_any_moment) { in_loop(destroyed()); }

task<> time_outs() {
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto frame = co_await peer.next(http2_frame::headers)) {
            if (frame->fields[":path"] != "/body") continue;
            co_await peer.head(frame->stream, 200);
            co_await peer.data(frame->stream, "some");
        }
    });
    co_await server.start();
    http::client_options brief = clear;
    brief.read_timeout = 20ms;
    http::client http(brief);
    auto head = co_await failure_of<timeout_error>(fetch(http, server.url("/head")));
    EXPECT_THAT(head, HasSubstr("no response within the time"));
    auto body = co_await failure_of<timeout_error>(fetch(http, server.url("/body")));
    EXPECT_THAT(body, HasSubstr("the body has stalled"));
    brief.read_timeout = 10s;
    brief.total_timeout = 20ms;
    http::client hasty(brief);
    auto response = co_await hasty.get(server.url("/body"));
    auto total = co_await failure_of<timeout_error>(response.text());
    EXPECT_THAT(total, HasSubstr("the whole request"));
    EXPECT_EQ(server.connections, 2u);
}
TEST(http2, time_outs_are_those_of_http_1) { in_loop(time_outs()); }

// ---- bodies of requests

class pieces final : public http::content {
public:
    pieces(std::vector<std::string> all, std::optional<std::uint64_t> size) : all_(std::move(all)), size_(size) {}
    std::optional<std::uint64_t> size() const override { return size_; }
    task<std::optional<std::string_view>> read() override {
        co_await yield();
        if (at_ == all_.size()) co_return std::nullopt;
        co_return all_[at_++];
    }
    bool rewind() override {
        at_ = 0;
        ++rewound;
        return true;
    }
    int rewound = 0;

private:
    std::vector<std::string> all_;
    std::optional<std::uint64_t> size_;
    std::size_t at_ = 0;
};

task<> uploads() {
    std::string come;
    std::string length;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto frame = co_await peer.next()) {
            if (frame->type == http2_frame::headers) {
                length = frame->fields["content-length"];
                come.clear();
            }
            if (frame->type != http2_frame::data) continue;
            come += frame->payload;
            if (!frame->payload.empty()) {
                const auto size = static_cast<std::uint32_t>(frame->payload.size());
                co_await peer.send(http2_frame::window, 0, 0, four(size));
                co_await peer.send(http2_frame::window, 0, frame->stream, four(size));
            }
            if (frame->flags & testing::end_stream) co_await peer.answer(frame->stream, "ok");
        }
    });
    co_await server.start();
    http::client http(clear);
    pieces unknown({"one", "", "two", std::string(300'000, 'x')}, std::nullopt);
    auto first = co_await http.request("POST", server.url("/"), {.content = &unknown});
    EXPECT_EQ(first.status(), 200);
    EXPECT_EQ(come.size(), 300'006u);
    EXPECT_EQ(length, "");
    pieces known({"one", "two"}, 6);
    auto second = co_await http.request("POST", server.url("/"), {.content = &known});
    EXPECT_EQ(come, "onetwo");
    EXPECT_EQ(length, "6");
    const std::string large(1'000'000, 'y');
    auto third = co_await http.request("PUT", server.url("/"), {.body = large});
    EXPECT_EQ(come, large);
    pieces wrong({"one", "two"}, 7);
    auto error = co_await failure_of<http::error>(http.request("POST", server.url("/"), {.content = &wrong}));
    EXPECT_THAT(error, HasSubstr("6 of its 7 bytes"));
    pieces more({"one", "two"}, 4);
    error = co_await failure_of<http::error>(http.request("POST", server.url("/"), {.content = &more}));
    EXPECT_THAT(error, HasSubstr("more than its 4 bytes"));
    auto last = co_await http.request("PUT", server.url("/"), {.body = "z"});
    EXPECT_EQ(server.connections, 1u);
}
TEST(http2, bodies_of_requests_are_sent) { in_loop(uploads()); }

task<> refused_uploads() {
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto frame = co_await peer.next(http2_frame::headers)) {  // and no window is ever opened
            if (frame->fields[":path"] == "/silent") continue;
            co_await peer.head(frame->stream, 413, field("content-length", "5"));
            co_await peer.data(frame->stream, "large", true);
        }
    });
    co_await server.start();
    http::client_options brief = clear;
    brief.read_timeout = 30ms;
    http::client http(brief);
    const std::string large(1'000'000, 'y');
    auto refused = co_await http.request("PUT", server.url("/"), {.body = large});
    EXPECT_EQ(refused.status(), 413);
    auto text = co_await refused.text();
    EXPECT_EQ(text, "large");
    pieces many(std::vector<std::string>(100, std::string(10'000, 'x')), std::nullopt);
    auto again = co_await http.request("PUT", server.url("/"), {.content = &many});
    EXPECT_EQ(again.status(), 413);
    // The windows are shut.
    auto body = co_await failure_of<timeout_error>(http.request("PUT", server.url("/silent"), {.body = large}));
    EXPECT_THAT(body, HasSubstr("/silent"));
    many.rewind();
    auto content = co_await failure_of<timeout_error>(http.request("PUT", server.url("/silent"), {.content = &many}));
    EXPECT_THAT(content, HasSubstr("takes no more"));
    EXPECT_EQ(server.connections, 1u);
}
TEST(http2, an_early_answer_ends_an_upload) { in_loop(refused_uploads()); }

task<> rewound() {
    std::size_t count = 0;
    std::string come;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto frame = co_await peer.next()) {
            if (frame->type == http2_frame::headers) come.clear();
            if (frame->type == http2_frame::data) come += frame->payload;
            if (frame->type != http2_frame::data || !(frame->flags & testing::end_stream)) continue;
            if (++count == 1)
                co_await peer.send(http2_frame::reset, 0, frame->stream, four(7));
            else
                co_await peer.answer(frame->stream, come);
        }
    });
    co_await server.start();
    http::client http(clear);
    pieces all({"one"}, 3);
    auto response = co_await http.request("POST", server.url("/"), {.content = &all});
    auto text = co_await response.text();
    EXPECT_EQ(text, "one");
    EXPECT_EQ(all.rewound, 1);
}
TEST(http2, content_is_rewound_to_be_sent_again) { in_loop(rewound()); }

// ---- the connection's own frames

task<> pings() {
    bool answered = false;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        co_await peer.send(http2_frame::ping, 0, 0, "12345678");
        auto request = co_await peer.next(http2_frame::headers);
        auto pong = co_await peer.next(http2_frame::ping);
        answered = pong && pong->payload == "12345678" && (pong->flags & testing::is_ack);
        co_await peer.send(http2_frame::settings, 0, 0, std::string("\0\4", 2) + four(1000));
        co_await peer.next(http2_frame::settings);
        co_await peer.answer(request->stream, "x");
        while (auto frame = co_await peer.next()) {}
    });
    co_await server.start();
    http::client http(clear);
    co_await fetch(http, server.url("/"));
    EXPECT_TRUE(answered);
}
TEST(http2, pings_and_settings_are_answered) { in_loop(pings()); }

TEST(http2, a_flood_of_pings_ends_the_connection) {
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

task<> goodbye_with_words() {
    http2_server server([](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto request = co_await peer.next(http2_frame::headers);
        co_await peer.goaway(request->stream, 11, "too many");
        co_await peer.close();
    });
    co_await server.start();
    http::client http(clear);
    auto error = co_await failure_of<http::connect_error>(http.get(server.url("/")));
    EXPECT_THAT(error, HasSubstr("ENHANCE_YOUR_CALM"));
    EXPECT_THAT(error, HasSubstr("too many"));
}
TEST(http2, what_a_server_says_as_it_leaves_is_told) { in_loop(goodbye_with_words()); }

}  // namespace
}  // namespace leat
