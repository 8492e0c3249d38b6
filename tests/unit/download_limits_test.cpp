#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using testing::failure_of;
using testing::in_loop;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::temporary_directory;
using testing::urls_of;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// At least as long as a rate takes for so many bytes, but for what a full bucket gives at once and what the last piece need not wait for. Upper bounds would
/// depend on the machine.
void expect_at_least(duration took, double bytes, double rate) { EXPECT_GE(std::chrono::duration<double>(took).count(), bytes / rate); }

constexpr std::size_t size = 600'000;
constexpr double held_back = size - 300'000;  // without a bucket and a last piece

task<> in_all(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {ok(std::string(size, 'x'))}; });
    co_await server.start();
    auto of_all = co_await download(urls_of(server.url("/1"), server.url("/2")), {.directory = directory.string(), .max_rate = 2'000'000});
    EXPECT_TRUE(of_all.ok());
    expect_at_least(of_all.elapsed, 2 * size - 700'000, 2'000'000);
    auto of_host = co_await download(urls_of(server.url("/3"), server.url("/4")), {.directory = directory.string(), .max_rate_per_host = 2'000'000});
    EXPECT_TRUE(of_host.ok());
    expect_at_least(of_host.elapsed, 2 * size - 700'000, 2'000'000);
    auto of_file = co_await download(urls_of(server.url("/5")), {.directory = directory.string(), .max_rate_per_file = 1'000'000});
    EXPECT_TRUE(of_file.ok());
    expect_at_least(of_file.elapsed, held_back, 1'000'000);
    EXPECT_TRUE(content_of(directory / "5") == std::string(size, 'x'));
}
TEST(download_limits, a_rate_holds_for_all_for_a_host_and_for_a_file) {
    temporary_directory directory;
    in_loop(in_all(directory));
}

task<> small_ones(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {ok(std::string(10'000, 'x'))}; });
    co_await server.start();
    std::vector<std::string> urls;
    for (int i = 0; i < 60; ++i) urls.push_back(server.url("/" + std::to_string(i)));
    auto report = co_await download(std::move(urls), {.directory = directory.string(), .max_rate = 1'000'000});
    EXPECT_TRUE(report.ok());
    expect_at_least(report.elapsed, 250'000, 1'000'000);
}
TEST(download_limits, small_files_that_come_whole_are_held_back_too) {
    temporary_directory directory;
    in_loop(small_ones(directory));
}

task<> changed(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {ok(std::string(5'000'000, 'x'))}; });
    co_await server.start();
    downloader job({.directory = directory.string(), .max_rate = 1000});
    auto file = job.add({server.url("/1"), {}, {}});
    file.set_max_rate(2000);
    job.close();
    task_group group;
    group.spawn(job.run());
    // At this rate it would take more than an hour.
    while (file.progress().received == 0) co_await yield();
    co_await testing::settle(20);
    EXPECT_LT(file.progress().received, 5'000'000u);
    job.set_max_rate(0);
    file.set_max_rate(0);
    const file_report report = co_await file.wait();
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report.bytes, 5'000'000u);
    co_await group.join();
}
TEST(download_limits, a_rate_that_is_taken_away_holds_nobody_back) {
    temporary_directory directory;
    in_loop(changed(directory));
}

task<> starts(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    auto report = co_await download(urls_of(server.url("/1"), server.url("/2"), server.url("/3"), server.url("/4")), {.directory = directory.string(), .starts_per_second = 20});
    EXPECT_TRUE(report.ok());
    EXPECT_GE(report.elapsed, 145ms);  // three waits of 50
}
TEST(download_limits, requests_begin_so_many_a_second) {
    temporary_directory directory;
    in_loop(starts(directory));
}

task<> too_slow(const temporary_directory& directory) {
    const std::string body = std::string(300'000, 'x') + std::string(300'000, 'y');
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\nETag: \"1\"\r\n\r\n" + body.substr(0, 300'000), reply::then::hold};
        EXPECT_EQ(request.field("Range"), "bytes=300000-");
        return {"HTTP/1.1 206 Partial\r\nContent-Length: 300000\r\nContent-Range: bytes 300000-599999/600000\r\nETag: \"1\"\r\n\r\n" + body.substr(300'000)};
    });
    co_await server.start();
    std::vector<std::string> details;
    auto on_event = [&details](const download_event& event) { details.emplace_back(event.detail); };
    auto report = co_await download(urls_of(server.url("/1")), {.directory = directory.string(), .retries = 0, .retry_delay = 1ms, .min_rate = 100'000'000, .min_rate_time = 150ms, .on_event = on_event});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_EQ(server.requests.size(), 2u);
    EXPECT_TRUE(content_of(directory / "1") == body);
    EXPECT_THAT(details, ::testing::Contains(HasSubstr("slower than")));
}
TEST(download_limits, what_is_too_slow_begins_again_where_it_stands) {
    temporary_directory directory;
    in_loop(too_slow(directory));
}

task<> contradictions() {
    auto segment = co_await failure_of<std::invalid_argument>(download(urls_of(), {.segment_size = {0}}));
    EXPECT_THAT(segment, HasSubstr("segment_size"));
    auto names = co_await failure_of<std::invalid_argument>(download(urls_of(), {.content_disposition = true, .mirror_path = true}));
    EXPECT_THAT(names, HasSubstr("mirror_path"));
    EXPECT_THROW(downloader({.per_host = 0}), std::invalid_argument);
}
TEST(download_limits, options_that_contradict_each_other_are_refused) { in_loop(contradictions()); }

task<> names(const temporary_directory& directory) {
    scripted_server server([](const seen_request& request) -> reply {
        return {ok(request.target(), "Content-Disposition: attachment; filename=\"../said.txt\"\r\n")};
    });
    co_await server.start();
    auto by_path = co_await download(urls_of(server.url("/a/b/c"), server.url("/a/")), {.directory = directory.string(), .mirror_path = true});
    EXPECT_TRUE(by_path.ok()) << by_path.files[0].error;
    const std::string host = "127.0.0.1_" + std::to_string(server.port());
    EXPECT_EQ(content_of(directory / (host + "/a/b/c")), "/a/b/c");
    EXPECT_EQ(content_of(directory / (host + "/a/index.html")), "/a/");
    auto by_server = co_await download(urls_of(server.url("/1"), server.url("/2")), {.directory = directory.string(), .content_disposition = true});
    EXPECT_TRUE(by_server.ok());
    std::vector<std::string> found{content_of(directory / "said.txt"), content_of(directory / "said.txt.1")};
    EXPECT_THAT(found, ::testing::UnorderedElementsAre("/1", "/2"));
    EXPECT_EQ(by_server.files[0].target.parent(), directory.string());
    auto own = std::make_shared<item_options>();
    own->directory = directory / "own/place";
    own->headers.set("X-Own", "1");
    std::vector<download_item> items;
    items.push_back({server.url("/x"), {}, own});
    items.push_back({server.url("/y/x"), {}, {}});
    auto elsewhere = co_await download(items, {.directory = directory.string()});
    EXPECT_TRUE(elsewhere.ok()) << elsewhere.files[0].error;
    EXPECT_EQ(content_of(directory / "own/place/x"), "/x");
    EXPECT_EQ(content_of(directory / "x"), "/y/x");
    std::size_t marked = 0;
    for (const auto& request : server.requests) marked += request.field("X-Own") == "1";
    EXPECT_EQ(marked, 1u);
}
TEST(download_limits, a_file_is_called_as_the_options_say) {
    temporary_directory directory;
    in_loop(names(directory));
}

}  // namespace
}  // namespace leat
