// Things that happen in an order nobody planned: handles called from callbacks, answers that come late, files that change at the wrong moment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "download/hasher.hpp"
#include "leat/download/download.hpp"
#include "leat/io/error.hpp"
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
using ::testing::Not;
using namespace std::chrono_literals;
using kind = download_event::kind;

std::string checksum_of(std::string_view content) {
    detail::hasher hash("sha256");
    hash.add(content);
    return detail::expected_digest{"sha256", hash.finish()}.to_string();
}

std::string head_of(std::size_t size, std::string_view fields) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n" + std::string{fields} + "\r\n";
}

/// The answer to "Range: bytes=N-" or "bytes=N-M"; `total` behind the slash.
reply part_of(const seen_request& request, const std::string& body, std::string_view fields, std::string_view total) {
    const std::string range = request.field("Range").substr(6);
    const auto dash = range.find('-');
    const std::size_t first = std::stoul(range.substr(0, dash));
    const std::size_t end = dash + 1 < range.size() ? std::stoul(range.substr(dash + 1)) + 1 : body.size();
    return {"HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(end - first) + "\r\nContent-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(end - 1) + "/" + std::string{total} + "\r\n" + std::string{fields} + "\r\n" + body.substr(first, end - first)};
}

constexpr std::size_t whole = 900'000;

// ---- handles called from callbacks

/// One that ends well, one that is refused, one that breaks off once, and one that comes behind wrong bytes; each is cancelled as soon as `when` is told of it.
task<> cancel_at(const temporary_directory& directory, kind when, bool throws) {
    const std::string body = sized(whole);
    std::set<std::string> broken;
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.target() == "/none") return {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"};
        if (request.target() == "/later") return {"HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 100\r\n\r\n"};
        if (request.target() == "/good") return {ok("good")};
        if (broken.insert(request.target()).second) return {head_of(whole, "ETag: \"1\"\r\n") + std::string(400'000, '!'), reply::then::close};
        if (!request.field("Range").empty()) return part_of(request, body, "ETag: \"1\"\r\n", std::to_string(whole));
        return {head_of(whole, "ETag: \"1\"\r\n") + body};
    });
    co_await server.start();
    std::vector<download_handle> files;
    std::size_t told = 0;
    auto on_event = [&](const download_event& event) {
        if (event.what != when) return;
        ++told;
        files.at(event.index).cancel();
        if (throws) throw std::runtime_error("a callback's own");
    };
    downloader job({.directory = directory.string(), .jobs = 1, .retry_delay = 1ms, .on_event = on_event});
    auto options = std::make_shared<item_options>();
    options->checksum = checksum_of(body);
    files.push_back(job.add({server.url("/good"), {}, {}}));
    files.push_back(job.add({server.url("/none"), {}, {}}));
    files.push_back(job.add({server.url("/wrong"), {}, options}));
    files.push_back(job.add({server.url("/later"), {}, std::make_shared<item_options>()}));
    if (when != kind::retry && !throws) files.back().cancel();  // its pause is as long as two minutes
    job.close();
    auto done = co_await (job.run() | as_result);
    EXPECT_GE(told, 1u);
    EXPECT_EQ(bool(done), !throws);
    for (const download_handle& each : files) (void)co_await each.wait();
    if (!done) co_return;
    EXPECT_EQ(done->files.size(), 4u);
    EXPECT_EQ(done->succeeded + done->failed, 4u);
    if (when == kind::start || when == kind::retry || when == kind::restart) {
        EXPECT_EQ(done->files[2].why, failure_class::cancelled) << done->files[2].error;
    }
    if (when == kind::start) {
        EXPECT_EQ(server.requests.size(), 0u);
    }
    if (when == kind::done) {
        EXPECT_TRUE(done->files[0].ok());
    }
}
TEST(download_order, whoever_is_told_of_something_may_cancel_the_file) {
    for (const kind when : {kind::start, kind::retry, kind::resume, kind::verify, kind::restart, kind::done, kind::failed}) {
        SCOPED_TRACE(static_cast<int>(when));
        temporary_directory directory;
        in_loop(cancel_at(directory, when, false));
    }
}
TEST(download_order, a_callback_that_throws_ends_the_job_and_all_who_wait) {
    for (const kind when : {kind::start, kind::done, kind::failed}) {
        SCOPED_TRACE(static_cast<int>(when));
        temporary_directory directory;
        in_loop(cancel_at(directory, when, true));
    }
}

