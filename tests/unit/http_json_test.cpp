#include "leat/http/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "leat/http/client.hpp"
#include "leat/task/group.hpp"
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
using testing::thrown_by;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string large_json() {
    std::string text = "[0";
    for (int i = 1; text.size() < 400'000; ++i) text += "," + std::to_string(i);
    return text + "]";
}

const std::map<std::string, std::string> bodies{
    {"/good", R"({"name": "leat", "list": [1, 2.5, null, true], "deep": {"a": "]}["}})"},
    {"/empty", ""},
    {"/half", "{\"a\": [1,\n 2"},
    {"/more", "{} x"},
    {"/html", "<html>\x1b[31m no"},
    {"/latin", "\"\xE9\""},
    {"/huge-number", "1e999"},
    {"/large", large_json()},
    {"/large-broken", large_json() + "]"},
    {"/deep", nested(http::deepest_json)},
    {"/too-deep", nested(http::deepest_json + 1)},
    {"/brackets-in-a-string", "\"" + std::string(10'000, '[') + "\\\"" + std::string(10'000, '{') + "\""},
};

task<nlohmann::json> get_json(http::client& http, std::string url, bytes limit = {16 * 1024 * 1024}) {
    auto response = co_await http.get(url);
    auto value = co_await http::read_json(response, limit);
    co_return value;
}

task<> reading() {
    scripted_server server([](const seen_request& request) { return reply{ok(bodies.at(request.target()))}; });
    co_await server.start();
    http::client http;
    auto good = co_await get_json(http, server.url("/good"));
    EXPECT_EQ(good["name"], "leat");
    EXPECT_EQ(good["list"].size(), 4u);
    auto large = co_await get_json(http, server.url("/large"));
    EXPECT_EQ(large[12345], 12345);
    auto deep = co_await get_json(http, server.url("/deep"));
    EXPECT_TRUE(deep.is_array());
    auto text = co_await get_json(http, server.url("/brackets-in-a-string"));
    EXPECT_TRUE(text.is_string());
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"/empty", "not JSON at line 1, column 1: "},         {"/half", "not JSON at line 2, column "},
        {"/more", "not JSON at line 1, column 4: "},          {"/html", "not JSON at line 1, column 1: syntax error"},
        {"/latin", "not JSON at line 1, column "},            {"/huge-number", "not JSON at line 1, column "},
        {"/large-broken", "not JSON at line 1, column "},     {"/too-deep", "not JSON at line 1, column 257: nested more than 256 deep"}};
    for (const auto& [target, words] : wrong) {
        auto said = co_await failure_of<http::protocol_error>(get_json(http, server.url(target)));
        EXPECT_THAT(said, StartsWith("GET " + server.url(target) + ": " + words)) << target;
        EXPECT_THAT(said, Not(HasSubstr("\x1b"))) << target;
        EXPECT_THAT(said, Not(HasSubstr("json.exception"))) << target;
    }
    auto said = co_await failure_of<http::too_large_error>(get_json(http, server.url("/good"), bytes{10}));
    EXPECT_THAT(said, HasSubstr("a body of more than 10 bytes"));
    EXPECT_EQ(server.connections, 1u);  // all bodies were read to their ends
}
TEST(http_json, is_read_or_named_with_the_place_where_it_is_none) { in_loop(reading()); }

task<> cancelled_reading() {
    const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\": ";
    scripted_server server([&](const seen_request&) { return reply{start, reply::then::hold}; });
    co_await server.start();
    http::client http;
    {
        auto response = co_await http.get(server.url("/"));
        auto never_started = http::read_json(response);
        auto late = co_await (timeout(std::chrono::milliseconds{1}, http::read_json(response)) | as_result);
        EXPECT_FALSE(late.has_value());
        task_group group;
        group.spawn([](http::response& from) -> task<> { (void)co_await http::read_json(from); }(response));
        co_await testing::settle();
        // The group goes first, and the task with it while it waits.
    }
    EXPECT_EQ(http.open_connections(), 0u);
}
TEST(http_json, reading_may_be_cancelled_and_dropped) { in_loop(cancelled_reading()); }

task<> posting() {
    scripted_server server([](const seen_request& request) { return reply{ok(request.body)}; });
    co_await server.start();
    http::client http;
    const nlohmann::json value{{"a", 1}, {"b", {"x", nullptr}}};
    auto response = co_await http.request("POST", server.url("/"), {.body = http::json_text(value), .content_type = http::json_type});
    auto back = co_await http::read_json(response);
    EXPECT_EQ(back, value);
    EXPECT_EQ(server.requests[0].field("Content-Type"), "application/json");
    EXPECT_EQ(server.requests[0].body, R"({"a":1,"b":["x",null]})");
}
TEST(http_json, is_sent_in_one_expression) { in_loop(posting()); }

TEST(http_json, a_string_that_is_no_utf8_is_not_sent) {
    EXPECT_THAT(thrown_by([] { (void)http::json_text(nlohmann::json("\xE9")); }), StartsWith("http::json_text: "));
}

}  // namespace
}  // namespace leat
