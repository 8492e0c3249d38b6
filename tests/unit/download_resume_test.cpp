#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
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
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using namespace std::chrono_literals;
using kind = download_event::kind;

constexpr std::size_t whole = 900'000;

std::string head_of_whole(std::string_view fields) { return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole) + "\r\n" + std::string{fields} + "\r\n"; }

/// What an honest server says to "Range: bytes=N-".
reply rest_of(const seen_request& request, const std::string& body, std::string_view fields) {
    const std::size_t first = std::stoul(request.field("Range").substr(6));
    return {"HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(body.size() - first) + "\r\nContent-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) + "\r\n" + std::string{fields} + "\r\n" + body.substr(first)};
}

/// Named before it is used in an await: g++ 12 destroys a temporary one twice.
using answer_to = std::function<reply(const seen_request&)>;

struct outcome {
    download_report report;
    std::vector<kind> events;
    std::vector<std::string> details;
};

task<outcome> fetch(const temporary_directory& directory, const scripted_server& server, download_options options = {}) {
    outcome seen;
    auto on_event = [&seen](const download_event& event) {
        seen.events.push_back(event.what);
        seen.details.emplace_back(event.detail);
    };
    const std::string into = directory.string();
    options.directory = into;
    options.retry_delay = 1ms;
    options.on_event = on_event;
    std::vector<std::string> urls;
    urls.push_back(server.url("/file"));
    seen.report = co_await download(urls, options);
    co_return seen;
}

