#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "leat/http/client.hpp"
#include "leat/io/copy.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

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

task<std::string> fetch(http::client& http, std::string url) {
    auto response = co_await http.get(url);
    co_return co_await response.text();
}

/// One reply to everybody, and the error that it must lead to.
template <class Error>
task<std::string> error_after(reply said) {
    scripted_server server([&said](const seen_request&) { return said; });
    co_await server.start();
    http::client http;
    auto error = co_await failure_of<Error>(fetch(http, server.url("/it")));
    EXPECT_THAT(error, HasSubstr("GET " + server.url("/it")));
    EXPECT_EQ(http.open_connections(), 0u);
    co_return error;
}

TEST(http_client_faults, a_body_that_stops_short) {
    auto length = in_loop(error_after<http::truncated_error>({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::close}));
    EXPECT_THAT(length, HasSubstr("4 of 10"));
    in_loop(error_after<http::truncated_error>({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", reply::then::close}));
    in_loop(error_after<http::truncated_error>({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", reply::then::close}));
}

TEST(http_client_faults, a_head_that_stops_short) {
    in_loop(error_after<http::truncated_error>({"HTTP/1.1 200 OK\r\nContent-Le", reply::then::close}));
    auto nothing = in_loop(error_after<http::connect_error>({"", reply::then::close}));
    EXPECT_THAT(nothing, HasSubstr("without a reply"));
}

TEST(http_client_faults, garbage) {
    in_loop(error_after<http::protocol_error>({"SSH-2.0-OpenSSH_9.2\r\n", reply::then::hold}));
    in_loop(error_after<http::protocol_error>({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", reply::then::hold}));
    in_loop(error_after<http::protocol_error>({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhello", reply::then::hold}));
    in_loop(error_after<http::protocol_error>({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", reply::then::hold}));
    in_loop(error_after<http::protocol_error>({"HTTP/1.1 101 Switching Protocols\r\n\r\n", reply::then::hold}));
}

TEST(http_client_faults, an_endless_head) {
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 200; ++i) head += "X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
    in_loop(error_after<http::too_large_error>({head, reply::then::hold}));
    in_loop(error_after<http::too_large_error>({"HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x'), reply::then::hold}));
    std::string fields = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 400; ++i) fields += "X: y\r\n";
    in_loop(error_after<http::too_large_error>({fields + "\r\n", reply::then::hold}));
}

TEST(http_client_faults, an_error_stays) {
    const auto twice = []() -> task<> {
        scripted_server server([](const seen_request&) -> reply { return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::close}; });
        co_await server.start();
        http::client http;
        auto response = co_await http.get(server.url("/"));
        auto piece = co_await response.body().read();
        EXPECT_EQ(*piece, "half");
        for (int i = 0; i < 3; ++i) {
            auto failed = co_await (response.body().read() | as_result);
            EXPECT_FALSE(failed);
            EXPECT_THAT(failed.error().message(), HasSubstr("4 of 10"));
        }
    };
    in_loop(twice());
}

// ---- connections

task<> nobody_listens() {
    std::uint16_t port = 0;
    {
        testing::raw_listener free_port;
        port = free_port.port();
    }
    http::client http;
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
    auto error = co_await failure_of<http::connect_error>(http.get(url));
    EXPECT_THAT(error, HasSubstr(url));
    EXPECT_THAT(error, HasSubstr("errno 111"));
    auto name = co_await failure_of<http::name_error>(http.get("http://" + std::string(64, 'a') + ".example/"));
    EXPECT_THAT(name, HasSubstr("aaaa"));
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_client_faults, nobody_listens_or_has_that_name) { in_loop(nobody_listens()); }

task<> reset_in_the_body() {
    testing::raw_listener listener;
    http::client http;
    auto getting = fetch(http, "http://127.0.0.1:" + std::to_string(listener.port()) + "/");
    task_group group;
    std::string error;
    const auto noting = [](task<std::string> tried, std::string& into) -> task<> { into = co_await failure_of<http::truncated_error>(std::move(tried)); };
    group.spawn(noting(std::move(getting), error));
    const int listening = listener.fd();
    const int accepted = co_await to_thread([](int fd) { return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC); }, listening);
    testing::raw_socket peer(accepted);
    auto request = co_await to_thread([](int fd) { return testing::receive_exactly_from(fd, 16); }, peer.fd());
    EXPECT_THAT(request, HasSubstr("GET / HTTP/1.1"));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome");
    peer.reset();
    co_await group.join();
    EXPECT_THAT(error, HasSubstr("stopped short"));
}
TEST(http_client_faults, a_reset_in_the_body) { in_loop(reset_in_the_body()); }

/// Takes the next connection and its request's head, off the loop.
task<testing::raw_socket> next_request(const testing::raw_listener& listener, std::string_view begins) {
    const int accepted = co_await to_thread([](int fd) { return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC); }, listener.fd());
    testing::raw_socket peer(accepted);
    auto head = co_await to_thread([](int fd, std::size_t size) { return testing::receive_exactly_from(fd, size); }, accepted, begins.size());
    EXPECT_EQ(head, begins);
    co_return peer;
}
task<> answer_next(const testing::raw_listener& listener, std::string_view begins, std::optional<testing::raw_socket>& peer) {
    peer.emplace(co_await next_request(listener, begins));
    peer->send(ok("x"));
}
/// The server closes while the program is busy, so that the loop cannot have heard of it.
task<> closed_behind_its_back() {
    testing::raw_listener listener;
    http::client http({.read_timeout = 5s});
    const std::string url = "http://127.0.0.1:" + std::to_string(listener.port()) + "/";
    std::optional<testing::raw_socket> first, second;
    task_group group;
    group.spawn(answer_next(listener, "GET / HTTP/1.1", first));
    co_await fetch(http, url);
    co_await group.join();
    EXPECT_EQ(http.idle_connections(), 1u);
    task_group another;
    another.spawn(answer_next(listener, "POST / HTTP/1.1", second));
    first.reset();
    auto response = co_await http.request("POST", url, {.body = "once"});
    EXPECT_EQ(response.status(), 200);
    co_await another.join();
}
TEST(http_client_faults, what_must_not_be_sent_twice_goes_over_no_connection_that_is_closed) { in_loop(closed_behind_its_back()); }

task<> connect_time_out() {
    // A queue that is full: the kernel drops further attempts, and the connect waits.
    testing::raw_listener listener(false, 0);
    auto first = testing::raw_socket::connect_to(listener.port());
    http::client http({.connect_timeout = 30ms});
    auto error = co_await failure_of<timeout_error>(http.get("http://127.0.0.1:" + std::to_string(listener.port()) + "/"));
    EXPECT_THAT(error, HasSubstr("127.0.0.1"));
}
TEST(http_client_faults, a_connect_that_takes_too_long) { in_loop(connect_time_out()); }

// ---- time-outs

task<> silence() {
    scripted_server server([](const seen_request& r) -> reply {
        return {r.target() == "/head" ? "" : r.target() == "/half-head" ? "HTTP/1.1 200" : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold};
    });
    co_await server.start();
    http::client http({.read_timeout = 30ms});
    for (auto target : {"/head", "/half-head"}) {
        auto error = co_await failure_of<timeout_error>(http.get(server.url(target)));
        EXPECT_THAT(error, HasSubstr(server.url(target)));
        EXPECT_THAT(error, HasSubstr("no response"));
    }
    auto stalled = co_await failure_of<timeout_error>(fetch(http, server.url("/body")));
    EXPECT_THAT(stalled, HasSubstr("stalled"));
    EXPECT_THAT(stalled, HasSubstr(server.url("/body")));
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_client_faults, silence_is_a_time_out) { in_loop(silence()); }

task<> the_whole_time() {
    scripted_server server([](const seen_request& r) -> reply {
        return {r.target() == "/head" ? "" : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold};
    });
    co_await server.start();
    http::client http({.connections_per_origin = 1});
    auto head = co_await failure_of<timeout_error>(http.get(server.url("/head"), {.timeout = 30ms}));
    EXPECT_THAT(head, HasSubstr(server.url("/head")));
    auto response = co_await http.get(server.url("/body"), {.timeout = 60ms});
    auto body = co_await failure_of<timeout_error>(response.text());
    EXPECT_THAT(body, HasSubstr("whole request"));
    // Waiting for a connection counts, too.
    auto holding = co_await http.get(server.url("/body"));
    auto waiting = co_await failure_of<timeout_error>(http.get(server.url("/body"), {.timeout = 30ms}));
    EXPECT_THAT(waiting, HasSubstr(server.url("/body")));
    EXPECT_EQ(http.open_connections(), 1u);
}
TEST(http_client_faults, the_whole_request_has_its_time) { in_loop(the_whole_time()); }

task<> a_slow_body_is_no_stall() {
    scripted_server server([](const seen_request&) -> reply { return {ok(std::string(2'000'000, 's'))}; });
    co_await server.start();
    http::client http({.read_timeout = 100ms});
    auto response = co_await http.get(server.url("/"));
    std::size_t got = 0;
    for (int i = 0; auto piece = co_await response.body().read(); ++i) {
        got += piece->size();
        if (i < 4) co_await sleep(40ms);  // the reader's own slowness does not count
    }
    EXPECT_EQ(got, 2'000'000u);
}
TEST(http_client_faults, a_slow_reader_is_no_stall) { in_loop(a_slow_body_is_no_stall()); }

// ---- copying to a file

std::string pattern(std::size_t size) {
    std::string made(size, '\0');
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + (i * 31 + i / 997) % 26);
    return made;
}

task<> copied(std::size_t size, std::string path) {
    const std::string content = pattern(size);
    scripted_server server([&content](const seen_request&) -> reply { return {ok(content)}; });
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/"));
    auto to = co_await open(path, "w");
    co_await to.write("before ");
    const auto count = co_await copy(response.body(), to);
    co_await to.write(" after");
    co_await to.close();
    EXPECT_EQ(count, size);
    EXPECT_EQ(response.body().received(), size);
    EXPECT_TRUE(testing::content_of(path) == "before " + content + " after") << size;
    co_await fetch(http, server.url("/"));
    EXPECT_EQ(server.connections, 1u);
}
TEST(http_client_faults, a_body_goes_to_a_file_by_any_way) {
    testing::temporary_directory directory;
    for (std::size_t size : {0u, 1u, 5000u, 200'000u, 262'145u, 1'000'000u, 9'000'000u}) in_loop(copied(size, directory / "f"));
}

task<> copied_short(std::string path) {
    const std::string content = pattern(3'000'000);
    scripted_server server([&content](const seen_request&) -> reply {
        return {"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + content, reply::then::close};
    });
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/"));
    auto to = co_await open(path, "w");
    auto error = co_await failure_of<http::truncated_error>(copy(response.body(), to));
    EXPECT_THAT(error, HasSubstr("3000000 of 5000000"));
    co_await to.close();
    EXPECT_TRUE(testing::content_of(path) == content);
}
TEST(http_client_faults, a_spliced_body_that_stops_short) {
    testing::temporary_directory directory;
    in_loop(copied_short(directory / "f"));
}

task<> copied_slowly(std::string path) {
    scripted_server server([](const seen_request&) -> reply {
        return {"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + std::string(600'000, 'x'), reply::then::hold};
    });
    co_await server.start();
    http::client http({.read_timeout = 30ms});
    auto response = co_await http.get(server.url("/"));
    auto to = co_await open(path, "w");
    auto error = co_await failure_of<timeout_error>(copy(response.body(), to));
    EXPECT_THAT(error, HasSubstr("stalled"));
    http::client patient;
    auto second = co_await patient.get(server.url("/"));
    auto cut = co_await failure_of<timeout_error>([](http::body& from, file& into) -> task<> {
        co_await timeout(300ms, copy(from, into));  // ThreadSanitizer may need 30 ms for what comes
    }(second.body(), to));
    EXPECT_THAT(cut, HasSubstr("300 ms"));
    EXPECT_EQ(second.body().received(), 600'000u);
    co_await to.close();
}
TEST(http_client_faults, a_spliced_body_that_stalls) {
    testing::temporary_directory directory;
    in_loop(copied_slowly(directory / "f"));
}

TEST(http_client_faults, a_disk_that_is_full) {
    const auto full = []() -> task<> {
        const std::string content = pattern(2'000'000);
        scripted_server server([&content](const seen_request&) -> reply { return {ok(content)}; });
        co_await server.start();
        http::client http;
        auto response = co_await http.get(server.url("/"));
        auto to = co_await open("/dev/full", "w");
        std::string error = co_await failure_of<leat::error>(copy(response.body(), to));
        if (error == "no error") error = co_await failure_of<leat::error>(to.flush());
        EXPECT_THAT(error, HasSubstr("/dev/full"));
        EXPECT_THAT(error, HasSubstr("errno 28"));
    };
    in_loop(full());
}

}  // namespace
}  // namespace leat