task<> throws_at_cancel(const temporary_directory& directory) {
    scripted_server server([](const seen_request& request) -> reply { return {ok(request.target())}; });
    co_await server.start();
    auto on_event = [](const download_event& event) {
        if (event.what == kind::failed) throw std::runtime_error("a callback's own");
    };
    downloader job({.directory = directory.string(), .on_event = on_event});
    auto held = job.add({server.url("/held"), {}, {}});
    held.pause();
    job.add({server.url("/other"), {}, {}});
    job.close();
    download_report report;
    auto running = [&]() -> task<> { report = co_await job.run(); };
    task_group group;
    group.spawn(running);
    while (!std::filesystem::exists(std::string{directory / "other"})) co_await yield();
    EXPECT_THROW(held.cancel(), std::runtime_error);
    EXPECT_EQ((co_await held.wait()).why, failure_class::cancelled);
    co_await group.join();  // nothing is left to wait for
    EXPECT_EQ(report.failed, 1u);
}
TEST(download_order, a_callback_that_throws_from_cancel_leaves_nothing_behind) {
    temporary_directory directory;
    in_loop(throws_at_cancel(directory));
}

task<> cancelled_while_named(const temporary_directory& directory) {
    const std::string body = sized(whole);
    scripted_server server([&](const seen_request&) -> reply { return {head_of(whole, "ETag: \"1\"\r\n") + body}; });
    co_await server.start();
    downloader job({.directory = directory.string(), .sync = true});
    auto file = job.add({server.url("/file"), {}, {}});
    job.close();
    download_report report;
    auto running = [&]() -> task<> { report = co_await job.run(); };
    task_group group;
    group.spawn(running);
    // All is there, and a thread waits for the disk.
    while (file.progress().connections != 0 || file.progress().received != whole) co_await yield();
    file.cancel();
    file.pause();
    co_await group.join();
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file"));
}
TEST(download_order, a_file_that_gets_its_name_is_not_cancelled_any_more) {
    temporary_directory directory;
    in_loop(cancelled_while_named(directory));
}

task<> no_directory(const temporary_directory& directory) {
    std::ofstream(directory / "taken") << "a file";
    downloader job({.directory = directory / "taken"});
    auto file = job.add({"http://127.0.0.1:1/x", {}, {}});
    job.close();
    auto failed = co_await failure_of<error>(job.run());
    EXPECT_THAT(failed, HasSubstr("taken"));
    EXPECT_FALSE((co_await file.wait()).ok());  // the job object is still there
}
TEST(download_order, nobody_waits_for_a_job_that_could_not_begin) {
    temporary_directory directory;
    in_loop(no_directory(directory));
}

// ---- answers that mean another file, or a part of it

using answer_to = std::function<reply(const seen_request&)>;

struct outcome {
    download_report report;
    std::vector<std::string> details;
    std::vector<seen_request> requests;
};

/// The first answer breaks off in the middle; `second` is what comes then.
task<outcome> broken_off(const temporary_directory& directory, std::string_view head, std::string_view some, const answer_to& second, unsigned retries = 1) {
    std::size_t count = 0;
    const std::string first = std::string{head} + std::string{some};
    scripted_server server([&](const seen_request& request) -> reply {
        if (count++ == 0) return {first, reply::then::close};
        return second(request);
    });
    co_await server.start();
    outcome seen;
    auto on_event = [&seen](const download_event& event) { seen.details.emplace_back(event.detail); };
    std::vector<std::string> urls{server.url("/file")};
    seen.report = co_await download(urls, {.directory = directory.string(), .retries = retries, .retry_delay = 1ms, .on_event = on_event});
    seen.requests = server.requests;
    co_return seen;
}