/// The first answer breaks off in the middle; `second` is what comes then.
task<outcome> broken_off(const temporary_directory& directory, std::string_view fields, const answer_to& second,
                         std::vector<seen_request>* requests = nullptr) {
    const std::string body = sized(whole);
    std::size_t count = 0;
    const std::string head = head_of_whole(fields);
    scripted_server server([&](const seen_request& request) -> reply {
        if (count++ == 0) return {head + body.substr(0, 400'000), reply::then::close};
        return second(request);
    });
    co_await server.start();
    outcome seen = co_await fetch(directory, server, {.retries = 1});
    if (requests) *requests = server.requests;
    co_return seen;
}

task<> goes_on(const temporary_directory& directory) {
    const std::string body = sized(whole);
    std::vector<seen_request> requests;
    const answer_to honest = [&body](const seen_request& request) { return rest_of(request, body, "ETag: \"one\"\r\n"); };
    auto seen = co_await broken_off(directory, "ETag: \"one\"\r\n", honest, &requests);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_EQ(requests.size(), 2u);
    EXPECT_EQ(requests[1].field("Range"), "bytes=400000-");
    EXPECT_EQ(requests[1].field("If-Range"), "\"one\"");
    EXPECT_EQ(requests[1].field("Accept-Encoding"), "identity");
    EXPECT_THAT(seen.events, ElementsAre(kind::start, kind::retry, kind::resume, kind::done));
    EXPECT_EQ(seen.report.received, whole);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file"));
}
TEST(download_resume, an_attempt_goes_on_behind_what_came) {
    temporary_directory directory;
    in_loop(goes_on(directory));
}

task<> by_date(const temporary_directory& directory) {
    const std::string body = sized(whole);
    const std::string fields = "ETag: W/\"weak\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n";
    std::vector<seen_request> requests;
    const answer_to honest = [&](const seen_request& request) { return rest_of(request, body, fields); };
    auto seen = co_await broken_off(directory, fields, honest, &requests);
    EXPECT_TRUE(seen.report.ok());
    EXPECT_EQ(requests[1].field("If-Range"), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_TRUE(content_of(directory / "file") == body);
}
TEST(download_resume, a_date_that_no_later_change_shares_is_strong_enough) {
    temporary_directory directory;
    in_loop(by_date(directory));
}

task<> nothing_strong(const temporary_directory& directory, std::string_view fields) {
    const std::string body = sized(whole);
    std::vector<seen_request> requests;
    const answer_to again = [&body](const seen_request& request) -> reply {
        EXPECT_EQ(request.field("Range"), "");
        return {ok(body)};
    };
    auto seen = co_await broken_off(directory, fields, again, &requests);
    EXPECT_TRUE(seen.report.ok());
    EXPECT_THAT(seen.events, ElementsAre(kind::start, kind::retry, kind::restart, kind::done));
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file"));
}
TEST(download_resume, without_a_strong_validator_it_starts_over) {
    for (std::string_view fields : {"", "ETag: W/\"weak\"\r\n", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                                    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"}) {
        temporary_directory directory;
        in_loop(nothing_strong(directory, fields));
    }
}

/// Whatever the server answers to the range, the file is the new one, whole.
task<> starts_over(const temporary_directory& directory, const answer_to& to_range, std::string_view said) {
    const std::string body = sized(whole, 'A');
    const answer_to second = [&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {head_of_whole("ETag: \"two\"\r\n") + body};
        return to_range(request);
    };
    auto seen = co_await broken_off(directory, "ETag: \"one\"\r\n", second);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_THAT(seen.events, Contains(kind::restart));
    EXPECT_THAT(seen.events, Not(Contains(kind::resume)));
    EXPECT_THAT(seen.details, Contains(HasSubstr(said)));
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file"));
}
TEST(download_resume, what_is_not_the_rest_of_the_same_file_starts_it_over) {
    const std::string body = sized(whole, 'A');
    const std::string tail = "\r\nContent-Length: 500000\r\n";
    const auto partial = [&](std::string_view fields) -> std::function<reply(const seen_request&)> {
        return [text = std::string{fields}](const seen_request&) -> reply {
            return {"HTTP/1.1 206 Partial Content\r\nContent-Length: 500000\r\n" + text + "\r\n" + std::string(500'000, '!'), reply::then::close};
        };
    };
    const std::vector<std::pair<std::function<reply(const seen_request&)>, std::string_view>> answers{
        {[&](const seen_request&) -> reply { return {head_of_whole("ETag: \"two\"\r\n") + body}; }, "changed on the server"},
        {[&](const seen_request&) -> reply { return {head_of_whole("ETag: \"one\"\r\n") + body}; }, "no part of a file"},
        {partial("Content-Range: bytes 0-499999/900000\r\nETag: \"one\"\r\n"), "another range"},
        {partial("Content-Range: bytes 400001-900000/900001\r\nETag: \"one\"\r\n"), "another range"},
        {partial("Content-Range: bytes 400000-899999/900001\r\nETag: \"one\"\r\n"), "changed on the server"},
        {partial("Content-Range: bytes 400000-899999/900000\r\nETag: \"other\"\r\n"), "changed on the server"},
        {partial("Content-Range: bytes 400000-899999/900000\r\nETag: \"one\"\r\nContent-Encoding: gzip\r\n"), "changed on the server"},
        {partial("ETag: \"one\"\r\n"), "another range"},
        {partial("Content-Type: multipart/byteranges; boundary=x\r\n"), "another range"},
        {[](const seen_request&) -> reply { return {"HTTP/1.1 416 No\r\nContent-Range: bytes */7\r\nContent-Length: 0\r\n\r\n"}; }, "another one"},
        {[](const seen_request&) -> reply { return {"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n"}; }, "another one"},
    };
    for (const auto& [answer, said] : answers) {
        temporary_directory directory;
        in_loop(starts_over(directory, answer, said));
    }
}

task<> many_pieces(const temporary_directory& directory) {
    // Each connection brings a little: none of them counts as a failure, although no retry is allowed.
    const std::string body = sized(whole);
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {head_of_whole("ETag: \"one\"\r\n") + body.substr(0, 250'000), reply::then::close};
        reply all = rest_of(request, body, "ETag: \"one\"\r\n");
        const std::size_t start = all.bytes.find("\r\n\r\n") + 4;
        return {all.bytes.substr(0, start + 200'000), reply::then::close};
    });
    co_await server.start();
    auto seen = co_await fetch(directory, server, {.retries = 0});
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_EQ(seen.report.files[0].attempts, 5u);
}
TEST(download_resume, an_attempt_that_brought_bytes_does_not_count) {
    temporary_directory directory;
    in_loop(many_pieces(directory));
}

task<> chunked(const temporary_directory& directory) {
    // The size is not known: a 416 with the right one says that nothing is missing.
    std::size_t count = 0;
    const std::string body = sized(400'000);
    scripted_server server([&](const seen_request& request) -> reply {
        if (count++ == 0)
            return {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"one\"\r\n\r\n61a80\r\n" + body + "\r\n", reply::then::close};
        EXPECT_EQ(request.field("Range"), "bytes=400000-");
        return {"HTTP/1.1 416 No\r\nContent-Range: bytes */400000\r\nContent-Length: 0\r\n\r\n"};
    });
    co_await server.start();
    auto seen = co_await fetch(directory, server);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_EQ(seen.report.files[0].bytes, 400'000u);
    EXPECT_TRUE(content_of(directory / "file") == body);
}
TEST(download_resume, a_416_with_the_right_size_is_the_end) {
    temporary_directory directory;
    in_loop(chunked(directory));
}

task<> without_resume(const temporary_directory& directory) {
    const std::string body = sized(whole);
    std::size_t count = 0;
    scripted_server server([&](const seen_request& request) -> reply {
        EXPECT_EQ(request.field("Range"), "");
        if (count++ == 0) return {head_of_whole("ETag: \"one\"\r\n") + body.substr(0, 400'000), reply::then::close};
        return {head_of_whole("ETag: \"one\"\r\n") + body};
    });
    co_await server.start();
    auto seen = co_await fetch(directory, server, {.retries = 1, .resume = false});
    EXPECT_TRUE(seen.report.ok());
    EXPECT_TRUE(content_of(directory / "file") == body);
}
TEST(download_resume, without_resume_nothing_is_used_again) {
    temporary_directory directory;
    in_loop(without_resume(directory));
}

// ---- two runs

/// A server whose first connection stops in the middle and waits.
struct stopping_server {
    std::string body = sized(whole);
    std::string tag = "\"one\"";
    bool stops = true;
    scripted_server server{[this](const seen_request& request) -> reply {
        const std::string fields = "ETag: " + tag + "\r\n";
        if (request.target() != "/file") return {ok(request.target())};
        if (!request.field("Range").empty() && request.field("If-Range") == tag) return rest_of(request, body, fields);
        if (stops) return {head_of_whole(fields) + body.substr(0, 400'000), reply::then::hold};
        return {head_of_whole(fields) + body};
    }};
};

task<> first_run(const temporary_directory& directory, stopping_server& at) {
    std::uint64_t received = 0;
    auto on_progress = [&received](const download_progress& now) { received = now.received; };
    task_group group;
    group.spawn([](std::vector<std::string> urls, std::string into, function_ref<void(const download_progress&)> told) -> task<> {
        (void)co_await download(std::move(urls), {.directory = into, .progress_interval = 1ms, .on_progress = told});
    }(std::vector<std::string>{at.server.url("/file"), at.server.url("/small")}, directory.string(), on_progress));
    while (received < 400'006) co_await sleep(1ms);
    group.cancel();
    co_await group.join();
    at.stops = false;
}

task<> two_runs(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    co_await first_run(directory, at);
    const auto left = names_in(directory.string());
    EXPECT_THAT(left, ElementsAre(MatchesRegex("\\.file\\.leat-[0-9a-z]+\\.part"), ".leat-journal", "small"));
    auto seen = co_await fetch(directory, at.server);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_EQ(at.server.requests.back().field("Range"), "bytes=400000-");
    EXPECT_THAT(seen.events, ElementsAre(kind::start, kind::resume, kind::done));
    EXPECT_EQ(seen.report.files[0].resumed, 400'000u);
    EXPECT_EQ(seen.report.files[0].bytes, whole);
    EXPECT_EQ(seen.report.received, whole - 400'000);
    EXPECT_TRUE(content_of(directory / "file") == at.body);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file", "small"));
}
TEST(download_resume, a_second_run_goes_on_where_the_first_was_cancelled) {
    temporary_directory directory;
    in_loop(two_runs(directory));
}

task<> changed_between(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    co_await first_run(directory, at);
    at.tag = "\"two\"";
    at.body = sized(whole, 'A');
    auto seen = co_await fetch(directory, at.server);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_THAT(seen.events, ElementsAre(kind::start, kind::restart, kind::done));
    EXPECT_EQ(seen.report.files[0].resumed, 0u);
    EXPECT_TRUE(content_of(directory / "file") == at.body);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file", "small"));
}
TEST(download_resume, a_file_that_changed_between_two_runs_starts_over) {
    temporary_directory directory;
    in_loop(changed_between(directory));
}

task<> another_part_file(const temporary_directory& directory, bool shorter) {
    stopping_server at;
    co_await at.server.start();
    co_await first_run(directory, at);
    const std::string part = directory / *names_in(directory.string()).begin();
    EXPECT_TRUE(part.ends_with(".part")) << part;
    if (shorter) {
        std::filesystem::resize_file(part, 399'999);
    } else {
        std::ofstream(part + ".new") << std::string(whole, '!');
        std::filesystem::rename(part + ".new", part);  // while the old one is there, so that it has another inode
    }
    auto seen = co_await fetch(directory, at.server);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_EQ(at.server.requests.back().field("Range"), "");
    EXPECT_TRUE(content_of(directory / "file") == at.body);
}
TEST(download_resume, a_part_file_that_is_not_the_one_written_down_is_not_used) {
    for (const bool shorter : {false, true}) {
        temporary_directory directory;
        in_loop(another_part_file(directory, shorter));
    }
}

task<> finished_files(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    co_await first_run(directory, at);
    std::vector<std::string> urls{at.server.url("/file"), at.server.url("/small")};
    const std::size_t before = at.server.requests.size();
    auto report = co_await download(urls, {.directory = directory.string()});
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(at.server.requests.size(), before + 1);
    EXPECT_TRUE(report.files[1].skipped);
    EXPECT_EQ(report.files[1].resumed, 6u);
    EXPECT_EQ(report.skipped, 1u);
    EXPECT_EQ(report.succeeded, 2u);
}
TEST(download_resume, a_second_run_skips_what_the_first_has_finished) {
    temporary_directory directory;
    in_loop(finished_files(directory));
}

task<> another_job(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    co_await first_run(directory, at);
    std::vector<std::string> urls{at.server.url("/unrelated")};
    auto between = co_await download(urls, {.directory = directory.string()});
    EXPECT_TRUE(between.ok());
    auto seen = co_await fetch(directory, at.server);
    EXPECT_EQ(seen.report.files[0].resumed, 400'000u);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file", "small", "unrelated"));
}
TEST(download_resume, another_job_in_the_directory_leaves_what_it_does_not_know) {
    temporary_directory directory;
    in_loop(another_job(directory));
}

task<> touched_files(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    co_await first_run(directory, at);
    std::ofstream(directory / "small") << "/SMALL";
    // File systems count in steps of milliseconds.
    std::filesystem::last_write_time(directory / "small", std::filesystem::file_time_type::clock::now() + 1s);
    std::vector<std::string> urls{at.server.url("/file"), at.server.url("/small")};
    auto report = co_await download(urls, {.directory = directory.string()});
    EXPECT_TRUE(report.ok());
    EXPECT_FALSE(report.files[1].skipped);
    EXPECT_EQ(content_of(directory / "small"), "/small");
}
TEST(download_resume, a_finished_file_that_somebody_has_changed_is_fetched_again) {
    temporary_directory directory;
    in_loop(touched_files(directory));
}

task<> in_use(const temporary_directory& directory) {
    stopping_server at;
    co_await at.server.start();
    co_await first_run(directory, at);
    at.stops = true;
    at.tag = "\"two\"";
    downloader first({.directory = directory.string()});
    auto held = first.add({at.server.url("/file"), {}, {}});
    task_group group;
    group.spawn(first.run());
    while (held.progress().received < 400'000 || held.progress().connections == 0) co_await yield();
    // Another job with the same journal does without one, and does not touch the first one's part.
    at.stops = false;
    auto seen = co_await fetch(directory, at.server);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_EQ(held.progress().received, 400'000u);
    EXPECT_THAT(names_in(directory.string()), Contains(".leat-journal"));
    group.cancel();
    co_await group.join();
}
TEST(download_resume, two_jobs_in_one_directory_do_not_meet) {
    temporary_directory directory;
    in_loop(in_use(directory));
}

task<> foreign_journal(const temporary_directory& directory) {
    stopping_server at;
    at.stops = false;
    co_await at.server.start();
    std::ofstream(directory / ".leat-journal") << "my notes, no journal\n";
    auto seen = co_await fetch(directory, at.server);
    EXPECT_TRUE(seen.report.ok());
    EXPECT_EQ(content_of(directory / ".leat-journal"), "my notes, no journal\n");
}
TEST(download_resume, a_file_that_is_no_journal_is_left_alone) {
    temporary_directory directory;
    in_loop(foreign_journal(directory));
}

}  // namespace
}  // namespace leat
