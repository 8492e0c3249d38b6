// Jobs that share a directory: each has a journal of its own, and goes on from what another has left.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "leat/download/download.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using testing::content_of;
using testing::in_loop;
using testing::ok;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::temporary_directory;
using ::testing::ElementsAre;
using namespace std::chrono_literals;

std::set<std::string> names_in(const temporary_directory& directory) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory.string())) names.insert(entry.path().filename());
    return names;
}

constexpr std::size_t whole = 900'000, half = 400'000;

/// Stops in the middle of what is asked for from its beginning, and holds the connection.
struct stopping_server {
    std::string body = [] {
        std::string made(whole, '\0');
        for (std::size_t i = 0; i < whole; ++i) made[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
        return made;
    }();
    bool stops = true;
    scripted_server server{[this](const seen_request& request) -> reply {
        const std::string range = request.field("Range");
        if (!range.empty()) {
            const std::size_t first = std::stoul(range.substr(6));
            return {"HTTP/1.1 206 Partial Content\r\nETag: \"one\"\r\nContent-Length: " + std::to_string(whole - first) + "\r\nContent-Range: bytes " + std::to_string(first) +
                    "-" + std::to_string(whole - 1) + "/" + std::to_string(whole) + "\r\n\r\n" + body.substr(first)};
        }
        const std::string head = "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: " + std::to_string(whole) + "\r\n\r\n";
        if (stops) return {head + body.substr(0, half), reply::then::hold};
        return {head + body};
    }};
};

/// Begins these files with a journal of that name, and is cancelled.
task<> begin(const temporary_directory& directory, stopping_server& at, std::string journal, std::vector<std::string> names) {
    const std::string place = directory / journal, into = directory.string();
    downloader job({.directory = into, .journal = place});
    std::vector<download_handle> files;
    for (const std::string& name : names) files.push_back(job.add({at.server.url("/" + name), name, {}}));
    task_group group;
    group.spawn(job.run());
    for (const download_handle& file : files)
        while (file.progress().received < half) co_await yield();
    group.cancel();
    co_await group.join();
}

task<> heirs(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    const std::vector<std::string> names{"a", "b"};
    co_await begin(directory, at, "one", names);
    EXPECT_EQ(names_in(directory).size(), 3u);  // two parts, and the journal
    // Two heirs at once, of which each takes its own.
    const std::string into = directory.string();
    auto inherit = [&](std::string journal, std::string name) -> task<> {
        const std::string place = directory / journal;
        downloader job({.directory = into, .journal = place});
        task_group group;
        auto add = [&]() -> task<> {
            co_await job.adopt(directory / "one", name);
            co_await job.adopt(directory / "one", "strange");
            co_await job.adopt(directory / "none", name);
            co_await job.adopt(place, name);  // its own
            job.add({at.server.url("/" + name), name, {}});
            job.close();
        };
        group.spawn(add());
        const download_report report = co_await job.run();
        co_await group.join();
        EXPECT_TRUE(report.ok());
        EXPECT_EQ(report.files.at(0).resumed, half);
    };
    task_group both;
    both.spawn(inherit("two", "a"));
    both.spawn(inherit("three", "b"));
    co_await both.join();
    EXPECT_EQ(at.server.requests.size(), 4u);
    EXPECT_TRUE(content_of(directory / "a") == at.body);
    EXPECT_TRUE(content_of(directory / "b") == at.body);
    EXPECT_THAT(names_in(directory), ElementsAre("a", "b"));
}
TEST(download_shared, each_heir_goes_on_with_what_it_takes) {
    temporary_directory directory;
    in_loop(heirs(directory));
}

task<> a_living_owner(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    const std::string into = directory.string(), one = directory / "one", two = directory / "two";
    downloader first({.directory = into, .journal = one});
    auto held = first.add({at.server.url("/a"), "a", {}});
    task_group group;
    group.spawn(first.run());
    while (held.progress().received < half) co_await yield();
    while (!std::filesystem::exists(one)) co_await sleep(1ms);
    at.stops = false;
    downloader second({.directory = into, .journal = two});
    auto add = [&]() -> task<> {
        co_await second.adopt(one, "a");
        second.add({at.server.url("/a"), "a", {}});
        second.close();
    };
    group.spawn(add());
    const download_report report = co_await second.run();
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report.files.at(0).resumed, 0u);
    EXPECT_EQ(held.progress().received, half);
    group.cancel();
    co_await group.join();
    EXPECT_TRUE(content_of(directory / "a") == at.body);
}
TEST(download_shared, nothing_is_taken_from_a_job_that_lives) {
    temporary_directory directory;
    in_loop(a_living_owner(directory));
}

task<> cancelled_adoption(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    const std::vector<std::string> names{"a"};
    co_await begin(directory, at, "one", names);
    const std::string into = directory.string(), two = directory / "two";
    downloader job({.directory = into, .journal = two});
    {
        auto never = job.adopt(directory / "one", "a");  // before it starts
    }
    task_group waiting;
    waiting.spawn(job.adopt(directory / "one", "a"));
    co_await yield();
    waiting.cancel();  // while it waits for the job
    co_await waiting.join();
    task_group group;
    auto add = [&]() -> task<> {
        {
            task_group dropped;
            dropped.spawn(job.adopt(directory / "one", "a"));
            co_await yield();
            co_await yield();
        }  // destroyed wherever it is
        co_await job.adopt(directory / "one", "a");
        job.add({at.server.url("/a"), "a", {}});
        job.close();
    };
    group.spawn(add());
    at.stops = false;
    const download_report report = co_await job.run();
    co_await group.join();
    EXPECT_TRUE(report.ok());
    EXPECT_TRUE(content_of(directory / "a") == at.body);
}
TEST(download_shared, an_adoption_may_be_cancelled_and_called_again) {
    temporary_directory directory;
    in_loop(cancelled_adoption(directory));
}

task<> given_up_and_added_again(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    const std::string into = directory.string(), one = directory / "one";
    item_options exact;
    exact.exact_name = true;
    const auto options = std::make_shared<const item_options>(exact);
    downloader job({.directory = into, .journal = one});
    auto file = job.add({at.server.url("/a"), "a", options});
    task_group group;
    group.spawn([](downloader& of) -> task<> { (void)co_await of.run(); }(job));
    while (file.progress().received < half) co_await yield();
    file.cancel();
    const file_report gone = co_await file.wait();
    EXPECT_FALSE(gone.ok());
    auto again = job.add({at.server.url("/a"), "a", options});
    const file_report there = co_await again.wait();
    EXPECT_TRUE(there.ok()) << there.error;
    EXPECT_EQ(there.resumed, half);
    at.stops = false;
    auto anew = job.add({at.server.url("/a"), "a", options});
    const file_report third = co_await anew.wait();
    EXPECT_EQ(third.resumed, 0u);
    job.close();
    co_await group.join();
    EXPECT_EQ(at.server.requests.size(), 3u);
    EXPECT_EQ(at.server.requests.at(1).field("Range"), "bytes=400000-");
    EXPECT_EQ(at.server.requests.at(2).field("Range"), "");
    EXPECT_TRUE(content_of(directory / "a") == at.body);
    std::set<std::string> left = names_in(directory);
    left.erase("one");  // one file of the job has failed
    EXPECT_THAT(left, ElementsAre("a"));
}
TEST(download_shared, an_exact_name_may_come_again_and_goes_on) {
    temporary_directory directory;
    in_loop(given_up_and_added_again(directory));
}

}  // namespace
}  // namespace leat
