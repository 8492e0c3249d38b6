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

}  // namespace
}  // namespace leat
