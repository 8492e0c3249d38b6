#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
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
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using kind = download_event::kind;

std::pair<std::size_t, std::size_t> asked_for(const seen_request& request, std::size_t size) {
    const std::string range = request.field("Range").substr(6);
    const std::size_t dash = range.find('-');
    return {std::stoul(range), dash + 1 == range.size() ? size : std::stoul(range.substr(dash + 1)) + 1};
}

std::string head_of(const std::string& body, std::string_view tag = "\"1\"") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nETag: " + std::string{tag} + "\r\n\r\n";
}

reply part_of(const seen_request& request, const std::string& body, std::string_view tag = "\"1\"") {
    const auto [first, end] = asked_for(request, body.size());
    return {"HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(end - first) + "\r\nContent-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(end - 1) + "/" + std::to_string(body.size()) + "\r\nETag: " + std::string{tag} + "\r\n\r\n" + body.substr(first, end - first)};
}

std::vector<download_item> one(std::string url, std::shared_ptr<item_options> options = nullptr) {
    std::vector<download_item> items;
    items.push_back({std::move(url), {}, std::move(options)});
    return items;
}

task<> another_each_time(const temporary_directory& directory) {
    std::size_t count = 0;
    scripted_server server([&](const seen_request&) -> reply {
        ++count;
        const std::string body = sized(500'000);
        return {head_of(body, "\"" + std::to_string(count) + "\"") + body.substr(0, 100'000 + count * 1000), reply::then::close};
    });
    co_await server.start();
    auto report = co_await download(one(server.url("/file")), {.directory = directory.string(), .retries = 3, .retry_delay = 1ms});
    EXPECT_FALSE(report.ok());
    EXPECT_LE(server.requests.size(), 5u);  // the first one, whose bytes were kept, and three more attempts
}
TEST(download_faults, a_file_that_is_another_one_at_each_answer_is_given_up) {
    temporary_directory directory;
    in_loop(another_each_time(directory));
}

task<> small_parts(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {head_of(sized(1000)) + sized(500), reply::then::hold}; });
    co_await server.start();
    downloader job({.directory = directory.string()});
    auto file = job.add({server.url("/file"), {}, {}});
    task_group group;
    group.spawn([](downloader& it) -> task<> { (void)co_await it.run(); }(job));
    while (file.progress().received < 500) co_await yield();
    EXPECT_THAT(names_in(directory.string()), Not(Contains(HasSubstr("part"))));
    group.cancel();
    co_await group.join();
    EXPECT_THAT(names_in(directory.string()), Contains(HasSubstr("part")));  // the journal knows it now
}
TEST(download_faults, a_small_part_has_no_name_before_the_journal_knows_it) {
    temporary_directory directory;
    in_loop(small_parts(directory));
}

task<> refused_parts(const temporary_directory& directory, int status) {
    const std::string body = sized(20'000'000);
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {head_of(body) + body};
        return {"HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: 0\r\n\r\n"};
    });
    co_await server.start();
    std::vector<kind> events;
    auto on_event = [&events](const download_event& event) { events.push_back(event.what); };
    auto report = co_await download(one(server.url("/file")), {.directory = directory.string(), .retries = 0, .segments = 4, .segment_size = {500'000}, .on_event = on_event});
    EXPECT_TRUE(report.ok()) << status << ": " << report.files[0].error;
    EXPECT_THAT(events, Not(Contains(kind::restart)));
    EXPECT_THAT(events, Not(Contains(kind::retry)));
    EXPECT_TRUE(content_of(directory / "file") == body);
}
TEST(download_faults, refused_connections_leave_the_file_to_the_one_that_brings_it) {
    for (const int status : {403, 404, 416, 429, 500, 503}) {
        temporary_directory directory;
        in_loop(refused_parts(directory, status));
    }
}

task<> shares(const temporary_directory& directory) {
    const std::string body = sized(20'000'000);
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {head_of(body) + body};
        return part_of(request, body);
    });
    co_await server.start();
    auto report = co_await download(one(server.url("/file")), {.directory = directory.string(), .segments = 4, .segment_size = {500'000}});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_LE(server.requests.size(), 4u);
    EXPECT_LE(server.connections, 4u);
    std::uint64_t asked = 0;
    for (const auto& request : server.requests) {
        if (request.field("Range").empty()) continue;
        const auto [first, end] = asked_for(request, body.size());
        asked += end - first;
    }
    EXPECT_LE(asked, body.size() * 3 / 4 + 10);  // no byte by two of them
}
TEST(download_faults, four_connections_have_four_shares) {
    temporary_directory directory;
    in_loop(shares(directory));
}

task<> login(const temporary_directory& directory) {
    const std::string body = sized(900'000);
    bool logged_in = true;
    scripted_server server([&](const seen_request& request) -> reply {
        if (!logged_in) return {ok("<title>Log in</title>", "Content-Type: text/html; charset=utf-8\r\n")};
        if (!request.field("Range").empty()) return part_of(request, body);
        logged_in = false;
        return {head_of(body) + body.substr(0, 400'000), reply::then::close};
    });
    co_await server.start();
    auto report = co_await download(one(server.url("/file")), {.directory = directory.string(), .retries = 2, .retry_delay = 1ms});
    EXPECT_EQ(report.files[0].why, failure_class::protocol);
    EXPECT_THAT(report.files[0].error, HasSubstr("text/html"));
    EXPECT_FALSE(std::filesystem::exists(std::string{directory / "file"}));
    logged_in = true;  // what had come is still there
    report = co_await download(one(server.url("/file")), {.directory = directory.string()});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_EQ(report.files[0].resumed, 400'000u);
    EXPECT_TRUE(content_of(directory / "file") == body);
}
TEST(download_faults, a_page_to_log_in_is_not_a_new_version_of_the_file) {
    temporary_directory directory;
    in_loop(login(directory));
}

task<> two_fields(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    auto options = std::make_shared<item_options>();
    options->headers.add("X-Which", "one");
    options->headers.add("X-Which", "two");
    auto report = co_await download(one(server.url("/file"), options), {.directory = directory.string()});
    EXPECT_TRUE(report.ok());
    EXPECT_THAT(server.requests.at(0).head, HasSubstr("X-Which: one\r\n"));
    EXPECT_THAT(server.requests.at(0).head, HasSubstr("X-Which: two\r\n"));
}
TEST(download_faults, fields_of_one_name_are_all_sent) {
    temporary_directory directory;
    in_loop(two_fields(directory));
}

task<> cancel_verification(const temporary_directory& directory) {
    const std::string body = sized(3'000'000);
    scripted_server server([&](const seen_request&) -> reply { return {head_of(body) + body}; });
    co_await server.start();
    std::optional<download_handle> file;
    auto on_event = [&file](const download_event& event) {
        if (event.what == kind::verify) file->cancel();
    };
    downloader job({.directory = directory.string(), .on_event = on_event});
    auto options = std::make_shared<item_options>();
    options->checksum = "sha256:" + std::string(64, '0');
    file.emplace(job.add({server.url("/file"), {}, options}));
    job.close();
    auto report = co_await job.run();
    EXPECT_EQ(report.files[0].why, failure_class::cancelled);
    EXPECT_FALSE(std::filesystem::exists(std::string{directory / "file"}));
}
TEST(download_faults, a_file_that_is_verified_can_be_cancelled) {
    temporary_directory directory;
    in_loop(cancel_verification(directory));
}

task<> synced(const temporary_directory& directory) {
    const std::string body = sized(900'000);
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.target() == "/small") return {ok("small")};
        return {head_of(body) + body};
    });
    co_await server.start();
    for (int again = 0; again < 2; ++again) {  // also over what is there
        std::vector<std::string> urls{server.url("/small"), server.url("/large")};
        auto report = co_await download(urls, {.directory = directory.string(), .sync = true});
        EXPECT_TRUE(report.ok());
        EXPECT_EQ(content_of(directory / "small"), "small");
        EXPECT_TRUE(content_of(directory / "large") == body);
        EXPECT_THAT(names_in(directory.string()), ElementsAre("large", "small"));
    }
}
TEST(download_faults, files_can_be_on_the_disk_before_they_have_their_names) {
    temporary_directory directory;
    in_loop(synced(directory));
}

}  // namespace
}  // namespace leat
