// HTTP/2 by the client, against a server that is played frame by frame: giving up, bodies of requests, the connection's own frames.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "leat/http/content.hpp"
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
TEST(http2_requests, a_request_that_is_given_up_is_reset_and_the_connection_lives_on) { in_loop(cancels()); }

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
TEST(http2_requests, a_request_may_be_destroyed_at_any_moment) { in_loop(destroyed()); }

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
TEST(http2_requests, time_outs_are_those_of_http_1) { in_loop(time_outs()); }

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
    std::size_t given() const { return at_; }

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
TEST(http2_requests, bodies_of_requests_are_sent) { in_loop(uploads()); }

/// Cannot be read.
class unreadable final : public http::content {
public:
    std::optional<std::uint64_t> size() const override { return 3; }
    task<std::optional<std::string_view>> read() override {
        throw std::runtime_error("unreadable");
        co_return std::nullopt;
    }
    bool rewind() override { return true; }
};

task<> never_sent() {
    std::vector<std::string> asked;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto frame = co_await peer.next(http2_frame::headers)) {
            asked.push_back(frame->fields[":path"]);
            co_await peer.answer(frame->stream, "x");
        }
    });
    co_await server.start();
    http::client http(clear);
    co_await fetch(http, server.url("/1"));
    unreadable none;
    auto error = co_await failure_of<std::runtime_error>(http.request("POST", server.url("/never"), {.content = &none}));
    EXPECT_EQ(error, "unreadable");
    co_await fetch(http, server.url("/2"));
    EXPECT_EQ(asked, (std::vector<std::string>{"/1", "/2"}));
    EXPECT_EQ(server.connections, 1u);
}
TEST(http2_requests, a_request_that_fails_in_the_turn_it_began_is_never_sent) { in_loop(never_sent()); }

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
TEST(http2_requests, an_early_answer_ends_an_upload) { in_loop(refused_uploads()); }

/// The frame that waits for room when the answer comes is sent, since without it the stream would be reset, and the rest of the answer lost.
task<> refused_in_a_frame() {
    const pieces* read = nullptr;
    bool reset = false;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin(std::string("\0\4", 2) + four(0x7fffffff));
        co_await peer.send(http2_frame::window, 0, 0, four(0x7fff0000));
        auto request = co_await peer.next(http2_frame::headers);
        // Nothing is read until the client has no room for more.
        for (std::size_t seen = SIZE_MAX; seen != read->given();) {
            seen = read->given();
            co_await settle(200);
        }
        co_await peer.head(request->stream, 413, field("content-length", "5"));
        co_await peer.data(request->stream, "lar");
        for (std::size_t come = 0; come < 1'000'000;) {
            auto frame = co_await peer.next();
            if (!frame) co_return;
            reset = reset || frame->type == http2_frame::reset;
            if (frame->type == http2_frame::data) {
                EXPECT_EQ(frame->payload, std::string(frame->payload.size(), 'x'));
                come += frame->payload.size();
            }
        }
        co_await peer.send(http2_frame::ping, 0, 0, "12345678");
        for (;;) {
            auto frame = co_await peer.next();
            if (!frame) co_return;
            reset = reset || frame->type == http2_frame::reset;
            if (frame->type == http2_frame::ping) break;
        }
        co_await peer.data(request->stream, "ge", true);
        while (auto frame = co_await peer.next()) {}
    });
    co_await server.start();
    http::client http(clear);
    pieces many(std::vector<std::string>(1000, std::string(50'000, 'x')), std::nullopt);
    read = &many;
    auto refused = co_await http.request("PUT", server.url("/"), {.content = &many});
    EXPECT_EQ(refused.status(), 413);
    auto text = co_await refused.text();
    EXPECT_EQ(text, "large");
    EXPECT_FALSE(reset);
}
TEST(http2_requests, an_early_answer_to_an_upload_that_is_stuck_is_read_whole) { in_loop(refused_in_a_frame()); }

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
TEST(http2_requests, content_is_rewound_to_be_sent_again) { in_loop(rewound()); }

// ---- the connection's own frames

/// A server may change its mind about the windows and the streams it allows while they are in use.
task<> other_settings() {
    std::size_t come = 0;
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        auto upload = co_await peer.next(http2_frame::headers);
        if (peer.connection == 1) co_return co_await peer.answer(upload->stream, "elsewhere");
        while (come < 65'535) come += (co_await peer.next(http2_frame::data))->payload.size();
        co_await peer.send(http2_frame::window, 0, 0, four(1'000'000));
        co_await peer.send(http2_frame::settings, 0, 0, std::string("\0\4", 2) + four(65'535 + 1000) + std::string("\0\3", 2) + four(0));
        while (come < 65'535 + 1000) come += (co_await peer.next(http2_frame::data))->payload.size();
        EXPECT_EQ(come, 65'535u + 1000u);
        // 535 less than nothing
        co_await peer.send(http2_frame::settings, 0, 0, std::string("\0\4", 2) + four(66'000));
        co_await peer.send(http2_frame::window, 0, upload->stream, four(535));
        co_await peer.send(http2_frame::ping, 0, 0, "12345678");
        for (auto frame = co_await peer.next(); frame->type != http2_frame::ping; frame = co_await peer.next()) EXPECT_NE(frame->type, http2_frame::data);
        while (server.connections == 1) co_await sleep(1ms);
        co_await peer.send(http2_frame::window, 0, upload->stream, four(1'000'000));
        while (come < 200'000) come += (co_await peer.next(http2_frame::data))->payload.size();
        co_await peer.answer(upload->stream, "here");
        while (auto frame = co_await peer.next()) {}
    });
    co_await server.start();
    http::client http(clear);
    const std::string large(200'000, 'y');
    const auto put = [](http::client& by, std::string url, const std::string& body) -> task<std::string> {
        auto response = co_await by.request("PUT", url, {.body = body});
        co_return co_await response.text();
    };
    const auto later = [](http::client& by, std::string url, const std::size_t& sent) -> task<std::string> {
        while (sent < 65'535 + 1000) co_await sleep(1ms);
        co_return co_await fetch(by, url);
    };
    auto [one, two] = co_await gather(put(http, server.url("/"), large), later(http, server.url("/"), come));
    EXPECT_EQ(one, "here");
    EXPECT_EQ(two, "elsewhere");
}
TEST(http2_requests, a_server_may_change_its_settings_in_the_middle) { in_loop(other_settings()); }

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
TEST(http2_requests, pings_and_settings_are_answered) { in_loop(pings()); }

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
TEST(http2_requests, what_a_server_says_as_it_leaves_is_told) { in_loop(goodbye_with_words()); }

}  // namespace
}  // namespace leat
