// A client with few places, and requests that end in every way at any time: whatever happens, no place is lost, and none is given twice.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "http2_support.hpp"

namespace leat {
namespace {

using testing::http2_server;
using testing::in_loop;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using namespace std::chrono_literals;

constexpr const char* targets[] = {"/x", "/y", "/large", "/close", "/nothing", "/hold"};
constexpr unsigned target_count = 6;

reply answer(const seen_request& request) {
    const std::string target = request.target();
    if (target == "/large") return {ok(std::string(100'000, 'L'))};
    if (target == "/close") return {ok("x"), reply::then::close};
    if (target == "/nothing") return {"", reply::then::close};
    if (target == "/hold") return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold};
    return {ok("x")};
}

enum class way : unsigned { whole, unread, one_piece, posted };

task<> request(http::client& http, std::string url, way how) {
    if (how == way::posted) {
        auto response = co_await http.request("POST", url, {.body = "b"});
        co_return;
    }
    auto response = co_await http.get(url);
    if (how == way::whole) co_await response.text();
    if (how == way::one_piece) co_await response.body().read();
}

task<> within(duration limit, task<> tried) {
    auto done = co_await (timeout(limit, std::move(tried)) | as_result);
    (void)done;
}

/// Twelve at once, of which three have a place; they all end, are all cancelled, or are all destroyed.
task<> round(http::client& http, const std::vector<std::string>& origins, std::minstd_rand& random) {
    task_group group;
    for (int i = 0; i < 12; ++i) {
        const std::string url = origins[random() % origins.size()] + targets[random() % target_count];
        const std::chrono::microseconds limit{200 + random() % 6000};
        group.spawn(within(limit, request(http, url, static_cast<way>(random() % 4))));
    }
    const auto end = random() % 3;
    if (end != 0) co_await sleep(std::chrono::microseconds{random() % 3000});
    if (end == 1) group.cancel();
    if (end != 2) co_await group.join();
}

task<> rounds(unsigned seed, std::vector<std::string> origins, http::protocol spoken) {
    std::minstd_rand random(seed);
    const std::vector<std::string> alive = origins;
    origins.push_back("http://127.0.0.1:1");
    // Idle connections go at any time, too.
    http::client http({.protocol = spoken, .streams_per_connection = 2, .connections_per_origin = 2, .connections = 3, .idle_timeout = 3ms, .proxy_from_environment = false});
    for (int i = 0; i < 40; ++i) {
        co_await round(http, origins, random);
        EXPECT_LE(http.open_connections(), 3u);
        EXPECT_EQ(http.open_connections(), http.idle_connections()) << "seed " << seed << ", round " << i;
    }
    for (const auto& origin : alive) {
        auto response = co_await http.get(origin + "/x", {.timeout = 10s});
        EXPECT_EQ(response.status(), 200);
    }
}

task<> over_http1(unsigned seed) {
    scripted_server one(answer), two(answer), three(answer);
    co_await one.start();
    co_await two.start();
    co_await three.start();
    const std::vector<std::string> origins{one.url(""), two.url(""), three.url("")};
    co_await rounds(seed, origins, http::protocol::http1);
}

task<> over_http2(unsigned seed) {
    http2_server one(http2_test::answer_all), two(http2_test::answer_all), three(http2_test::answer_all);
    co_await one.start();
    co_await two.start();
    co_await three.start();
    const std::vector<std::string> origins{one.url(""), two.url(""), three.url("")};
    co_await rounds(seed, origins, http::protocol::http2);
}

TEST(http_client_places, none_is_lost_over_http_1) {
    for (unsigned seed = 1; seed <= 15; ++seed) in_loop(over_http1(seed));
}
TEST(http_client_places, none_is_lost_over_http_2) {
    for (unsigned seed = 1; seed <= 10; ++seed) in_loop(over_http2(seed));
}

/// The connection that has refused a request holds the only place, and the request is to be sent over another.
task<> refused() {
    std::size_t refusals = 0;
    http2_server server([&](testing::http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto request = co_await peer.next(testing::http2_frame::headers)) {
            if (refusals++ == 0)
                co_await peer.send(testing::http2_frame::reset, 0, request->stream, std::string("\0\0\0\x07", 4));  // REFUSED_STREAM
            else
                co_await peer.answer(request->stream, "at last");
        }
    });
    co_await server.start();
    http::client_options one = http2_test::clear;
    one.connections_per_origin = 1;
    http::client http(one);
    auto response = co_await http.get(server.url("/"), {.timeout = 10s});
    auto text = co_await response.text();
    EXPECT_EQ(text, "at last");
    EXPECT_EQ(server.connections, 2u);
    EXPECT_EQ(http.open_connections(), 1u);
}
TEST(http_client_places, one_is_free_for_a_request_that_was_refused) { in_loop(refused()); }

}  // namespace
}  // namespace leat
