#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "download/hasher.hpp"
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
using ::testing::IsEmpty;
using namespace std::chrono_literals;
using kind = download_event::kind;

std::string checksum_of(const std::string& text, const std::string& algorithm = "sha256") {
    detail::hasher hash(algorithm);
    hash.add(text);
    return detail::expected_digest{algorithm, hash.finish()}.to_string();
}

template <class... Item>
std::vector<download_item> items_of(const Item&... items) {
    return {items...};
}

std::shared_ptr<item_options> expecting(std::string checksum) {
    auto options = std::make_shared<item_options>();
    options->checksum = std::move(checksum);
    return options;
}

std::string body_of(const seen_request& request) { return sized(std::stoul(request.target().substr(2))); }

task<> right_and_wrong(const temporary_directory& directory) {
    scripted_server server([](const seen_request& request) -> reply { return {ok(body_of(request))}; });
    co_await server.start();
    std::vector<download_item> items;
    for (const std::size_t size : {0, 10, 70'000, 900'000, 5'000'000, 40'000'000}) {
        const std::string target = std::to_string(size);
        items.push_back({server.url("/a" + target), {}, expecting(checksum_of(sized(size)))});
        items.push_back({server.url("/b" + target), {}, expecting(checksum_of("something else"))});
    }
    std::vector<kind> events;
    auto on_event = [&events](const download_event& event) { events.push_back(event.what); };
    auto report = co_await download(items, {.directory = directory.string(), .on_event = on_event});
    for (std::size_t i = 0; i < items.size(); i += 2) {
        EXPECT_TRUE(report.files[i].ok()) << report.files[i].error;
        EXPECT_TRUE(report.files[i].verified);
        EXPECT_EQ(report.files[i + 1].why, failure_class::checksum);
        EXPECT_FALSE(report.files[i + 1].verified);
        EXPECT_EQ(report.files[i + 1].attempts, 1u);
        EXPECT_THAT(report.files[i + 1].error, HasSubstr(checksum_of("something else")));
    }
    auto names = names_in(directory.string());
    names.erase(".leat-journal");  // if it lasted
    EXPECT_EQ(names.size(), items.size() / 2);
    EXPECT_THAT(events, Contains(kind::verify));
}
TEST(download_verify, only_what_has_its_checksum_gets_its_name) {
    temporary_directory directory;
    in_loop(right_and_wrong(directory));
}

task<> of_the_server(const temporary_directory& directory) {
    const std::string small = "hello";
    const std::string large = sized(3'000'000);
    // sha-256 of "hello" and of something else, base64.
    const std::string right = "Repr-Digest: sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:\r\n";
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.target() == "/right") return {ok(small, right)};
        return {ok(request.target() == "/small" ? "hallo" : large, right)};
    });
    co_await server.start();
    std::vector<std::string> urls{server.url("/right"), server.url("/small"), server.url("/large")};
    auto report = co_await download(urls, {.directory = directory.string()});
    EXPECT_TRUE(report.files[0].verified);
    EXPECT_EQ(report.files[1].why, failure_class::checksum);
    EXPECT_EQ(report.files[2].why, failure_class::checksum);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("right"));
    auto careless = co_await download(urls, {.directory = directory.string(), .verify_digests = false});
    EXPECT_TRUE(careless.ok());
    EXPECT_FALSE(careless.files[0].verified);
}
TEST(download_verify, the_digest_that_the_server_sends_is_checked) {
    temporary_directory directory;
    in_loop(of_the_server(directory));
}

