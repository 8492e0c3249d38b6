// The client against httpbin, which shows what it was sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "http/content_decoder.hpp"
#include "leat/http/client.hpp"
#include "leat/http/content.hpp"
#include "leat/http/json.hpp"
#include "leat/http/multipart.hpp"
#include "leat/process/process.hpp"
#include "support/httpbin.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using nlohmann::json;
using testing::httpbin;
using testing::in_loop;
using testing::put;
using testing::temporary_directory;
using ::testing::StartsWith;
using namespace std::chrono_literals;

/// What it sends back.
task<json> shown(http::client& http, std::string_view method, std::string url, http::request_options options = {}) {
    auto response = co_await http.request(method, url, options);
    response.raise_for_status();
    auto value = co_await http::read_json(response);
    co_return value;
}

using scene = task<> (*)(http::client&, httpbin&);
task<result<void>> with_httpbin(scene play) {
    httpbin server;
    auto started = co_await server.start();
    if (!started) co_return started;
    {
        http::client http{{.retry_delay = 1us}};
        co_await play(http, server);
    }
    co_await server.stop();
    co_return result<void>{};
}
void run(scene play) {
    const auto played = in_loop(with_httpbin(play));
    if (!played) GTEST_SKIP() << played.error().message();
}

task<> simple_bodies(http::client& http, httpbin& at) {
    auto got = co_await shown(http, "GET", at.url("/get?a=1&b=%20x"));
    EXPECT_EQ(got["args"], (json{{"a", "1"}, {"b", " x"}}));
    got = co_await shown(http, "POST", at.url("/post"), {.body = "as it is", .content_type = "text/plain"});
    EXPECT_EQ(got["data"], "as it is");
    EXPECT_EQ(got["headers"]["Content-Type"], "text/plain");
    EXPECT_EQ(got["headers"]["Content-Length"], "8");
    const json value{{"name", "leat"}, {"list", {1, 2, nullptr}}};
    got = co_await shown(http, "POST", at.url("/post"), {.body = http::json_text(value), .content_type = http::json_type});
    EXPECT_EQ(got["json"], value);
    got = co_await shown(http, "POST", at.url("/post"),
                         {.body = http::form_text("name", "a & b = c", "other", "\xC3\xA4\r\n+"), .content_type = http::form_type});
    EXPECT_EQ(got["form"], (json{{"name", "a & b = c"}, {"other", "\xC3\xA4\r\n+"}}));
    got = co_await shown(http, "DELETE", at.url("/delete"), {.has_body = true});
    EXPECT_EQ(got["data"], "");
    EXPECT_EQ(got["headers"]["Content-Length"], "0");
}
TEST(http_httpbin, is_sent_strings_and_json_and_forms) { run(simple_bodies); }