task<> size_never_said(const temporary_directory& directory) {
    const std::string body = sized(whole);
    // Neither the first answer nor the part says how large the file is: that the part is over does not mean that the file is.
    const answer_to second = [&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {head_of(whole, "ETag: \"1\"\r\n") + body};
        return part_of(request, body.substr(0, 600'000), "ETag: \"1\"\r\n", "*");
    };
    auto seen = co_await broken_off(directory, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"1\"\r\n\r\n61a80\r\n", body.substr(0, 400'000) + "\r\n", second);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_EQ(seen.requests.size(), 3u);
    EXPECT_THAT(seen.details, Contains(HasSubstr("how large")));
}
TEST(download_order, a_part_of_a_file_of_unknown_size_is_not_its_end) {
    temporary_directory directory;
    in_loop(size_never_said(directory));
}

task<> changed_this_second(const temporary_directory& directory, std::string_view again) {
    const std::string body = sized(whole), newer = sized(whole, 'A');
    // The server knows no If-Range, and the file changed in the second of its answer, so that its date is no strong one.
    const answer_to second = [&](const seen_request& request) -> reply {
        if (request.field("Range").empty()) return {head_of(whole, "") + newer};
        return part_of(request, newer, again, std::to_string(whole));
    };
    const std::string head = head_of(whole, "Date: Sat, 01 Jan 2022 00:01:00 GMT\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\n");
    auto seen = co_await broken_off(directory, head, body.substr(0, 400'000), second);
    EXPECT_TRUE(seen.report.ok()) << seen.report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == newer);
    EXPECT_THAT(seen.details, Contains(HasSubstr("changed on the server")));
}
TEST(download_order, a_part_of_a_file_that_changed_this_second_is_not_taken) {
    for (const auto* again : {"Date: Sat, 01 Jan 2022 00:02:00 GMT\r\nLast-Modified: Sat, 01 Jan 2022 00:02:00 GMT\r\n", "Last-Modified: Sat, 01 Jan 2022 00:01:30 GMT\r\n"}) {
        temporary_directory directory;
        in_loop(changed_this_second(directory, again));
    }
}

task<> byte_by_byte(const temporary_directory& directory) {
    const std::string body = sized(whole);
    const answer_to second = [&](const seen_request& request) -> reply {
        reply part = part_of(request, body, "ETag: \"1\"\r\n", std::to_string(whole));
        return {part.bytes.substr(0, part.bytes.find("\r\n\r\n") + 5), reply::then::close};
    };
    auto seen = co_await broken_off(directory, head_of(whole, "ETag: \"1\"\r\n"), body.substr(0, 400'000), second, 3);
    EXPECT_FALSE(seen.report.ok());
    EXPECT_EQ(seen.report.files[0].why, failure_class::truncated);
    EXPECT_EQ(seen.requests.size(), 5u);
}
TEST(download_order, a_byte_at_each_attempt_is_not_enough) {
    temporary_directory directory;
    in_loop(byte_by_byte(directory));
}

task<> newer_after_503(const temporary_directory& directory) {
    std::ofstream(directory / "file") << "mine";
    std::size_t count = 0;
    scripted_server server([&](const seen_request& request) -> reply {
        if (count++ == 0) return {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"};
        if (!request.field("If-Modified-Since").empty()) return {"HTTP/1.1 304 Same\r\n\r\n"};
        return {ok("fetched again")};
    });
    co_await server.start();
    std::vector<std::string> urls{server.url("/file")};
    auto report = co_await download(urls, {.directory = directory.string(), .retry_delay = 1ms, .existing = existing_file::if_newer});
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report.skipped, 1u);
    EXPECT_EQ(content_of(directory / "file"), "mine");
}
TEST(download_order, a_second_attempt_asks_for_a_newer_file_as_well) {
    temporary_directory directory;
    in_loop(newer_after_503(directory));
}

// ---- several servers

task<> one_bad_of_three(const temporary_directory& directory) {
    constexpr std::size_t large = 16'000'000;  // more than comes before the others are asked
    const std::string body = sized(large), bad(large, '!');
    const auto with = [](const std::string& content) {
        return [&content](const seen_request& request) -> reply {
            if (request.field("Range").empty()) return {head_of(large, "ETag: \"1\"\r\n") + content};
            return part_of(request, content, "ETag: \"1\"\r\n", std::to_string(large));
        };
    };
    scripted_server first(with(body)), second(with(bad)), third(with(body));
    co_await first.start();
    co_await second.start();
    co_await third.start();
    auto options = std::make_shared<item_options>();
    options->mirrors = {third.url("/m"), second.url("/m")};  // the bad one last: whoever is blamed first is a good one
    options->checksum = checksum_of(body);
    std::vector<download_item> items{{first.url("/file"), {}, options}};
    auto report = co_await download(items, {.directory = directory.string(), .retry_delay = 1ms, .segments = 3, .segment_size = {500'000}});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_TRUE(report.files[0].verified);
    EXPECT_GE(second.requests.size(), 1u);  // it was asked, and has spoilt the first attempt
    EXPECT_TRUE(content_of(directory / "file") == body);
}
TEST(download_order, one_bad_mirror_spoils_nothing_that_the_others_have) {
    temporary_directory directory;
    in_loop(one_bad_of_three(directory));
}

task<> late_and_bad(const temporary_directory& directory) {
    constexpr std::size_t large = 24'000'000;
    const std::string body = sized(large);
    // The mirror's answer comes once the first server has brought, and the thread has hashed, what it was asked for. Its bytes must not come behind that.
    std::size_t asked = 0;
    scripted_server first([&](const seen_request& request) -> reply {
        if (!request.field("Range").empty()) return part_of(request, body, "", std::to_string(large));
        if (asked++ != 0) return {head_of(large, "ETag: \"1\"\r\n") + body};
        return {head_of(large, "ETag: \"1\"\r\n") + body.substr(0, 23'000'000), reply::then::hold};
    });
    scripted_server second([&](const seen_request& request) -> reply {
        reply part = part_of(request, body, "", std::to_string(large));
        std::fill_n(part.bytes.begin() + static_cast<long>(part.bytes.find("\r\n\r\n") + 4), 500'000, '!');
        return part;
    });
    second.gated = true;
    co_await first.start();
    co_await second.start();
    auto options = std::make_shared<item_options>();
    options->mirrors = {second.url("/m")};
    options->checksum = checksum_of(body);
    std::size_t looks = 0;
    auto on_progress = [&](const download_progress& now) {
        if (now.received >= 23'000'000 && ++looks == 8) second.gate.set();
    };
    std::vector<download_item> items{{first.url("/file"), {}, options}};
    auto report = co_await download(items, {.directory = directory.string(), .retries = 1, .retry_delay = 1ms, .segments = 2, .segment_size = {4'000'000}, .on_progress = on_progress});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == body);
    EXPECT_EQ(report.files[0].attempts, 2u);
    EXPECT_GE(looks, 8u);
    EXPECT_GE(second.requests.size(), 1u);
}
TEST(download_order, what_was_hashed_is_not_written_again) {
    temporary_directory directory;
    in_loop(late_and_bad(directory));
}

// ---- names, parts and room

task<> names_of_the_servers(const temporary_directory& directory) {
    std::size_t count = 0;
    scripted_server server([&](const seen_request& request) -> reply {
        const std::string fields = "ETag: \"1\"\r\nContent-Disposition: attachment; filename=\"said\"\r\n";
        if (request.target() == "/b" && count++ < 2) return {head_of(whole, fields) + sized(100'000), reply::then::close};
        return {ok(request.target(), fields)};
    });
    co_await server.start();
    std::vector<std::string> urls{server.url("/a"), server.url("/b")};
    auto report = co_await download(urls, {.directory = directory.string(), .jobs = 1, .retry_delay = 1ms, .resume = false, .content_disposition = true});
    EXPECT_TRUE(report.ok());
    EXPECT_THAT(names_in(directory.string()), ElementsAre("said", "said.1"));
    // What is there under the name that the server gives is treated as what is there under any other.
    urls.pop_back();
    std::ofstream(directory / "said") << "mine";
    auto skipped = co_await download(urls, {.directory = directory.string(), .existing = existing_file::skip, .content_disposition = true});
    EXPECT_EQ(skipped.skipped, 1u);
    auto failed = co_await download(urls, {.directory = directory.string(), .existing = existing_file::fail, .content_disposition = true});
    EXPECT_EQ(failed.files[0].why, failure_class::exists);
    EXPECT_EQ(content_of(directory / "said"), "mine");
}
TEST(download_order, a_name_that_the_server_gives_is_taken_once_and_spares_what_is_there) {
    temporary_directory directory;
    in_loop(names_of_the_servers(directory));
}

task<> two_urls(const temporary_directory& directory) {
    constexpr std::size_t large = 20'000'000;
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.target() == "/b/file") return {head_of(large, "ETag: \"2\"\r\n") + sized(large, 'A')};
        return {head_of(large, "ETag: \"1\"\r\n") + sized(400'000), reply::then::hold};
    });
    co_await server.start();
    downloader job({.directory = directory.string()});
    auto file = job.add({server.url("/a/file"), {}, {}});
    job.close();
    download_report report;
    auto running = [&]() -> task<> { report = co_await job.run(); };
    task_group group;
    group.spawn(running);
    while (file.progress().received < 400'000) co_await yield();
    const std::string part = directory / ".file.leat-part";
    struct stat facts {};
    EXPECT_EQ(::stat(part.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_size, 400'000);           // its size still says what has come
    EXPECT_GE(facts.st_blocks * 512, static_cast<long>(large));  // and there is room for the rest
    file.cancel();
    co_await group.join();
    EXPECT_THAT(names_in(directory.string()), Contains(".file.leat-part"));
    // The same name from elsewhere: nobody will ever go on from that part.
    std::vector<std::string> urls{server.url("/b/file")};
    auto other = co_await download(urls, {.directory = directory.string(), .preallocate = false});
    EXPECT_TRUE(other.ok());
    EXPECT_THAT(names_in(directory.string()), ElementsAre("file"));
}
TEST(download_order, a_part_has_room_and_goes_when_its_url_does) {
    temporary_directory directory;
    in_loop(two_urls(directory));
}

task<> replaced(const temporary_directory& directory) {
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.target() == "/small") return {ok("new")};
        return {head_of(whole, "ETag: \"1\"\r\n") + sized(whole, 'A')};  // more than comes at once
    });
    co_await server.start();
    for (const char* name : {"small", "large"}) {
        std::ofstream(directory / name) << "old";
        std::ofstream(directory / (std::string{"."} + name + ".leat-new")) << "of a run that was killed";
    }
    std::vector<std::string> urls{server.url("/small"), server.url("/large")};
    auto report = co_await download(urls, {.directory = directory.string()});
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(content_of(directory / "small"), "new");
    EXPECT_EQ(content_of(directory / "large").size(), whole);
    EXPECT_THAT(names_in(directory.string()), ElementsAre("large", "small"));
}
TEST(download_order, what_a_run_killed_while_it_replaced_a_file_has_left_goes_with_the_next) {
    temporary_directory directory;
    in_loop(replaced(directory));
}

task<> too_large(const temporary_directory& directory) {
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.target() == "/small") return {ok("small")};
        const std::string size = request.target() == "/huge" ? "9000000000000000000" : "900000000000000";
        return {"HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\nETag: \"1\"\r\n\r\n" + sized(100'000), reply::then::hold};
    });
    co_await server.start();
    std::vector<std::string> urls{server.url("/huge"), server.url("/large"), server.url("/small")};
    auto report = co_await download(urls, {.directory = directory.string()});
    for (const int i : {0, 1}) {
        EXPECT_EQ(report.files[i].why, failure_class::disk);
        EXPECT_THAT(report.files[i].error, HasSubstr("keep room"));
        EXPECT_EQ(report.files[i].attempts, 1u);
    }
    EXPECT_TRUE(report.files[2].ok());
    EXPECT_THAT(names_in(directory.string()), Not(Contains(HasSubstr("part"))));
}
TEST(download_order, a_file_that_the_disk_has_no_room_for_fails_before_its_bytes_come) {
    temporary_directory directory;
    in_loop(too_large(directory));
}

task<> into_a_device(const temporary_directory& directory) {
    std::size_t count = 0;
    scripted_server server([&](const seen_request& request) -> reply {
        if (request.target() != "/broken") return {ok("content")};
        ++count;
        return {head_of(whole, "ETag: \"1\"\r\n") + sized(400'000), reply::then::close};
    });
    co_await server.start();
    auto wrong = std::make_shared<item_options>(), right = std::make_shared<item_options>();
    wrong->checksum = checksum_of("other content");
    right->checksum = checksum_of("content");
    const auto fetch = [&](const char* target, std::shared_ptr<item_options> with) {
        std::vector<download_item> items{{server.url(target), "/dev/null", std::move(with)}};
        return download(std::move(items), {.directory = directory.string(), .retry_delay = 1ms});
    };
    auto bad = co_await fetch("/a", wrong);
    EXPECT_EQ(bad.files[0].why, failure_class::checksum);
    auto good = co_await fetch("/a", right);
    EXPECT_TRUE(good.ok());
    EXPECT_TRUE(good.files[0].verified);
    // A pipe would get the beginning twice.
    auto broken = co_await fetch("/broken", nullptr);
    EXPECT_EQ(broken.files[0].why, failure_class::truncated);
    EXPECT_EQ(count, 1u);
}
TEST(download_order, what_goes_to_a_device_is_verified_and_goes_there_once) {
    temporary_directory directory;
    in_loop(into_a_device(directory));
}

}  // namespace
}  // namespace leat
