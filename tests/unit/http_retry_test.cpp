#include "http/retry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "http/date.hpp"
#include "leat/http/client.hpp"
#include "leat/http/content.hpp"
#include "leat/process/pipe.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "leat/tls/context.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "tls_support.hpp"

namespace leat {
namespace {

using detail::retry_budget;
using detail::wished_pause;
using testing::failure_of;
using testing::in_loop;
using testing::moved;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::settle;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// ---- what a server wishes

constexpr auto now_text = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(http_retry, waits_as_long_as_the_server_says) {
    const auto wish = [](std::string_view name, std::string_view value, int status = 503) {
        return wished_pause(status, http::headers{{"Date", now_text}, {name, value}});
    };
    EXPECT_EQ(wish("Retry-After", "7"), 7s);
    EXPECT_EQ(wish("Retry-After", "0", 500), 0s);
    EXPECT_EQ(wish("Retry-After", "100000"), 2min);
    EXPECT_EQ(wish("Retry-After", "99999999999999999999999999"), 2min);
    EXPECT_EQ(wish("Retry-After", "Sun, 06 Nov 1994 08:49:57 GMT"), 20s);
    EXPECT_EQ(wish("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"), 0s);
    EXPECT_EQ(wish("Retry-After", "Sun, 06 Nov 2094 08:00:00 GMT"), 2min);
    EXPECT_EQ(wish("Retry-After", "soon"), std::nullopt);
    EXPECT_EQ(wish("Retry-After", "-1"), std::nullopt);
    EXPECT_EQ(wish("Retry-After", ""), std::nullopt);
    EXPECT_EQ(wished_pause(503, http::headers{}), std::nullopt);
}

TEST(http_retry, waits_for_a_new_quota) {
    const auto wish = [](std::string_view name, std::string_view value, int status = 429) {
        return wished_pause(status, http::headers{{"Date", now_text}, {name, value}});
    };
    EXPECT_EQ(wish("RateLimit", "\"default\";r=0;t=30"), 30s);
    EXPECT_EQ(wish("RateLimit", "\"hour\";r=100;t=1000, \"second\";r=0;t=1"), 1s);
    EXPECT_EQ(wish("RateLimit", "\"a\";t=5,\"b\" ; r=0 ; t=6"), 6s);
    EXPECT_EQ(wish("RateLimit", "limit=100, remaining=0, reset=50"), 50s);
    EXPECT_EQ(wish("RateLimit", "\"default\";r=5;t=30"), std::nullopt);
    EXPECT_EQ(wish("RateLimit", "\"default\";r=0;t=x"), std::nullopt);
    EXPECT_EQ(wish("RateLimit", ",;,=;t="), std::nullopt);
    EXPECT_EQ(wish("RateLimit-Reset", "9"), 9s);
    EXPECT_EQ(wish("X-RateLimit-Reset", "9", 503), 9s);
    EXPECT_EQ(wish("X-RateLimit-Reset", "9000"), 2min);
    EXPECT_EQ(wish("X-RateLimit-Reset", "99999999999999999999999"), std::nullopt);
    EXPECT_EQ(wish("RateLimit-Reset", "9", 500), std::nullopt);  // a server that fails says nothing about quotas
    // GitHub's is a time since 1970.
    const auto in_40_seconds = *http::parse_date("Sun, 06 Nov 2022 08:49:37 GMT") + 40;
    EXPECT_EQ(wished_pause(429, http::headers{{"Date", "Sun, 06 Nov 2022 08:49:37 GMT"}, {"X-RateLimit-Reset", std::to_string(in_40_seconds)}}), 40s);
    EXPECT_EQ(wished_pause(429, http::headers{{"X-RateLimit-Reset", std::to_string(in_40_seconds)}}), std::nullopt);
    EXPECT_EQ(wished_pause(429, http::headers{{"Retry-After", "3"}, {"RateLimit", "\"default\";r=0;t=30"}}), 3s);
}

TEST(http_retry, pauses_double_up_to_half_a_minute_and_differ) {
    std::minstd_rand random{1};
    for (int i = 0; i < 100; ++i) {
        duration expected = 500ms;
        for (unsigned next = 2; next < 20; ++next, expected = std::min<duration>(expected * 2, 30s)) {
            const auto pause = detail::backoff(500ms, next, random);
            EXPECT_GE(pause, expected * 3 / 4);
            EXPECT_LE(pause, expected * 5 / 4);
        }
    }
    EXPECT_NE(detail::backoff(500ms, 2, random), detail::backoff(500ms, 2, random));
    EXPECT_EQ(detail::backoff(duration::zero(), 5, random), duration::zero());
    EXPECT_EQ(detail::backoff(-1s, 5, random), duration::zero());
}

TEST(http_retry, a_budget_allows_ten_and_then_a_part_of_the_requests) {
    retry_budget budget{0.2};
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.spend());
    EXPECT_FALSE(budget.spend());
    for (int i = 0; i < 4; ++i) budget.earn();
    EXPECT_FALSE(budget.spend());
    budget.earn();
    EXPECT_TRUE(budget.spend());
    EXPECT_FALSE(budget.spend());
    for (int i = 0; i < 1'000'000; ++i) budget.earn();
    int saved = 0;
    while (budget.spend()) ++saved;
    EXPECT_EQ(saved, 100);
    retry_budget none{-1};
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(none.spend());
    none.earn();
    EXPECT_FALSE(none.spend());
}

// ---- a client's

std::string status_reply(int status, std::string_view more_fields = {}, std::size_t size = 5) {
    return "HTTP/1.1 " + std::to_string(status) + " Trouble\r\nContent-Length: " + std::to_string(size) + "\r\n" + std::string{more_fields} + "\r\n" +
           std::string(size, 'x');
}

/// Fails so many times in one way, then succeeds.
struct troubled {
    explicit troubled(reply with, std::size_t how_often = 1)
        : trouble(std::move(with)), times(how_often), server([this](const seen_request&) { return server.requests.size() <= times ? trouble : reply{ok("fine")}; }) {}
    reply trouble;
    std::size_t times;
    scripted_server server;
};

task<std::string> status_and_text(http::client& http, std::string_view method, std::string url, http::request_options options = {}) {
    auto response = co_await http.request(method, url, options);
    auto text = co_await response.text();
    co_return std::to_string(response.status()) + " " + text;
}

task<> statuses() {
    for (int status : {408, 425, 429, 500, 502, 503, 504}) {
        troubled with{{status_reply(status)}};
        co_await with.server.start();
        http::client http{{.retries = 1, .retry_delay = 1us}};
        auto said = co_await status_and_text(http, "GET", with.server.url("/"));
        EXPECT_EQ(said, "200 fine") << status;
        EXPECT_EQ(with.server.requests.size(), 2u) << status;
        EXPECT_EQ(with.server.connections, 1u) << status << ": the first answer gave its connection back";
    }
    for (int status : {400, 401, 403, 404, 410, 501, 505}) {
        troubled with{{status_reply(status)}};
        co_await with.server.start();
        http::client http{{.retries = 1, .retry_delay = 1us}};
        auto said = co_await status_and_text(http, "GET", with.server.url("/"));
        EXPECT_EQ(said, std::to_string(status) + " xxxxx");
        EXPECT_EQ(with.server.requests.size(), 1u) << status;
    }
}
TEST(http_retry, goes_by_the_status) { in_loop(statuses()); }

task<> last_answer() {
    troubled with{{status_reply(503)}, 100};
    co_await with.server.start();
    http::client http{{.retries = 3, .retry_delay = 1us}};
    auto said = co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(said, "503 xxxxx");
    EXPECT_EQ(with.server.requests.size(), 4u);
    said = co_await status_and_text(http, "GET", with.server.url("/"), {.retries = 1});
    EXPECT_EQ(said, "503 xxxxx");
    EXPECT_EQ(with.server.requests.size(), 6u);
    said = co_await status_and_text(http, "GET", with.server.url("/"), {.retries = 0});
    EXPECT_EQ(with.server.requests.size(), 7u);
    http::client without;
    said = co_await status_and_text(without, "GET", with.server.url("/"));
    EXPECT_EQ(with.server.requests.size(), 8u) << "none by default";
}
TEST(http_retry, gives_the_last_answer_when_there_are_no_more) { in_loop(last_answer()); }

task<> methods() {
    for (std::string_view method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
        troubled with{{method == "HEAD" ? "HTTP/1.1 503 Trouble\r\nContent-Length: 5\r\n\r\n" : status_reply(503)}};
        co_await with.server.start();
        http::client http{{.retries = 1, .retry_delay = 1us}};
        auto answer = co_await http.request(method, with.server.url("/"));
        EXPECT_EQ(answer.status(), 200) << method;
        EXPECT_EQ(with.server.requests.size(), 2u) << method;
    }
    for (std::string_view method : {"POST", "PATCH", "get"}) {
        troubled with{{status_reply(503)}};
        co_await with.server.start();
        http::client http{{.retries = 1, .retry_delay = 1us}};
        auto answer = co_await http.request(method, with.server.url("/"));
        EXPECT_EQ(answer.status(), 503) << method;
        EXPECT_EQ(with.server.requests.size(), 1u) << method;
    }
}
TEST(http_retry, is_only_for_methods_that_may_be_repeated) { in_loop(methods()); }

task<> bodies() {
    troubled with{{status_reply(503)}, 2};
    co_await with.server.start();
    http::client http{{.retries = 2, .retry_delay = 1us}};
    auto said = co_await status_and_text(http, "PUT", with.server.url("/"), {.body = "the body"});
    EXPECT_EQ(said, "200 fine");
    for (const auto& request : with.server.requests) EXPECT_EQ(request.body, "the body");
    EXPECT_EQ(with.server.requests.size(), 3u);
}
TEST(http_retry, sends_the_body_again) { in_loop(bodies()); }

task<> contents() {
    troubled with{{status_reply(503)}, 2};
    co_await with.server.start();
    http::client http{{.retries = 2, .retry_delay = 1us}};
    const auto text = http::text_content("read again", "text/plain");
    auto said = co_await status_and_text(http, "PUT", with.server.url("/"), {.content = text.get()});
    EXPECT_EQ(said, "200 fine");
    for (const auto& request : with.server.requests) EXPECT_EQ(request.body, "read again");
    EXPECT_EQ(with.server.requests.size(), 3u);

    with.times = 1000;
    auto [reader, writer] = open_pipe();
    co_await writer.write("once");
    const auto stream = http::stream_content(std::move(reader), 4);
    said = co_await status_and_text(http, "PUT", with.server.url("/"), {.content = stream.get()});
    EXPECT_EQ(said, "503 xxxxx");
    EXPECT_EQ(with.server.requests.size(), 4u) << "a stream cannot be read again";
    EXPECT_EQ(with.server.requests.back().body, "once");
    co_await writer.close();
}
TEST(http_retry, reads_a_content_again_if_that_can_be) { in_loop(contents()); }

task<> wishes() {
    troubled with{{status_reply(503, "Retry-After: 0\r\n")}, 5};
    co_await with.server.start();
    http::client http{{.retries = 5, .retry_delay = 1h}};  // nobody waits for this
    auto said = co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(said, "200 fine");
    EXPECT_EQ(with.server.requests.size(), 6u);
}
TEST(http_retry, the_servers_wish_goes_before_the_clients_delay) { in_loop(wishes()); }

task<> too_late() {
    troubled with{{status_reply(503, "Retry-After: 100\r\n")}};
    co_await with.server.start();
    http::client http{{.total_timeout = 50s, .retries = 5, .retry_delay = 1us}};
    auto said = co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(said, "503 xxxxx");
    EXPECT_EQ(with.server.requests.size(), 1u);
}
TEST(http_retry, a_pause_beyond_the_requests_time_is_not_begun) { in_loop(too_late()); }

task<> in_the_pause() {
    troubled with{{status_reply(503, "Retry-After: 100\r\n")}};
    co_await with.server.start();
    http::client http{{.retries = 5}};
    auto late = co_await (timeout(20ms, http.get(with.server.url("/"))) | as_result);
    EXPECT_FALSE(late.has_value());
    EXPECT_EQ(with.server.requests.size(), 1u);
    EXPECT_EQ(http.idle_connections(), 1u) << "the answer gave its connection back before the pause";
    EXPECT_EQ(http.open_connections(), 1u);
    {
        task_group group;
        group.spawn([](http::client& by, std::string url) -> task<> { (void)co_await by.get(url); }(http, with.server.url("/")));
        while (with.server.requests.size() < 2) co_await yield();
        // The group goes, and the request with it.
    }
}
TEST(http_retry, may_be_cancelled_in_the_pause) { in_loop(in_the_pause()); }

task<> long_answers() {
    troubled with{{status_reply(503, {}, 1'000'000)}};
    co_await with.server.start();
    http::client http{{.retries = 1, .retry_delay = 1us}};
    auto said = co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(said, "200 fine");
    EXPECT_EQ(with.server.connections, 2u);
    EXPECT_EQ(http.open_connections(), 1u);
}
TEST(http_retry, does_not_read_a_long_answer_only_to_forget_it) { in_loop(long_answers()); }

task<> broken() {
    for (std::string_view half : {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Le"}) {
        troubled with{{std::string{half}, reply::then::close}, 2};
        co_await with.server.start();
        http::client http{{.retries = 2, .retry_delay = 1us}};
        auto said = co_await status_and_text(http, "GET", with.server.url("/"));
        EXPECT_EQ(said, "200 fine") << half;
        EXPECT_EQ(with.server.requests.size(), 3u) << half;
        with.times = 1000;
        auto failed = co_await failure_of<http::error>(status_and_text(http, "GET", with.server.url("/"), {.retries = 1}));
        EXPECT_THAT(failed, HasSubstr("GET " + with.server.url("/") + ": ")) << half;
        const auto so_far = with.server.requests.size();
        failed = co_await failure_of<http::error>(status_and_text(http, "POST", with.server.url("/"), {.body = "x"}));
        EXPECT_EQ(with.server.requests.size(), so_far + 1) << half;
    }
}
TEST(http_retry, a_connection_that_breaks_before_the_answer_is_made_again) { in_loop(broken()); }

task<> broken_later() {
    troubled with{{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::close}};
    co_await with.server.start();
    http::client http{{.retries = 2, .retry_delay = 1us}};
    auto failed = co_await failure_of<http::truncated_error>(status_and_text(http, "GET", with.server.url("/")));
    EXPECT_THAT(failed, HasSubstr("4 of 10 bytes"));
    EXPECT_EQ(with.server.requests.size(), 1u);
}
TEST(http_retry, a_body_that_breaks_is_its_readers_matter) { in_loop(broken_later()); }

task<> not_http() {
    troubled with{{"SSH-2.0-OpenSSH\r\n\r\n"}};
    co_await with.server.start();
    http::client http{{.retries = 2, .retry_delay = 1us}};
    auto failed = co_await failure_of<http::protocol_error>(status_and_text(http, "GET", with.server.url("/")));
    EXPECT_THAT(failed, HasSubstr("GET http://"));
    EXPECT_EQ(with.server.requests.size(), 1u);
}
TEST(http_retry, what_is_not_http_will_not_be_the_next_time) { in_loop(not_http()); }

task<> silent() {
    troubled with{{"", reply::then::hold}, 2};
    co_await with.server.start();
    http::client http{{.read_timeout = 20ms, .retries = 2, .retry_delay = 1us}};
    auto said = co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(said, "200 fine");
    EXPECT_EQ(with.server.requests.size(), 3u);
    with.times = 1000;
    http::client hurried{{.total_timeout = 30ms, .retries = 1000, .retry_delay = 1us}};
    auto failed = co_await failure_of<timeout_error>(status_and_text(hurried, "GET", with.server.url("/")));
    EXPECT_THAT(failed, HasSubstr("GET " + with.server.url("/")));
    EXPECT_EQ(with.server.requests.size(), 4u) << "the time for the whole request is over";
}
TEST(http_retry, a_server_that_does_not_answer_is_asked_again) { in_loop(silent()); }

task<> refused_at_first() {
    std::uint16_t port = 0;
    {
        auto gone = co_await start_server([](stream_reader, stream_writer) -> task<> { co_return; }, {"127.0.0.1", 0});
        port = gone.address().port();
        co_await gone.close();
    }
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
    http::client http{{.retries = 9, .retry_delay = 1ms}};
    auto failed = co_await failure_of<http::connect_error>(status_and_text(http, "GET", url, {.retries = 1}));
    EXPECT_THAT(failed, HasSubstr("Connection refused"));
    std::string said;
    task_group group;
    group.spawn([](http::client& by, std::string from, std::string& into) -> task<> { into = co_await status_and_text(by, "GET", from); }(http, url, said));
    co_await settle();
    EXPECT_EQ(said, "");
    auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
        (void)co_await reader.read_until("\r\n\r\n");
        co_await writer.write(ok("up again", "Connection: close\r\n"));
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", port});
    co_await group.join();
    EXPECT_EQ(said, "200 up again");
    co_await server.close();
}
TEST(http_retry, a_server_that_comes_back_is_found) { in_loop(refused_at_first()); }

task<> budget() {
    troubled with{{status_reply(503)}, 1000};
    co_await with.server.start();
    http::client http{{.retries = 3, .retry_delay = 1us, .retry_budget = 0}};
    for (int i = 0; i < 3; ++i) (void)co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(with.server.requests.size(), 12u);
    auto said = co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(with.server.requests.size(), 14u) << "the tenth retry was the last";
    EXPECT_EQ(said, "503 xxxxx");
    said = co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_EQ(with.server.requests.size(), 15u);
    // Another client has its own, and a part of the requests.
    http::client other{{.retries = 100, .retry_delay = 1us, .retry_budget = 0.5}};
    (void)co_await status_and_text(other, "GET", with.server.url("/"));
    EXPECT_EQ(with.server.requests.size(), 15u + 11);
    (void)co_await status_and_text(other, "GET", with.server.url("/"));
    EXPECT_EQ(with.server.requests.size(), 26u + 2);
}
TEST(http_retry, a_client_makes_no_more_than_its_budget_allows) { in_loop(budget()); }

task<> traced() {
    troubled with{{status_reply(503)}, 2};
    co_await with.server.start();
    std::vector<std::string> told;
    const auto listen = [&](const http::trace_event& step) {
        if (step.step == http::trace_step::retried) told.push_back(std::to_string(step.attempt) + " " + std::string{step.detail} + " " + std::string{step.url});
        if (step.step == http::trace_step::done) told.push_back(std::to_string(step.attempt) + " done");
    };
    http::client http{{.retries = 2, .retry_delay = 1us, .on_trace = listen}};
    (void)co_await status_and_text(http, "GET", with.server.url("/"));
    EXPECT_THAT(told, ::testing::ElementsAre("2 503 Trouble " + with.server.url("/"), "3 503 Trouble " + with.server.url("/"), "3 done"));
}
TEST(http_retry, is_traced) { in_loop(traced()); }

task<> after_redirects() {
    std::size_t asked = 0;
    scripted_server server([&](const seen_request& request) {
        if (request.target() == "/from") return reply{moved(303, "/to")};
        return ++asked == 1 ? reply{status_reply(503)} : reply{ok(request.method())};
    });
    co_await server.start();
    http::client http{{.retries = 1, .retry_delay = 1us}};
    auto said = co_await status_and_text(http, "POST", server.url("/from"), {.body = "x"});
    EXPECT_EQ(said, "200 GET");
    EXPECT_EQ(server.requests.size(), 3u) << "what was redirected to is asked again, not what redirected";
}
TEST(http_retry, goes_on_where_a_redirect_has_led) { in_loop(after_redirects()); }

/// Over TLS, a connection that ends without the end that TLS has for it is one that broke all the same.
task<> broken_off_secured() {
    const auto& files = tls_test::certificates::instance();
    auto context = co_await tls::context::server({.certificate = files.good, .key = files.key});
    int connections = 0;
    const auto handler = [&connections](stream_reader reader, stream_writer writer) -> task<> {
        auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
        if (!head || !*head) co_return;
        const int number = ++connections;
        if (number % 3 == 1) co_return;  // dropped, without close_notify
        const std::string answer = ok("here");
        const std::string said = number % 3 == 2 ? answer.substr(0, 12) : answer;
        auto written = co_await (writer.write(said) | as_result);
        if (!written || number % 3 == 2) co_return;
        auto rest = co_await (reader.read() | as_result);
        (void)rest;
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
    const std::string url = "https://localhost:" + std::to_string(server.address().port()) + "/";
    http::client_options options{.protocol = http::protocol::http1, .retry_delay = 1ms, .proxy_from_environment = false};
    options.ca_file = files.authority;
    http::client http(options);
    auto silent = co_await failure_of<http::connect_error>(http.get(url));
    EXPECT_THAT(silent, HasSubstr("without a reply"));
    auto half = co_await failure_of<http::truncated_error>(http.get(url));
    EXPECT_THAT(half, HasSubstr("GET " + url));
    auto fine = co_await http.get(url);
    EXPECT_EQ(fine.status(), 200);
    http::client again(options);
    auto third = co_await again.get(url, {.retries = 2});
    EXPECT_EQ(third.status(), 200);
    EXPECT_EQ(connections, 6);
}
TEST(http_retry, a_secured_connection_that_breaks_before_the_answer_is_made_again) { in_loop(broken_off_secured()); }

}  // namespace
}  // namespace leat
