// HTTP/2 by the client, against a server that is played frame by frame: connections that are shared, heads and bodies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "leat/fs/file.hpp"
#include "leat/fs/operations.hpp"
#include "leat/io/copy.hpp"
#include "support/temporary.hpp"
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

/// A Content-Length is that of another answer where there is no body by the rules, also if its end comes in a frame of its own.
task<> bodiless() {
    event taken;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto request = co_await peer.next(http2_frame::headers)) {
            const int status = request->fields[":path"] == "/304" ? 304 : 200;
            co_await peer.head(request->stream, status, field("content-length", "1000"));
            co_await taken.wait();
            taken.clear();
            co_await peer.data(request->stream, "", true);
        }
    });
    co_await server.start();
    http::client http(clear);
    auto head = co_await http.head(server.url("/"));
    EXPECT_EQ(head.body().size(), 0u);
    taken.set();
    auto nothing = co_await head.text();
    EXPECT_EQ(nothing, "");
    auto unchanged = co_await http.get(server.url("/304"));
    EXPECT_EQ(unchanged.body().size(), 0u);
    taken.set();
    nothing = co_await unchanged.text();
}
TEST(http2, no_body_has_the_size_of_another) { in_loop(bodiless()); }

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

}  // namespace
}  // namespace leat