/// The first answer breaks off, and what it brought is wrong.
task<> wrong_beginning(const temporary_directory& directory, bool ever_right) {
    const std::string body = sized(900'000);
    std::size_t count = 0;
    scripted_server server([&](const seen_request& request) -> reply {
        if (count++ == 0) return {"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\nETag: \"1\"\r\n\r\n" + std::string(400'000, '!'), reply::then::close};
        if (!request.field("Range").empty())
            return {"HTTP/1.1 206 Partial\r\nContent-Length: 500000\r\nContent-Range: bytes 400000-899999/900000\r\nETag: \"1\"\r\n\r\n" + body.substr(400'000)};
        std::string all = body;
        if (!ever_right) all[7] = '!';
        return {ok(all, "ETag: \"1\"\r\n")};
    });
    co_await server.start();
    std::vector<kind> events;
    auto on_event = [&events](const download_event& event) { events.push_back(event.what); };
    download_item item{server.url("/file"), {}, expecting(checksum_of(body))};
    auto report = co_await download(items_of(item), {.directory = directory.string(), .retry_delay = 1ms, .on_event = on_event});
    EXPECT_EQ(report.ok(), ever_right);
    EXPECT_EQ(server.requests.size(), 3u);
    EXPECT_THAT(events, Contains(kind::restart));
    if (ever_right) {
        EXPECT_TRUE(content_of(directory / "file") == body);
    } else {
        EXPECT_EQ(report.files[0].why, failure_class::checksum);
        EXPECT_THAT(names_in(directory.string()), IsEmpty());
    }
}
TEST(download_verify, what_went_on_behind_wrong_bytes_is_fetched_once_more) {
    for (const bool ever_right : {true, false}) {
        temporary_directory directory;
        in_loop(wrong_beginning(directory, ever_right));
    }
}

task<> in_segments(const temporary_directory& directory) {
    const std::string body = sized(20'000'000);
    scripted_server server([&](const seen_request& request) -> reply {
        const std::string range = request.field("Range");
        if (range.empty()) return {ok(body, "ETag: \"1\"\r\n")};
        const std::size_t first = std::stoul(range.substr(6)), last = std::stoul(range.substr(range.find('-') + 1));
        return {"HTTP/1.1 206 Partial\r\nContent-Length: " + std::to_string(last - first + 1) + "\r\nETag: \"1\"\r\nContent-Range: bytes " + range.substr(6) + "/20000000\r\n\r\n" +
                body.substr(first, last - first + 1)};
    });
    co_await server.start();
    download_item item{server.url("/file"), {}, expecting(checksum_of(body, "sha512"))};
    auto report = co_await download(items_of(item), {.directory = directory.string(), .segments = 3, .segment_size = {1'000'000}});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_TRUE(report.files[0].verified);
}
TEST(download_verify, parts_that_came_side_by_side_are_hashed_in_order) {
    temporary_directory directory;
    in_loop(in_segments(directory));
}

task<> malformed() {
    download_item item{"http://127.0.0.1:1/", {}, expecting("sha256:xyz")};
    auto error = co_await failure_of<std::invalid_argument>(download(items_of(item)));
    EXPECT_THAT(error, HasSubstr("xyz"));
}
TEST(download_verify, a_checksum_that_is_none_is_refused_at_once) { in_loop(malformed()); }

/// Cancelled at whatever moment: never a wrong file, never a wrong name.
task<> cancelled_at(const temporary_directory& directory, scripted_server& server, const std::string& sum, int turns) {
    const std::string into = directory / std::to_string(turns);
    task_group group;
    group.spawn([](std::string url, std::string to, std::shared_ptr<item_options> own) -> task<> {
        std::vector<download_item> items;
        items.push_back({url, {}, own});
        (void)co_await download(std::move(items), {.directory = to});
    }(server.url("/a900000"), into, expecting(sum)));
    co_await testing::settle(turns);
    group.cancel();
    co_await group.join();
    if (!std::filesystem::exists(into + "/a900000")) co_return;
    EXPECT_EQ(std::filesystem::file_size(into + "/a900000"), 900'000u);
}
task<> cancellation(const temporary_directory& directory) {
    scripted_server server([](const seen_request& request) -> reply { return {ok(body_of(request))}; });
    co_await server.start();
    const std::string sum = checksum_of(sized(900'000));
    for (int turns = 0; turns < 60; turns += 2) co_await cancelled_at(directory, server, sum, turns);
}
TEST(download_verify, cancellation_leaves_no_file_that_was_not_verified) {
    temporary_directory directory;
    in_loop(cancellation(directory));
}

}  // namespace
}  // namespace leat
