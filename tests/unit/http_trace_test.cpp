#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http2_support.hpp"
#include "leat/http/trace.hpp"

namespace leat {
namespace {

using testing::in_loop;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

const char* name_of(http::trace_step step) {
    constexpr const char* names[] = {"queued", "name_resolved", "connected", "tls_done", "reused", "sent", "first_byte", "head", "redirected", "retried", "done", "failed"};
    return names[static_cast<std::size_t>(step)];
}

/// The steps of all requests, each with its request's number.
struct steps {
    void operator()(const http::trace_event& event) {
        text += std::to_string(event.request) + ":" + name_of(event.step);
        if (!event.detail.empty() && event.step != http::trace_step::failed) text += "=" + std::string{event.detail};
        text += " ";
        if (event.step == http::trace_step::failed) why = event.detail;
        EXPECT_EQ(event.method, "GET");
        EXPECT_GE(event.since_start.count(), 0);
        EXPECT_LT(event.since_start, 30s);
        url = event.url;
    }
    std::string text;
    std::string why;
    std::string url;
};

task<> over_http1() {
    scripted_server server([](const seen_request& r) -> reply {
        if (r.target() == "/cut") return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::close};
        return {ok("x")};
    });
    co_await server.start();
    steps seen;
    http::client http({.proxy_from_environment = false, .on_trace = seen});
    auto first = co_await http.get(server.url("/"));
    co_await first.text();
    auto second = co_await http.get(server.url("/"));
    co_await second.text();
    EXPECT_EQ(seen.text, "1:connected 1:sent 1:first_byte 1:head=200 1:done 2:reused 2:sent 2:first_byte 2:head=200 2:done ");
    EXPECT_EQ(seen.url, server.url("/"));
    seen.text.clear();
    auto third = co_await http.get(server.url("/cut"));
    auto failed = co_await (third.text() | as_result);
    EXPECT_FALSE(failed);
    EXPECT_EQ(seen.text, "3:reused 3:sent 3:first_byte 3:head=200 3:failed ");
    EXPECT_THAT(seen.why, HasSubstr("4 of 10"));
    seen.text.clear();
    auto refused = co_await (http.get("http://user:secret@127.0.0.1:1/") | as_result);
    EXPECT_FALSE(refused);
    EXPECT_EQ(seen.text, "4:failed ");
    EXPECT_EQ(seen.url, "http://127.0.0.1:1/");
    auto mistyped = co_await (http.get("user:secret@127.0.0.1:1/") | as_result);
    EXPECT_FALSE(mistyped);
    EXPECT_EQ(seen.url, "***@127.0.0.1:1/");
}
TEST(http_trace, each_step_is_told) { in_loop(over_http1()); }

task<> a_name_and_a_queue() {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    steps seen;
    http::client http({.connections_per_origin = 1, .proxy_from_environment = false, .on_trace = seen});
    const std::string url = "http://localhost:" + std::to_string(server.port()) + "/";
    auto both = co_await gather(http2_test::fetch(http, url), http2_test::fetch(http, url));
    EXPECT_EQ(seen.text, "2:queued 1:name_resolved 1:connected 1:sent 1:first_byte 1:head=200 1:done 2:reused 2:sent 2:first_byte 2:head=200 2:done ");
}
TEST(http_trace, a_name_is_looked_up_and_a_request_waits) { in_loop(a_name_and_a_queue()); }

task<> over_http2() {
    testing::http2_server server(http2_test::answer_all);
    co_await server.start();
    steps seen;
    http::client_options options = http2_test::clear;
    options.on_trace = seen;
    http::client http(options);
    co_await http2_test::fetch(http, server.url("/"));
    co_await http2_test::fetch(http, server.url("/"));
    EXPECT_EQ(seen.text, "1:connected 1:sent 1:first_byte 1:head=200 1:done 2:reused 2:sent 2:first_byte 2:head=200 2:done ");
}
TEST(http_trace, it_is_the_same_over_http2) { in_loop(over_http2()); }

}  // namespace
}  // namespace leat
