// Bodies of requests over HTTP/1.1 that are read as they are sent, and answers that come before their end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "leat/http/client.hpp"
#include "leat/http/content.hpp"
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
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class pieces final : public http::content {
public:
    pieces(std::vector<std::string> all, std::optional<std::uint64_t> size) : all_(std::move(all)), size_(size) {}
    std::optional<std::uint64_t> size() const override { return size_; }
    task<std::optional<std::string_view>> read() override {
        co_await yield();
        if (fails) throw std::runtime_error("the disk is gone");
        if (at_ == all_.size()) co_return std::nullopt;
        co_return all_[at_++];
    }
    bool rewind() override {
        at_ = 0;
        ++rewound;
        return true;
    }
    int rewound = 0;
    bool fails = false;

private:
    std::vector<std::string> all_;
    std::optional<std::uint64_t> size_;
    std::size_t at_ = 0;
};

task<> with_length() {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    http::client http;
    pieces some({"one", "", std::string(200'000, 'x')}, 200'003);
    auto response = co_await http.request("PUT", server.url("/"), {.content = &some});
    EXPECT_EQ(response.status(), 200);
    co_await response.text();
    EXPECT_EQ(server.requests.at(0).field("Content-Length"), "200003");
    EXPECT_EQ(server.requests.at(0).body.size(), 200'003u);
    EXPECT_EQ(http.idle_connections(), 1u);
    pieces few({"one"}, 4);
    auto error = co_await failure_of<http::error>(http.request("PUT", server.url("/"), {.content = &few}));
    EXPECT_THAT(error, HasSubstr("3 of its 4 bytes"));
    EXPECT_EQ(http.open_connections(), 0u);
    pieces many({"one", "two"}, 4);
    error = co_await failure_of<http::error>(http.request("PUT", server.url("/"), {.content = &many}));
    EXPECT_THAT(error, HasSubstr("more than its 4 bytes"));
    pieces broken({"one"}, 3);
    broken.fails = true;
    auto own = co_await failure_of<std::runtime_error>(http.request("PUT", server.url("/"), {.content = &broken}));
    EXPECT_EQ(own, "the disk is gone");
    EXPECT_EQ(http.open_connections(), 0u);
    EXPECT_EQ(server.requests.size(), 1u);
}
TEST(http_upload, content_of_a_known_size) { in_loop(with_length()); }

/// Takes a chunked body to its end, and answers with what it was.
task<> echo_chunked(stream_reader reader, stream_writer writer) {
    auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
    if (!head || !*head) co_return;
    std::string text{**head};
    std::string body;
    for (;;) {
        auto line = co_await reader.read_line();
        const std::size_t size = std::stoul(std::string{line.value_or("0")}, nullptr, 16);
        auto piece = co_await reader.read_exactly(size + 2);
        body += piece.substr(0, size);
        if (size == 0) break;
    }
    std::string answer = ok(std::to_string(text.find("Transfer-Encoding: chunked") != std::string::npos) + std::to_string(body.size()) + body.substr(0, 6));
    co_await writer.write(answer);
    auto rest = co_await (reader.read() | as_result);
    (void)rest;
}

task<> chunked() {
    auto server = co_await start_server(echo_chunked, {"127.0.0.1", 0});
    http::client http;
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port()) + "/";
    pieces some({"one", "", "two", std::string(200'000, 'x')}, std::nullopt);
    auto response = co_await http.request("POST", url, {.content = &some});
    auto text = co_await response.text();
    EXPECT_EQ(text, "1200006onetwo");
    EXPECT_EQ(http.idle_connections(), 1u);
}
TEST(http_upload, content_of_an_unknown_size_is_chunked) { in_loop(chunked()); }

/// Says no as soon as it has the head, and reads nothing more.
task<> refuse(stream_reader reader, stream_writer writer) {
    auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
    if (!head || !*head) co_return;
    co_await writer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
    event never;
    co_await never.wait();
}

task<> early_answers() {
    auto server = co_await start_server(refuse, {"127.0.0.1", 0});
    http::client_options brief{.read_timeout = 5s};
    http::client http(brief);
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port()) + "/";
    const std::string large(20'000'000, 'x');
    auto first = co_await http.request("POST", url, {.body = large});
    EXPECT_EQ(first.status(), 413);
    auto text = co_await first.text();
    EXPECT_EQ(text, "no!");
    EXPECT_EQ(http.open_connections(), 0u);  // the request was not sent to its end
    pieces many(std::vector<std::string>(2000, std::string(10'000, 'x')), std::nullopt);
    auto second = co_await http.request("POST", url, {.content = &many});
    EXPECT_EQ(second.status(), 413);
    co_await second.text();
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_upload, an_early_answer_ends_it) { in_loop(early_answers()); }

task<> nobody_takes() {
    auto server = co_await start_server(
        [](stream_reader reader, stream_writer writer) -> task<> {
            event never;
            co_await never.wait();
            (void)reader, (void)writer;
        },
        {"127.0.0.1", 0});
    http::client http({.read_timeout = 50ms});
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port()) + "/";
    const std::string large(20'000'000, 'x');
    auto error = co_await failure_of<timeout_error>(http.request("POST", url, {.body = large}));
    EXPECT_THAT(error, HasSubstr("POST " + url));
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_upload, a_server_that_takes_nothing) { in_loop(nobody_takes()); }

task<> stale() {
    std::size_t served = 0;
    scripted_server server([&served](const seen_request& r) -> reply {
        if (++served == 2) return {"", reply::then::close};
        return {ok(r.body)};
    });
    co_await server.start();
    http::client http;
    auto first = co_await http.get(server.url("/"));
    co_await first.text();
    pieces some({"one", "two"}, 6);
    auto response = co_await http.request("PUT", server.url("/"), {.content = &some});
    auto text = co_await response.text();
    EXPECT_EQ(text, "onetwo");
    EXPECT_EQ(some.rewound, 1);
}
TEST(http_upload, content_is_rewound_for_another_connection) { in_loop(stale()); }

/// A good answer at once, and then the whole request, whose size it tells.
task<> answer_first(stream_reader reader, stream_writer writer) {
    auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
    if (!head || !*head) co_return;
    const std::string text{**head};
    const std::size_t at = text.find("Content-Length: ") + 16;
    const std::size_t length = std::stoul(text.substr(at));
    co_await writer.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    std::size_t got = 0;
    while (got < length) {
        auto piece = co_await (reader.read() | as_result);
        if (!piece || !*piece) co_return;
        got += (*piece)->size();
    }
    co_await writer.write(std::to_string(got));
    co_await writer.close();
}

task<> good_answers() {
    auto server = co_await start_server(answer_first, {"127.0.0.1", 0});
    http::client http({.read_timeout = 5s});
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port()) + "/";
    const std::string large(20'000'000, 'x');
    auto response = co_await http.request("POST", url, {.body = large});
    EXPECT_EQ(response.status(), 200);
    auto text = co_await response.text();
    EXPECT_EQ(text, "20000000");
}
TEST(http_upload, a_good_answer_does_not_end_it_though_the_connection_is_to_be_closed) { in_loop(good_answers()); }

task<> answered_and_forgotten() {
    auto server = co_await start_server(
        [](stream_reader reader, stream_writer writer) -> task<> {
            auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
            if (!head || !*head) co_return;
            co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            event never;
            co_await never.wait();
        },
        {"127.0.0.1", 0});
    http::client http({.read_timeout = 50ms});
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port()) + "/";
    const std::string large(20'000'000, 'x');
    auto error = co_await failure_of<timeout_error>(http.request("POST", url, {.body = large, .timeout = 5s}));
    EXPECT_THAT(error, HasSubstr("POST " + url));
    EXPECT_THAT(error, HasSubstr("takes no more"));
    EXPECT_EQ(http.open_connections(), 0u);
    auto in_all = co_await failure_of<timeout_error>(http.request("POST", url, {.body = large, .timeout = 20ms}));
    EXPECT_THAT(in_all, HasSubstr("POST " + url));
}
TEST(http_upload, a_server_that_answers_and_then_takes_no_more) { in_loop(answered_and_forgotten()); }

/// Says no and closes, with most of the request unread: the kernel resets the connection.
task<> refuse_and_leave(stream_reader reader, stream_writer writer) {
    writer.set_linger(0ms);
    auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
    if (!head || !*head) co_return;
    const std::string status = head->value().starts_with("PUT") ? "200 Enough" : "413 Too Large";
    const std::string answer = "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!";
    auto written = co_await (writer.write(answer) | as_result);
    auto closed = co_await (writer.close() | as_result);
    (void)written, (void)closed;
}

task<> refusals() {
    auto server = co_await start_server(refuse_and_leave, {"127.0.0.1", 0});
    http::client http({.read_timeout = 5s});
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port()) + "/";
    const std::string large(5'000'000, 'x');
    for (int i = 0; i < 20; ++i) {
        auto response = co_await http.request("POST", url, {.body = large});
        EXPECT_EQ(response.status(), 413);
        auto text = co_await response.text();
        EXPECT_EQ(text, "no!");
    }
    auto enough = co_await http.request("PUT", url, {.body = large});
    EXPECT_EQ(enough.status(), 200);
    auto text = co_await enough.text();
    EXPECT_EQ(text, "no!");
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_upload, a_refusal_is_read_though_the_server_has_gone) { in_loop(refusals()); }

/// Takes its time, and cannot be read again.
class slow_pieces final : public http::content {
public:
    slow_pieces(int count, duration pause) : left_(count), pause_(pause) {}
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    task<std::optional<std::string_view>> read() override {
        if (left_ == 0) co_return std::nullopt;
        if (pause_ != 0ms) co_await sleep(pause_);
        --left_;
        begun_ = true;
        co_return "piece";
    }
    bool rewind() override { return !begun_; }

private:
    int left_;
    duration pause_;
    bool begun_ = false;
};

task<> slow_content() {
    auto server = co_await start_server(echo_chunked, {"127.0.0.1", 0});
    http::client http({.read_timeout = 40ms});
    const std::string url = "http://127.0.0.1:" + std::to_string(server.address().port()) + "/";
    slow_pieces slow(3, 100ms);
    auto response = co_await http.request("POST", url, {.content = &slow});
    auto text = co_await response.text();
    EXPECT_EQ(text, "115piecep");
    // The time for the whole request does count.
    slow_pieces endless(1'000'000, 5ms);
    auto error = co_await failure_of<timeout_error>(http.request("POST", url, {.content = &endless, .timeout = 100ms}));
    EXPECT_THAT(error, HasSubstr("POST " + url));
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_upload, content_that_is_slow_to_come_is_not_the_servers_silence) { in_loop(slow_content()); }

task<> not_wasted() {
    // One request a connection, which the server does not say.
    scripted_server server([](const seen_request&) -> reply { return {ok(std::string(1'000'000, 'x')), reply::then::close}; });
    co_await server.start();
    http::client http;
    auto first = co_await http.get(server.url("/"));
    co_await first.text();
    while (server.open != 0) co_await sleep(1ms);
    slow_pieces once(1, 0ms);
    auto response = co_await http.request("PUT", server.url("/"), {.content = &once});
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(server.connections, 2u);
}
TEST(http_upload, content_that_comes_once_is_not_wasted_on_a_closed_connection) { in_loop(not_wasted()); }

}  // namespace
}  // namespace leat
