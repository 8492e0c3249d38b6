#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "leat/download/download.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"
#include "unit/download_support.hpp"

namespace leat {
namespace {

using testing::content_of;
using testing::in_loop;
using testing::names_in;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::sized;
using testing::temporary_directory;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;
using kind = download_event::kind;

constexpr std::size_t whole = 8'000'000;
constexpr std::size_t first_half = 3'000'000;  // of the first connection, before it waits

/// "bytes=A-B" or "bytes=A-".
std::pair<std::size_t, std::size_t> asked_for(const seen_request& request, std::size_t size) {
    const std::string range = request.field("Range").substr(6);
    const std::size_t dash = range.find('-');
    return {std::stoul(range), dash + 1 == range.size() ? size : std::stoul(range.substr(dash + 1)) + 1};
}

reply part_of(const seen_request& request, const std::string& body, std::string_view tag, std::size_t total = whole) {
    const auto [first, end] = asked_for(request, body.size());
    return {"HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(end - first) + "\r\nContent-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(end - 1) + "/" + std::to_string(total) + "\r\nETag: " + std::string{tag} + "\r\n\r\n" + body.substr(first, end - first)};
}

/// The first connection brings a little and then nothing more, so that whatever comes is brought by the others, up to where it stands.
struct slow_first {
    std::string body = sized(whole);
    std::vector<std::string> details;
    std::vector<kind> events;
    std::size_t connections = 0;
    download_report report;

