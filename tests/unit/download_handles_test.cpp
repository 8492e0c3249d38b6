#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "leat/download/download.hpp"
#include "leat/io/error.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// Answers "/held…" with half a body and silence, all else with its own name.
reply held_or_name(const seen_request& request) {
    if (request.target().starts_with("/held"))
        return {"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\nETag: \"1\"\r\n\r\n" + std::string(250'000, 'x'), reply::then::hold};
    return {ok(request.target())};
}

task<> until_received(const download_handle& file, std::uint64_t bytes) {
    while (file.progress().received < bytes) co_await yield();
}

/// Names are found some thousand a turn: the last file is given up while the first begins, before it has got its own.
task<> cancelled_before_its_name(const temporary_directory& directory) {
    scripted_server server(held_or_name);
    co_await server.start();
    std::vector<download_handle> files;
    std::string told;
    auto on_event = [&](const download_event& event) {
        if (event.what != download_event::kind::start) return;
        for (download_handle& each : files) each.cancel();
    };
    auto on_file = [&](const file_report& file) {
        if (file.url.ends_with("/last")) told = file.target.string();
    };
    downloader job({.directory = directory.string(), .jobs = 1, .on_file = on_file, .on_event = on_event});
    for (int i = 0; i < 5000; ++i) files.push_back(job.add({server.url("/" + std::to_string(i)), {}, {}}));
    files.push_back(job.add({server.url("/last"), {}, {}}));
    job.close();
    const download_report report = co_await job.run();
    EXPECT_EQ(report.failed, 5001u);
    EXPECT_EQ(told, directory / "last");
    EXPECT_EQ(report.files.back().target.string(), told);
}

TEST(download_handles, a_file_cancelled_before_it_has_a_name_keeps_the_one_that_was_told) {
    temporary_directory directory;
    in_loop(cancelled_before_its_name(directory));
}

task<> adding(const temporary_directory& directory) {
    scripted_server server(held_or_name);
    co_await server.start();
    downloader job({.directory = directory.string(), .jobs = 2});
    auto first = job.add({server.url("/a"), {}, {}});
    EXPECT_EQ(job.waiting(), 1u);
    EXPECT_EQ(first.progress().state, file_state::waiting);
    EXPECT_EQ(first.progress().name, "a");
    download_report report;
    auto running = [&]() -> task<> { report = co_await job.run(); };
    task_group group;
    group.spawn(running);
    const file_report a = co_await first.wait();
    EXPECT_TRUE(a.ok());
    // The job has nothing to do, and goes on when it gets something.
    auto second = job.add({server.url("/b/a"), {}, {}});
    const file_report b = co_await second.wait();
    EXPECT_TRUE(b.ok());
    EXPECT_EQ(b.target.file_name(), "a.1");
    EXPECT_EQ(second.progress().state, file_state::complete);
    job.add({server.url("/c"), {}, {}});
    job.close();
    co_await group.join();
    EXPECT_EQ(report.succeeded, 3u);
    EXPECT_EQ(report.files.size(), 3u);
    EXPECT_EQ(report.files[2].url, server.url("/c"));
    EXPECT_THROW(job.add({server.url("/d"), {}, {}}), std::logic_error);
    auto again = co_await failure_of<std::logic_error>(job.run());
    EXPECT_THAT(again, HasSubstr("has run"));
}
TEST(download_handles, files_are_added_while_the_job_runs) {
    temporary_directory directory;
    in_loop(adding(directory));
}

task<> without_files(const temporary_directory& directory) {
    downloader job({.directory = directory.string()});
    download_report report;
    auto running = [&]() -> task<> { report = co_await job.run(); };
    task_group group;
    group.spawn(running);
    co_await testing::settle(5);
    EXPECT_EQ(group.size(), 1u);
    job.close();
    co_await group.join();
    EXPECT_TRUE(report.ok());
}
TEST(download_handles, a_job_without_files_ends_when_it_is_closed) {
    temporary_directory directory;
    in_loop(without_files(directory));
}

task<> cancelling(const temporary_directory& directory) {
    scripted_server server(held_or_name);
    co_await server.start();
    downloader job({.directory = directory.string(), .jobs = 1, .retries = 0});
    auto held = job.add({server.url("/held"), {}, {}});
    auto queued = job.add({server.url("/queued"), {}, {}});
    auto last = job.add({server.url("/last"), {}, {}});
    job.close();
    download_report report;
    auto running = [&]() -> task<> { report = co_await job.run(); };
    task_group group;
    group.spawn(running);
    co_await until_received(held, 250'000);
    queued.cancel();
    EXPECT_EQ((co_await queued.wait()).why, failure_class::cancelled);
    held.cancel();
    const file_report given_up = co_await held.wait();
    EXPECT_EQ(given_up.why, failure_class::cancelled);
    EXPECT_EQ(given_up.bytes, 250'000u);
    co_await group.join();
    EXPECT_EQ(report.failed, 2u);
    EXPECT_TRUE(report.files[2].ok());
    EXPECT_EQ(server.requests.size(), 2u);
    last.cancel();  // too late, and harmless
}
TEST(download_handles, a_cancelled_file_ends_and_the_others_go_on) {
    temporary_directory directory;
    in_loop(cancelling(directory));
}

task<> pausing(const temporary_directory& directory) {
    const std::string body = std::string(250'000, 'x') + std::string(250'000, 'y');
    scripted_server server([&body](const seen_request& request) -> reply {
        if (request.target() != "/a") return {ok("b")};
        if (request.field("Range").empty())
            return {"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\nETag: \"1\"\r\n\r\n" + body.substr(0, 250'000), reply::then::hold};
        EXPECT_EQ(request.field("Range"), "bytes=250000-");
        EXPECT_EQ(request.field("If-Range"), "\"1\"");
        return {"HTTP/1.1 206 Partial\r\nContent-Length: 250000\r\nContent-Range: bytes 250000-499999/500000\r\nETag: \"1\"\r\n\r\n" + body.substr(250'000)};
    });
    co_await server.start();
    std::vector<download_event::kind> events;
    auto on_event = [&events](const download_event& e) { if (e.index == 0) events.push_back(e.what); };
    downloader job({.directory = directory.string(), .jobs = 1, .retries = 0, .on_event = on_event});
    auto file = job.add({server.url("/a"), {}, {}});
    auto other = job.add({server.url("/b"), {}, {}});
    job.close();
    download_report report;
    auto running = [&]() -> task<> { report = co_await job.run(); };
    task_group group;
    group.spawn(running);
    co_await until_received(file, 250'000);
    file.pause();
    // Its place goes to the other one.
    EXPECT_TRUE((co_await other.wait()).ok());
    EXPECT_EQ(file.progress().state, file_state::paused);
    EXPECT_EQ(file.progress().received, 250'000u);
    EXPECT_EQ(file.progress().connections, 0u);
    file.resume();
    co_await group.join();
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_EQ(report.files[0].attempts, 1u);
    EXPECT_TRUE(content_of(directory / "a") == body);
    EXPECT_THAT(events, ElementsAre(download_event::kind::start, download_event::kind::resume, download_event::kind::done));
}
TEST(download_handles, a_paused_file_goes_on_where_it_stands) {
    temporary_directory directory;
    in_loop(pausing(directory));
}

task<> paused_before(const temporary_directory& directory) {
    scripted_server server(held_or_name);
    co_await server.start();
    downloader job({.directory = directory.string(), .jobs = 1});
    auto file = job.add({server.url("/a"), {}, {}});
    auto other = job.add({server.url("/b"), {}, {}});
    file.pause();
    job.close();
    task_group group;
    auto running = [&]() -> task<> { (void)co_await job.run(); };
    group.spawn(running);
    EXPECT_TRUE((co_await other.wait()).ok());
    co_await testing::settle(5);
    EXPECT_EQ(server.requests.size(), 1u);
    EXPECT_EQ(file.progress().state, file_state::paused);
    file.resume();
    EXPECT_TRUE((co_await file.wait()).ok());
    co_await group.join();
}
TEST(download_handles, a_file_paused_before_its_turn_asks_nothing) {
    temporary_directory directory;
    in_loop(paused_before(directory));
}

task<> cancelled_job(const temporary_directory& directory) {
    scripted_server server(held_or_name);
    co_await server.start();
    std::optional<downloader> job;
    job.emplace(download_options{.directory = directory.string()});
    auto there = job->add({server.url("/a"), {}, {}});
    auto held = job->add({server.url("/held"), {}, {}});
    job->close();
    {
        task_group group;
        group.spawn(job->run());
        co_await until_received(held, 250'000);
        EXPECT_TRUE((co_await there.wait()).ok());
        group.cancel();
        co_await group.join();
    }
    const file_report report = co_await held.wait();
    EXPECT_EQ(report.why, failure_class::cancelled);
    job.reset();
    held.pause();
    held.resume();
    held.cancel();
    EXPECT_EQ(held.progress().state, file_state::failed);
    EXPECT_TRUE((co_await there.wait()).ok());
}
TEST(download_handles, handles_outlive_a_cancelled_job) {
    temporary_directory directory;
    in_loop(cancelled_job(directory));
}

/// Cancelled before it begins, while it waits, and as the file ends: the waiting stops, the file does not.
task<> stopped_waiting(const temporary_directory& directory) {
    scripted_server server(held_or_name);
    server.gated = true;
    co_await server.start();
    downloader job({.directory = directory.string()});
    auto file = job.add({server.url("/a"), {}, {}});
    job.close();
    task_group running;
    running.spawn(job.run());
    for (int turns = 0; turns < 3; ++turns) {
        task_group group;
        group.spawn(file.wait());
        co_await testing::settle(turns);
        group.cancel();
        co_await group.join();
    }
    {
        task_group group;
        group.spawn(file.wait());
        co_await testing::settle(2);
    }  // destroyed while it waits
    server.gate.set();
    std::optional<file_report> got;
    auto waiting = [&]() -> task<> { got = co_await file.wait(); };
    task_group group;
    group.spawn(waiting);
    while (file.progress().state != file_state::complete) co_await yield();
    group.cancel();  // a result that is there wins, or it is there for the next
    co_await group.join();
    EXPECT_TRUE((co_await file.wait()).ok());
    co_await running.join();
    EXPECT_EQ(content_of(directory / "a"), "/a");
}
TEST(download_handles, who_stops_waiting_stops_no_file) {
    temporary_directory directory;
    in_loop(stopped_waiting(directory));
}

task<> callbacks_add(const temporary_directory& directory) {
    scripted_server server(held_or_name);
    co_await server.start();
    std::optional<downloader> job;
    std::size_t added = 1;
    auto on_file = [&](const file_report& file) {
        const std::string url = file.url;
        if (added++ < 20) job->add({server.url("/n" + std::to_string(added)), {}, {}});
        else job->close();
        EXPECT_EQ(file.url, url);
    };
    job.emplace(download_options{.directory = directory.string(), .on_file = on_file});
    job->add({server.url("/n"), {}, {}});
    const auto report = co_await job->run();
    EXPECT_EQ(report.succeeded, 20u);
}
TEST(download_handles, a_callback_may_add_files) {
    temporary_directory directory;
    in_loop(callbacks_add(directory));
}

task<> policies(const temporary_directory& directory) {
    scripted_server server([](const seen_request& request) -> reply {
        if (!request.field("If-Modified-Since").empty()) return {"HTTP/1.1 304 Same\r\n\r\n"};
        if (request.target() == "/cut") return {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", reply::then::close};
        if (request.target() == "/500") return {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
        if (request.target() == "/loop") return {testing::moved(302, "/loop")};
        if (request.target() == "/odd") return {"nonsense\r\n\r\n", reply::then::close};
        if (request.target() == "/401") return {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"};
        return {ok("new")};
    });
    co_await server.start();
    for (auto name : {"kept", "asked", "refused"}) std::ofstream(directory / name) << "old";
    auto with = [](existing_file policy) {
        auto options = std::make_shared<item_options>();
        options->existing = policy;
        return options;
    };
    auto sized = std::make_shared<item_options>();
    sized->size = 7;
    std::vector<download_item> items{{server.url("/kept"), {}, with(existing_file::skip)},
                                     {server.url("/asked"), {}, with(existing_file::if_newer)},
                                     {server.url("/refused"), {}, with(existing_file::fail)},
                                     {server.url("/fresh"), {}, with(existing_file::if_newer)},
                                     {server.url("/cut"), {}, {}},
                                     {server.url("/500"), {}, {}},
                                     {server.url("/loop"), {}, {}},
                                     {server.url("/odd"), {}, {}},
                                     {server.url("/401"), {}, {}},
                                     {server.url("/size"), {}, sized},
                                     {"http://127.0.0.1:1/none", {}, {}},
                                     {"nonsense", {}, {}},
                                     {server.url("/disk"), "kept/below", {}}};
    auto report = co_await download(items, {.directory = directory.string(), .retries = 0});
    std::vector<std::string> classes;
    for (const auto& file : report.files) classes.emplace_back(name_of(file.why));
    EXPECT_THAT(classes, ElementsAre("none", "none", "exists", "none", "truncated", "server", "redirect", "protocol", "status", "checksum", "connect", "url", "disk"));
    EXPECT_EQ(report.skipped, 2u);
    EXPECT_EQ(report.succeeded, 3u);
    EXPECT_TRUE(report.files[0].skipped && report.files[1].skipped);
    EXPECT_EQ(report.files[1].status, 304);
    EXPECT_EQ(report.files[5].status, 500);
    EXPECT_EQ(content_of(directory / "kept"), "old");
    EXPECT_EQ(content_of(directory / "refused"), "old");
    for (const auto& request : server.requests) EXPECT_NE(request.target(), "/kept");
    EXPECT_FALSE(std::filesystem::exists(directory / "size"));
}
TEST(download_handles, each_failure_has_its_class_and_each_policy_its_way) {
    temporary_directory directory;
    in_loop(policies(directory));
}

}  // namespace
}  // namespace leat
