// HTTP/2 by the client, against servers that others have written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "leat/fs/file.hpp"
#include "leat/fs/operations.hpp"
#include "leat/http/client.hpp"
#include "leat/http/content.hpp"
#include "leat/io/copy.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/group.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"
#include "support/web_program.hpp"
#include "tls_support.hpp"

namespace leat {
namespace {

using testing::failure_of;
using testing::in_loop;
using testing::web_program;
using tls_test::certificates;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::size_t small_files = 200;
constexpr std::size_t large_size = 8'000'000;

/// A folder with many small files and a large one.
struct site {
    site() {
        for (std::size_t i = 0; i < small_files; ++i) std::ofstream(folder / std::to_string(i)) << "file " << i;
        large = tls_test::noise(large_size);
        std::ofstream(folder / "large", std::ios::binary) << large;
    }
    testing::temporary_directory folder;
    std::string large;
    std::string root() const { return folder.string(); }
};

http::client_options secure(http::protocol spoken = http::protocol::automatic) {
    http::client_options options{.protocol = spoken, .proxy_from_environment = false};
    options.ca_file = certificates::instance().authority;
    return options;
}

task<std::string> fetch(http::client& http, std::string url) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    co_return co_await response.text();
}

/// Everything that the site has, many at once.
task<> fetch_all(http::client& http, std::string base, const site& served, std::size_t connections, bool ranges) {
    std::vector<task<std::string>> all;
    for (std::size_t i = 0; i < small_files; ++i) all.push_back(fetch(http, base + "/" + std::to_string(i)));
    auto texts = co_await gather(std::move(all));
    for (std::size_t i = 0; i < small_files; ++i) EXPECT_EQ(texts[i], "file " + std::to_string(i));
    EXPECT_EQ(http.open_connections(), connections);
    EXPECT_EQ(http.idle_connections(), connections);
    auto response = co_await http.get(base + "/large");
    EXPECT_EQ(response.body().size(), large_size);
    auto file = co_await open(served.folder / "copy", "w");
    auto copied = co_await copy(response.body(), file);
    EXPECT_EQ(copied, large_size);
    co_await file.close();
    auto text = co_await read_file(served.folder / "copy");
    EXPECT_TRUE(text == served.large);
    auto missing = co_await http.get(base + "/missing");
    EXPECT_EQ(missing.status(), 404);
    auto head = co_await http.head(base + "/large");
    EXPECT_EQ(head.headers().get("Content-Length"), std::to_string(large_size));
    if (!ranges) co_return;
    const http::headers range{{"Range", "bytes=10-19"}};
    auto part = co_await http.get(base + "/large", {.headers = &range});
    EXPECT_EQ(part.status(), 206);
    auto ten = co_await part.text();
    EXPECT_TRUE(ten == served.large.substr(10, 10));
}

std::vector<std::string> nghttpd(const site& served, bool tls) {
    std::vector<std::string> command{"nghttpd", "-a", "127.0.0.1", "-d", served.root(), "--echo-upload"};
    if (!tls) command.push_back("--no-tls");
    command.push_back("{port}");
    if (tls) {
        command.push_back(certificates::instance().key);
        command.push_back(certificates::instance().good);
    }
    return command;
}

std::vector<std::string> nginx(const site& served, const std::string& listen) {
    const certificates& all = certificates::instance();
    return web_program::nginx(served.root(), listen, "ssl_certificate " + all.good + "; ssl_certificate_key " + all.key + "; keepalive_requests 100000;");
}

TEST(http2_servers, nghttpd_in_clear_text) {
    const site served;
    const web_program server(nghttpd(served, false));
    http::client_options options = secure(http::protocol::http2);
    options.connections_per_origin = 100;
    in_loop([](http::client_options how, std::string base, const site& of) -> task<> {
        http::client http(how);
        co_await fetch_all(http, base, of, 1, false);
    }(options, "http://127.0.0.1:" + std::to_string(server.port()), served));
}

TEST(http2_servers, nghttpd_over_tls) {
    const site served;
    const web_program server(nghttpd(served, true));
    in_loop([](std::string base, const site& of) -> task<> {
        http::client http(secure());
        co_await fetch_all(http, base, of, 1, false);
    }("https://localhost:" + std::to_string(server.port()), served));
}

TEST(http2_servers, nginx_over_tls) {
    const site served;
    const web_program server(nginx(served, "ssl http2"));
    in_loop([](std::string base, const site& of) -> task<> {
        http::client http(secure());
        co_await fetch_all(http, base, of, 1, true);
        http::client old(secure(http::protocol::http1));
        auto text = co_await fetch(old, base + "/7");
        EXPECT_EQ(text, "file 7");
    }("https://localhost:" + std::to_string(server.port()), served));
}

TEST(http2_servers, a_client_outlives_its_loop) {
    const site served;
    const web_program server(nginx(served, "ssl http2"));
    const std::string url = "https://localhost:" + std::to_string(server.port()) + "/7";
    http::client http(secure());
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(in_loop(fetch(http, url)), "file 7");
        EXPECT_EQ(http.open_connections(), 0u);
    }
}

TEST(http2_servers, nginx_without_http2_gets_connections_of_http_1) {
    const site served;
    const web_program server(nginx(served, "ssl"));
    in_loop([](std::string base, const site& of) -> task<> {
        http::client_options few = secure();
        few.connections_per_origin = 8;
        http::client http(few);
        co_await fetch_all(http, base, of, 8, true);
        http::client insists(secure(http::protocol::http2));
        auto error = co_await failure_of<http::error>(insists.get(base + "/1"));
        EXPECT_THAT(error, HasSubstr("GET " + base + "/1"));
        EXPECT_THAT(error, ::testing::AnyOf(HasSubstr("HTTP/2"), HasSubstr("alpn"), HasSubstr("application protocol")));
        EXPECT_EQ(insists.open_connections(), 0u);
    }("https://localhost:" + std::to_string(server.port()), served));
}

TEST(http2_servers, an_upload_is_echoed) {
    const site served;
    const web_program server(nghttpd(served, true));
    in_loop([](std::string base) -> task<> {
        http::client http(secure());
        const std::string sent = tls_test::noise(600'000);
        auto response = co_await http.request("POST", base + "/echo", {.body = sent});
        auto text = co_await response.text();
        EXPECT_TRUE(text == sent);
        auto streamed = http::text_content(sent, "text/plain");
        auto again = co_await http.request("POST", base + "/echo", {.content = streamed.get()});
        auto echoed = co_await again.text();
        EXPECT_TRUE(echoed == sent);
        EXPECT_EQ(http.open_connections(), 1u);
    }("https://localhost:" + std::to_string(server.port())));
}

TEST(http2_servers, responses_that_nobody_reads) {
    const site served;
    const web_program server(nghttpd(served, true));
    in_loop([](std::string base) -> task<> {
        http::client http(secure());
        std::vector<http::response> unread;
        for (int i = 0; i < 10; ++i) unread.push_back(co_await http.get(base + "/large"));
        for (int i = 0; i < 10; ++i) {
            auto text = co_await fetch(http, base + "/" + std::to_string(i));
            EXPECT_EQ(text, "file " + std::to_string(i));
        }
        EXPECT_EQ(http.open_connections(), 1u);
    }("https://localhost:" + std::to_string(server.port())));
}

}  // namespace
}  // namespace leat