    task<> fetch(const temporary_directory& directory, std::vector<download_item> items, download_options options) {
        auto on_event = [this](const download_event& event) {
            events.push_back(event.what);
            details.emplace_back(event.detail);
        };
        auto on_progress = [this](const download_progress& now) {
            for (const auto& file : now.running) connections = std::max(connections, file.connections);
        };
        const std::string into = directory.string();
        options.directory = into;
        options.retry_delay = 1ms;
        options.on_event = on_event;
        options.on_progress = on_progress;
        options.progress_interval = 1ms;
        report = co_await download(std::move(items), options);
    }
};

template <class... Item>
std::vector<download_item> items_of(const Item&... items) {
    return {items...};
}

task<> in_parts(const temporary_directory& directory) {
    slow_first seen;
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\nETag: \"1\"\r\n\r\n" + seen.body};
        EXPECT_EQ(request.field("If-Range"), "\"1\"");
        return part_of(request, seen.body, "\"1\"");
    });
    co_await server.start();
    download_item item{server.url("/file"), {}, {}};
    co_await seen.fetch(directory, items_of(item), {.segments = 4, .segment_size = {500'000}});
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == seen.body);
    EXPECT_THAT(seen.events, Contains(kind::segment));
    EXPECT_GE(server.most_open, 3u);
    EXPECT_LE(server.most_open, 4u);
    EXPECT_EQ(seen.report.files[0].bytes, whole);
    // Nothing is asked for by two at once: no part begins where another has begun.
    std::set<std::string> begun;
    for (const auto& request : server.requests) EXPECT_TRUE(begun.insert(request.field("Range").substr(0, request.field("Range").find('-'))).second) << request.field("Range");
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file"));
}
TEST(download_segments, one_file_comes_over_several_connections) {
    temporary_directory directory;
    in_loop(in_parts(directory));
}

task<> one_breaks(const temporary_directory& directory) {
    slow_first seen;
    std::size_t parts = 0;
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\nETag: \"1\"\r\n\r\n" + seen.body.substr(0, first_half), reply::then::close};
        reply all = part_of(request, seen.body, "\"1\"");
        if (parts++ == 0) return {all.bytes.substr(0, 300'000), reply::then::close};
        return all;
    });
    co_await server.start();
    download_item item{server.url("/file"), {}, {}};
    co_await seen.fetch(directory, items_of(item), {.retries = 0, .segments = 2, .segment_size = {500'000}});
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == seen.body);
}
TEST(download_segments, what_one_connection_lost_another_brings) {
    temporary_directory directory;
    in_loop(one_breaks(directory));
}

task<> ignored(const temporary_directory& directory, std::string_view how) {
    slow_first seen;
    std::size_t ranges = 0;
    scripted_server server([&](const seen_request& request) -> reply {
        const std::string ok_head = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\nETag: \"1\"\r\n";
        if (request.field("Range").empty()) return {ok_head + (how == "none" ? "Accept-Ranges: none\r\n\r\n" : "\r\n") + seen.body};
        ++ranges;
        if (how == "ignored") return {ok_head + "\r\n" + seen.body};
        if (how == "503") return {"HTTP/1.1 503 Too many\r\nContent-Length: 0\r\n\r\n"};
        if (how == "another size") return part_of(request, seen.body, "\"1\"", whole + 1);
        if (how == "another tag") return part_of(request, seen.body, "\"2\"");
        return {"", reply::then::close};
    });
    co_await server.start();
    download_item item{server.url("/file"), {}, {}};
    co_await seen.fetch(directory, items_of(item), {.retries = 0, .segments = 4, .segment_size = {500'000}});
    EXPECT_TRUE(seen.report.ok()) << how << ": " << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == seen.body) << how;
    EXPECT_THAT(seen.events, Not(Contains(kind::segment))) << how;
    EXPECT_THAT(seen.events, Not(Contains(kind::restart))) << how;
    if (how == "none") {
        EXPECT_EQ(ranges, 0u);
    } else {
        EXPECT_GE(ranges, 1u);
    }
}
TEST(download_segments, a_server_that_gives_no_parts_gives_the_whole) {
    for (std::string_view how : {"none", "ignored", "503", "another size", "another tag", "silence"}) {
        temporary_directory directory;
        in_loop(ignored(directory, how));
    }
}

task<> hold_back(const temporary_directory& directory) {
    // Without a strong validator no two connections may bring one file, and with room for one connection no second is made.
    for (const bool tagged : {false, true}) {
        slow_first seen;
        const std::string tag = tagged ? "ETag: \"1\"\r\n" : "";
        scripted_server server([&](const seen_request&) -> reply { return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\n" + tag + "\r\n" + seen.body}; });
        co_await server.start();
        download_item item{server.url("/file"), {}, {}};
        const std::size_t per_host = tagged ? 1 : 16;
        co_await seen.fetch(directory, items_of(item), {.per_host = per_host, .segments = 4, .segment_size = {500'000}});
        EXPECT_TRUE(seen.report.ok());
        EXPECT_EQ(server.requests.size(), 1u);
    }
}
TEST(download_segments, no_second_connection_where_it_must_not_be) {
    temporary_directory directory;
    in_loop(hold_back(directory));
}

task<> two_runs(const temporary_directory& directory) {
    // Cancelled while several connections had brought their parts: the next run asks for the gaps.
    slow_first seen;
    bool honest = false;
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.field("Range").empty())
            return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\nETag: \"1\"\r\n\r\n" + seen.body.substr(0, 1'000'000), reply::then::hold};
        reply all = part_of(request, seen.body, "\"1\"");
        if (honest) return all;
        return {all.bytes.substr(0, 1'000'000), reply::then::hold};
    });
    co_await server.start();
    std::uint64_t received = 0;
    auto on_progress = [&received](const download_progress& now) { received = now.received; };
    task_group group;
    group.spawn([](std::string url, std::string into, function_ref<void(const download_progress&)> told) -> task<> {
        std::vector<std::string> urls;
        urls.push_back(url);
        (void)co_await download(std::move(urls), {.directory = into, .segments = 3, .segment_size = {500'000}, .progress_interval = 1ms, .on_progress = told});
    }(server.url("/file"), directory.string(), on_progress));
    while (received < 2'900'000) co_await sleep(1ms);
    group.cancel();
    co_await group.join();
    honest = true;
    const std::size_t before = server.requests.size();
    download_item item{server.url("/file"), {}, {}};
    co_await seen.fetch(directory, items_of(item), {.segments = 1});
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == seen.body);
    EXPECT_GE(seen.report.files[0].resumed, 2'900'000u);
    EXPECT_LT(seen.report.received, whole - 2'900'000 + 1);
    EXPECT_GE(server.requests.size(), before + 3);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file"));
}
TEST(download_segments, a_later_run_brings_what_is_missing_in_between) {
    temporary_directory directory;
    in_loop(two_runs(directory));
}

// ---- mirrors

task<> mirrors(const temporary_directory& directory) {
    slow_first seen;
    std::vector<std::string> refused;
    scripted_server first([&](const seen_request&) -> reply { return {"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"}; });
    scripted_server second([&](const seen_request& request) -> reply {
        if (request.field("Range").empty())
            return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\nETag: \"b\"\r\n\r\n" + seen.body.substr(0, first_half), reply::then::close};
        return {"HTTP/1.1 500 No more\r\nContent-Length: 0\r\n\r\n"};
    });
    scripted_server third([&](const seen_request& request) -> reply {
        EXPECT_EQ(request.field("If-Range"), "");
        return part_of(request, seen.body, "\"c\"");
    });
    co_await first.start();
    co_await second.start();
    co_await third.start();
    auto options = std::make_shared<item_options>();
    options->mirrors = {second.url("/m"), third.url("/m")};
    download_item item{first.url("/file"), {}, options};
    co_await seen.fetch(directory, items_of(item), {.retries = 0, .segments = 1});
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == seen.body);
    EXPECT_THAT(first.requests, SizeIs(1));
    EXPECT_GE(third.requests.size(), 1u);
}
TEST(download_segments, another_mirror_goes_on_where_one_fails) {
    temporary_directory directory;
    in_loop(mirrors(directory));
}

task<> spread(const temporary_directory& directory) {
    slow_first seen;
    const auto honest = [&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\nETag: \"1\"\r\n\r\n" + seen.body};
        return part_of(request, seen.body, "\"1\"");
    };
    scripted_server first(honest);
    scripted_server second(honest);
    scripted_server liar([&](const seen_request& request) -> reply { return part_of(request, std::string(whole, '!'), "\"1\"", whole + 5); });
    co_await first.start();
    co_await second.start();
    co_await liar.start();
    auto options = std::make_shared<item_options>();
    options->mirrors = {second.url("/m"), liar.url("/m")};
    download_item item{first.url("/file"), {}, options};
    co_await seen.fetch(directory, items_of(item), {.segments = 4, .segment_size = {200'000}});
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == seen.body);
    EXPECT_GE(second.requests.size(), 1u);
    EXPECT_LE(liar.requests.size(), 2u);
}
TEST(download_segments, parts_come_from_several_mirrors_and_none_from_one_that_disagrees) {
    temporary_directory directory;
    in_loop(spread(directory));
}

}  // namespace
}  // namespace leat
