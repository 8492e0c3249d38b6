// Bodies that come compressed, over both protocols: what reads see of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "http2_support.hpp"
#include "leat/fs/file.hpp"
#include "leat/fs/operations.hpp"
#include "leat/io/copy.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using http2_test::fetch;
using testing::failure_of;
using testing::field;
using testing::http2_frame;
using testing::http2_peer;
using testing::http2_server;
using testing::in_loop;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::settle;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string gzip(const std::string& plain) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, plain.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string lines(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "line " + std::to_string(i * 7919 % 100'003) + "\n";
    return text;
}

std::string coded_reply(const std::string& coded) {
    return "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(coded.size()) + "\r\n\r\n" + coded;
}

task<> over_http1() {
    const std::string plain = lines(200'000);
    const std::string coded = gzip(plain);
    scripted_server server([&](const seen_request& r) -> reply {
        if (r.target() == "/raw" || r.target() == "/range") return {testing::ok(r.field("Accept-Encoding"))};
        if (r.target() == "/cut") return {coded_reply(coded).substr(0, 100'000), reply::then::close};
        if (r.target() == "/short") {
            const std::string part = coded.substr(0, coded.size() - 4);
            return {coded_reply(part)};
        }
        if (r.target() == "/none") return {"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n"};
        if (r.target() == "/empty") return {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"};
        if (r.target() == "/odd") return {"HTTP/1.1 200 OK\r\nContent-Encoding: fish\r\nContent-Length: 4\r\n\r\nfish"};
        if (r.target() == "/in-two-fields") {
            const std::string twice = gzip(coded);
            return {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(twice.size()) + "\r\n\r\n" + twice};
        }
        return {coded_reply(coded)};
    });
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/"));
    EXPECT_FALSE(response.body().size());
    auto text = co_await response.text();
    EXPECT_TRUE(text == plain);
    EXPECT_EQ(response.body().received(), plain.size());
    EXPECT_TRUE(response.body().complete());
    EXPECT_THAT(server.requests.at(0).field("Accept-Encoding"), HasSubstr("gzip"));
    EXPECT_EQ(http.idle_connections(), 1u);
    // Into a file, and as it comes where that is wanted.
    testing::temporary_directory folder;
    auto again = co_await http.get(server.url("/"));
    auto file = co_await open(folder / "it", "w");
    auto copied = co_await copy(again.body(), file);
    EXPECT_EQ(copied, plain.size());
    co_await file.close();
    EXPECT_TRUE(testing::content_of(folder / "it") == plain);
    auto raw = co_await http.get(server.url("/"), {.decompress = false});
    auto bytes = co_await raw.text();
    EXPECT_TRUE(bytes == coded);
    auto asked = co_await http.get(server.url("/raw"), {.decompress = false});
    auto said = co_await asked.text();
    EXPECT_EQ(said, "identity");
    const http::headers range{{"Range", "bytes=0-9"}};
    auto part = co_await http.get(server.url("/range"), {.headers = &range});
    said = co_await part.text();
    EXPECT_EQ(said, "identity");
    for (const char* nothing : {"/none", "/empty"}) {
        auto empty = co_await http.get(server.url(nothing));
        EXPECT_TRUE(empty.body().complete());
        auto none = co_await empty.text();
        EXPECT_EQ(none, "");
    }
    auto head = co_await http.head(server.url("/none"));
    EXPECT_TRUE(head.body().complete());
    auto cut = co_await failure_of<http::truncated_error>(fetch(http, server.url("/cut")));
    EXPECT_THAT(cut, HasSubstr("/cut"));
    auto shorter = co_await failure_of<http::truncated_error>(fetch(http, server.url("/short")));
    EXPECT_THAT(shorter, HasSubstr("/short"));
    auto odd = co_await failure_of<http::protocol_error>(fetch(http, server.url("/odd")));
    EXPECT_THAT(odd, HasSubstr("fish"));
    EXPECT_THAT(odd, HasSubstr("GET " + server.url("/odd")));
    EXPECT_EQ(http.open_connections(), http.idle_connections());
    text = co_await fetch(http, server.url("/in-two-fields"));
    EXPECT_TRUE(text == plain);
}
TEST(http_decoded_body, is_the_content) { in_loop(over_http1()); }

task<> slowly() {
    const std::string plain = lines(20'000);
    const std::string coded = gzip(plain);
    http2_server server([&](http2_peer& peer) -> task<> {
        co_await peer.begin();
        while (auto request = co_await peer.next(http2_frame::headers)) {
            co_await peer.head(request->stream, 200, field("content-encoding", "gzip"));
            for (std::size_t at = 0; at < coded.size(); at += 100) {
                co_await peer.data(request->stream, coded.substr(at, 100));
                if (at % 3000 == 0) co_await sleep(1ms);
            }
            co_await peer.data(request->stream, "", true);
        }
    });
    co_await server.start();
    http::client http(http2_test::clear);
    auto response = co_await http.get(server.url("/"));
    std::string text;
    for (;;) {
        // Cancelled again and again, it loses nothing.
        auto piece = co_await (timeout(300us, response.body().read()) | as_result);
        if (!piece) continue;
        if (!*piece) break;
        text += **piece;
        EXPECT_EQ(response.body().received(), text.size());
    }
    EXPECT_TRUE(text == plain);
    EXPECT_EQ(http.idle_connections(), 1u);
}
TEST(http_decoded_body, loses_nothing_when_reads_are_cancelled) { in_loop(slowly()); }

/// A read that has its piece when its task is destroyed.
task<> destroyed_reads() {
    const std::string plain = lines(50'000);
    const std::string coded = gzip(plain);
    scripted_server server([&](const seen_request&) -> reply { return {coded_reply(coded)}; });
    co_await server.start();
    http::client http;
    auto response = co_await http.get(server.url("/"));
    std::string text;
    const auto read_into = [](http::response& from, std::string& to) -> task<> {
        auto piece = co_await from.body().read();
        if (piece) to += *piece;
    };
    for (int turns = 0; !response.body().complete(); turns = (turns + 1) % 5) {
        task_group group;
        group.spawn(read_into(response, text));
        co_await settle(turns);
    }
    EXPECT_TRUE(text == plain);
}
TEST(http_decoded_body, loses_nothing_when_reads_are_destroyed) { in_loop(destroyed_reads()); }

}  // namespace
}  // namespace leat