task<> multipart(http::client& http, httpbin& at) {
    const temporary_directory directory;
    std::string large;
    while (large.size() < 700'000) large += "line " + std::to_string(large.size()) + "\n";
    put(directory / "large.txt", large);
    put(directory / "say \"hi\".html", "<p>hi</p>");
    http::multipart form;
    form.add_field("title", "A cat");
    form.add_field("na\"me", "\xC3\xBC");
    co_await form.add_file("large", directory / "large.txt");
    co_await form.add_file("page", directory / "say \"hi\".html");
    form.add_content("part", http::text_content("of memory", "text/plain"), "m.txt");
    for (int i = 0; i < 2; ++i) {
        auto got = co_await shown(http, "POST", at.url("/post"), {.content = &form});
        EXPECT_EQ(got["form"]["title"], "A cat");
        EXPECT_EQ(got["form"]["na%22me"], "\xC3\xBC");
        EXPECT_TRUE(got["files"]["large"] == large);
        EXPECT_EQ(got["files"]["page"], "<p>hi</p>");
        EXPECT_EQ(got["files"]["part"], "of memory");
        EXPECT_EQ(got["headers"]["Content-Type"], form.type());
        EXPECT_EQ(got["headers"]["Content-Length"], std::to_string(form.size().value_or(0)));
        EXPECT_TRUE(form.rewind());
    }
}
TEST(http_httpbin, is_sent_a_form_with_files) { run(multipart); }

task<> files(http::client& http, httpbin& at) {
    const temporary_directory directory;
    std::string text;
    while (text.size() < 400'000) text += std::to_string(text.size()) + "\n";
    put(directory / "data.csv", text);
    auto content = co_await http::file_content(directory / "data.csv");
    auto got = co_await shown(http, "PUT", at.url("/put"), {.content = content.get()});
    EXPECT_TRUE(got["data"] == text);
    EXPECT_EQ(got["headers"]["Content-Length"], std::to_string(text.size()));
    EXPECT_THAT(got["headers"]["Content-Type"].get<std::string>(), StartsWith("text/csv"));
    // The caller's type goes before the content's.
    EXPECT_TRUE(content->rewind());
    got = co_await shown(http, "PUT", at.url("/put"), {.content = content.get(), .content_type = "x/y"});
    EXPECT_EQ(got["headers"]["Content-Type"], "x/y");
}
TEST(http_httpbin, is_sent_a_file) { run(files); }

task<> streams(http::client& http, httpbin& at) {
    auto child = co_await spawn_process({"seq", "1", "30000"}, {.standard_output = stdio::pipe});
    std::string expected;
    for (int i = 1; i <= 30'000; ++i) expected += std::to_string(i) + "\n";
    auto content = http::stream_content(std::move(child.standard_output()), {}, "text/plain");
    auto got = co_await shown(http, "POST", at.url("/post"), {.content = content.get()});
    co_await child.wait();
    EXPECT_TRUE(got["data"] == expected);
    EXPECT_EQ(got["headers"]["Transfer-Encoding"], "chunked");
    EXPECT_FALSE(got["headers"].contains("Content-Length"));
}
TEST(http_httpbin, is_sent_a_stream_in_chunks) { run(streams); }

task<> redirected(http::client& http, httpbin& at) {
    const auto content = http::text_content("twice", "text/plain");
    auto got = co_await shown(http, "POST", at.url("/redirect-to?url=/post&status_code=307"), {.content = content.get()});
    EXPECT_EQ(got["data"], "twice");
    EXPECT_TRUE(content->rewind());
    got = co_await shown(http, "POST", at.url("/redirect-to?url=/get&status_code=303"), {.content = content.get()});
    EXPECT_FALSE(got["headers"].contains("Content-Type"));
}
TEST(http_httpbin, a_content_is_sent_again_where_a_redirect_leads) { run(redirected); }

const std::vector<std::pair<std::string, std::string>> codings{{"gzip", "gzipped"}, {"deflate", "deflated"}, {"brotli", "brotli"}};

task<> as_it_comes(http::client& http, httpbin& at) {
    for (const auto& [name, mark] : codings) {
        auto response = co_await http.get(at.url("/" + name), {.decompress = false});
        const auto coding = response.headers().get("Content-Encoding");
        EXPECT_TRUE(coding.has_value()) << name;
        auto decoder = detail::content_decoder::for_codings(coding.value_or("gzip"));
        std::string text;
        while (auto piece = co_await response.body().read()) {
            decoder->feed(*piece);
            for (auto out = decoder->next(); !out.empty(); out = decoder->next()) text += out;
        }
        decoder->finish();
        EXPECT_EQ(json::parse(text)[mark], true) << name;
    }
}
TEST(http_httpbin, answers_in_codings_that_are_understood) { run(as_it_comes); }

task<> undone(http::client& http, httpbin& at) {
    for (const auto& [name, mark] : codings) {
        auto got = co_await shown(http, "GET", at.url("/" + name));
        EXPECT_EQ(got[mark], true) << name;
        EXPECT_EQ(got["headers"]["Accept-Encoding"], "gzip, deflate, br, zstd");
    }
}
TEST(http_httpbin, answers_in_codings_that_the_client_undoes) { run(undone); }

task<> retried(http::client& http, httpbin& at) {
    auto response = co_await http.get(at.url("/status/503"), {.retries = 2});
    EXPECT_EQ(response.status(), 503);
}
TEST(http_httpbin, may_be_in_trouble) { run(retried); }

}  // namespace
}  // namespace leat
