#include "leat/download/download.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

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
using testing::urls_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

download_item named(std::string url, std::string name) { return {std::move(url), std::move(name)}; }
template <class... Item>
std::vector<download_item> items_of(const Item&... items) {
    return {items...};
}

reply by_size(const seen_request& request) { return {ok(sized(std::stoul(request.target().substr(2))))}; }

task<> many(const temporary_directory& directory) {
    scripted_server server(by_size);
    co_await server.start();
    const std::vector<std::size_t> sizes{0, 1, 5, 1000, 65'536, 100'000, 131'072, 200'000, 300'000, 1'048'576, 3'000'000};
    std::vector<std::string> urls;
    for (std::size_t size : sizes) urls.push_back(server.url("/f" + std::to_string(size)));
    std::vector<std::string> ended;
    auto on_file = [&ended](const file_report& file) { ended.push_back(file.url); };
    const std::string into = directory / "new/deep";
    auto report = co_await download(urls, {.directory = into, .jobs = 4, .on_file = on_file});
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report.succeeded, sizes.size());
    EXPECT_EQ(ended.size(), sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        EXPECT_EQ(report.files[i].url, urls[i]);
        EXPECT_EQ(report.files[i].bytes, sizes[i]);
        EXPECT_EQ(report.files[i].attempts, 1u);
        EXPECT_TRUE(content_of(report.files[i].target.string()) == sized(sizes[i])) << sizes[i];
    }
    EXPECT_EQ(names_in(into).size(), sizes.size());
    EXPECT_LE(server.connections, 4u);
}
TEST(download, brings_files_of_every_size) {
    temporary_directory directory;
    in_loop(many(directory));
}

task<> names(const temporary_directory& directory) {
    scripted_server server([](const seen_request& r) -> reply { return {ok(r.target())}; });
    co_await server.start();
    std::ofstream(directory / "same") << "what was there before, and longer";
    std::vector<download_item> items{
        {server.url("/a/same"), {}},         {server.url("/b/same"), {}}, {server.url("/c"), "same"},
        {server.url("/d"), "below/here"},    {server.url("/"), {}},       {server.url("/x%2f..%2f..%2fetc"), {}},
        {server.url("/e"), directory / "absolute"},
    };
    auto report = co_await download(items, {.directory = directory.string()});
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(content_of(directory / "same"), "/a/same");
    EXPECT_EQ(content_of(directory / "same.1"), "/b/same");
    EXPECT_EQ(content_of(directory / "same.2"), "/c");
    EXPECT_EQ(content_of(directory / "below/here"), "/d");
    EXPECT_EQ(content_of(directory / "index.html"), "/");
    EXPECT_EQ(content_of(directory / "absolute"), "/e");
    EXPECT_EQ(names_in(directory.string()).size(), 7u);
}
TEST(download, two_urls_with_one_name_are_two_files) {
    temporary_directory directory;
    in_loop(names(directory));
}

task<> devices(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    std::filesystem::create_symlink("/dev/null", directory / "sink");
    std::filesystem::create_directory(directory / "folder");
    auto report = co_await download(items_of(named(server.url("/1"), "sink"), named(server.url("/2"), "folder")), {.directory = directory.string(), .retries = 0});
    EXPECT_TRUE(report.files[0].ok()) << report.files[0].error;
    EXPECT_TRUE(std::filesystem::is_symlink(directory / "sink"));
    EXPECT_THAT(report.files[1].error, HasSubstr("errno 21"));
    EXPECT_EQ(names_in(directory.string()).size(), 2u);
}
TEST(download, a_device_is_written_to_and_not_replaced) {
    temporary_directory directory;
    in_loop(devices(directory));
}

task<> truncation(const temporary_directory& directory) {
    scripted_server server([](const seen_request& r) -> reply {
        const std::size_t there = r.target() == "/small" ? 10 : r.target() == "/medium" ? 150'000 : 2'000'000;
        return {"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + std::string(there, 'x'), reply::then::close};
    });
    co_await server.start();
    auto report = co_await download(urls_of(server.url("/small"), server.url("/medium"), server.url("/large")),
                                    {.directory = directory.string(), .retries = 2, .retry_delay = 1ms});
    EXPECT_EQ(report.failed, 3u);
    for (const auto& file : report.files) {
        EXPECT_THAT(file.error, HasSubstr("of 5000000 bytes"));
        EXPECT_EQ(file.attempts, 3u);
    }
    EXPECT_THAT(names_in(directory.string()), IsEmpty());
    EXPECT_EQ(server.requests.size(), 9u);
}
TEST(download, a_truncated_body_leaves_no_file) {
    temporary_directory directory;
    in_loop(truncation(directory));
}

task<> retries(const temporary_directory& directory) {
    std::map<std::string, int> tries;
    scripted_server server([&tries](const seen_request& r) -> reply {
        const int attempt = ++tries[r.target()];
        if (attempt > 2) return {ok("at last")};
        if (r.target() == "/503") return {"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"};
        if (r.target() == "/cut") return {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", reply::then::close};
        if (r.target() == "/silent") return {"", reply::then::close};
        if (r.target() == "/404") return {"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"};
        if (r.target() == "/501") return {"HTTP/1.1 501 Never\r\nContent-Length: 0\r\n\r\n"};
        return {ok("x")};
    });
    co_await server.start();
    auto report = co_await download(urls_of(server.url("/503"), server.url("/cut"), server.url("/silent"), server.url("/404"), server.url("/501"), "nonsense"),
                                    {.directory = directory.string(), .retry_delay = 1ms});
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(report.files[i].ok()) << report.files[i].error;
        // What broke off on a reused connection without a byte was repeated by the client itself.
        EXPECT_GE(report.files[i].attempts, 2u);
    }
    for (auto target : {"/503", "/cut", "/silent"}) EXPECT_EQ(tries[target], 3) << target;
    EXPECT_EQ(report.files[3].error, "404 Gone");
    EXPECT_EQ(report.files[3].attempts, 1u);
    EXPECT_EQ(report.files[4].attempts, 1u);
    EXPECT_THAT(report.files[5].error, HasSubstr("URL"));
    EXPECT_THAT(names_in(directory.string()), ElementsAre("503", "cut", "silent"));
}
TEST(download, what_may_pass_is_tried_again) {
    temporary_directory directory;
    in_loop(retries(directory));
}

task<> limits(const temporary_directory& directory) {
    scripted_server server(by_size);
    server.gated = true;
    scripted_server other(by_size);
    co_await server.start();
    co_await other.start();
    std::vector<std::string> urls;
    for (int i = 0; i < 20; ++i) urls.push_back(server.url("/a" + std::to_string(i)));
    urls.push_back(other.url("/b7"));
    std::size_t first_done = 0;
    // The one host answers nothing until the other's file, the last of the list, is there.
    auto on_file = [&](const file_report& file) {
        if (first_done++ == 0) {
            EXPECT_EQ(file.url, urls.back());
        }
        server.gate.set();
    };
    auto report = co_await download(urls, {.directory = directory.string(), .jobs = 8, .per_host = 3, .on_file = on_file});
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(server.most_open, 3u);
}
TEST(download, no_host_gets_more_than_its_share) {
    temporary_directory directory;
    in_loop(limits(directory));
}

task<> progress(const temporary_directory& directory) {
    scripted_server server(by_size);
    co_await server.start();
    std::size_t calls = 0;
    std::size_t last = 0;
    download_progress end;
    auto on_progress = [&](const download_progress& now) {
        ++calls;
        EXPECT_EQ(last, 0u);
        EXPECT_LE(now.succeeded + now.failed + now.running.size(), now.files);
        if (now.last) {
            ++last;
            end = now;
        }
    };
    auto report = co_await download(urls_of(server.url("/a3000000"), server.url("/b10"), server.url("/c500000")),
                                    {.directory = directory.string(), .progress_interval = 1ms, .on_progress = on_progress});
    EXPECT_EQ(last, 1u);
    EXPECT_EQ(end.files, 3u);
    EXPECT_EQ(end.succeeded, 3u);
    EXPECT_EQ(end.received, 3'500'010u);
    EXPECT_EQ(report.bytes, 3'500'010u);
    EXPECT_TRUE(end.running.empty());
}
TEST(download, tells_how_far_it_is) {
    temporary_directory directory;
    in_loop(progress(directory));
}

task<> nothing_asked(const temporary_directory& directory) {
    auto report = co_await download(urls_of(), {.directory = directory / "made"});
    EXPECT_TRUE(report.ok());
    EXPECT_TRUE(std::filesystem::is_directory(directory / "made"));
    auto jobs = co_await failure_of<std::invalid_argument>(download(urls_of(), {.jobs = 0}));
    EXPECT_THAT(jobs, HasSubstr("jobs"));
    std::ofstream(directory / "file") << "x";
    const std::string below = directory / "file/below";
    auto error = co_await failure_of<leat::error>(download(urls_of("http://127.0.0.1:1/"), {.directory = below}));
    EXPECT_THAT(error, HasSubstr("file/below"));
}
TEST(download, a_directory_that_cannot_be_is_an_error) {
    temporary_directory directory;
    in_loop(nothing_asked(directory));
}

task<> unwritable(const temporary_directory& directory) {
    scripted_server server([](const seen_request&) -> reply { return {ok("x")}; });
    co_await server.start();
    std::ofstream(directory / "file") << "x";
    auto report = co_await download(items_of(named(server.url("/1"), "file/below"), named(server.url("/2"), "")), {.directory = directory.string()});
    EXPECT_THAT(report.files[0].error, HasSubstr("file/below"));
    EXPECT_EQ(report.files[0].attempts, 1u);
    EXPECT_TRUE(report.files[1].ok());
}
TEST(download, a_name_that_cannot_be_stops_no_other) {
    temporary_directory directory;
    in_loop(unwritable(directory));
}

task<> full(const std::string& directory) {
    scripted_server server(by_size);
    co_await server.start();
    auto report = co_await download(urls_of(server.url("/a10"), server.url("/b900000"), server.url("/c3000000"), server.url("/d20")),
                                    {.directory = directory, .jobs = 1});
    EXPECT_TRUE(report.files[0].ok()) << report.files[0].error;
    for (std::size_t i : {1u, 2u}) {
        EXPECT_THAT(report.files[i].error, HasSubstr("errno 28"));
        EXPECT_EQ(report.files[i].attempts, 1u);
    }
    EXPECT_TRUE(report.files[3].ok()) << report.files[3].error;
    auto names = names_in(directory);
    names.erase(".leat-journal");  // of a job that took so long that it was written
    EXPECT_THAT(names, ElementsAre("a10", "d20"));
}
TEST(download, a_full_disk_is_a_clear_error) {
    temporary_directory directory;
    if (::mount("leat-test", directory.string().c_str(), "tmpfs", 0, "size=128k") != 0) GTEST_SKIP() << "mounting a small tmpfs needs root";
    in_loop(full(directory.string()));
    ::umount2(directory.string().c_str(), MNT_DETACH);
}

/// Cancelled after so many milliseconds, or turns: no half file stays, and no temporary one.
task<> cancelled_after(scripted_server& server, const std::string& directory, int turns) {
    task_group group;
    group.spawn([](std::vector<std::string> urls, std::string into) -> task<> {
        co_await download(std::move(urls), {.directory = into, .jobs = 3});
    }(std::vector<std::string>{server.url("/large"), server.url("/held"), server.url("/small"), server.url("/medium"), server.url("/other")}, directory));
    co_await testing::settle(turns);
    if (turns > 30) co_await sleep(std::chrono::milliseconds{turns - 30});
    group.cancel();
    co_await group.join();
}
task<> cancellation(const temporary_directory& directory) {
    const std::string large = sized(2'000'000);
    scripted_server server([&large](const seen_request& r) -> reply {
        if (r.target() == "/held") return {"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + large, reply::then::hold};
        return {ok(r.target() == "/large" ? large : sized(r.target() == "/medium" ? 200'000 : 1000))};
    });
    co_await server.start();
    for (int turns = 0; turns < 45; ++turns) {
        const std::string into = directory / std::to_string(turns);
        co_await cancelled_after(server, into, turns);
        if (!std::filesystem::exists(into)) continue;
        for (const auto& name : names_in(into)) {
            EXPECT_THAT(name, ::testing::AnyOf("large", "small", "medium", "other")) << turns;
            const std::size_t size = std::filesystem::file_size(into + "/" + name);
            EXPECT_EQ(size, name == "large" ? 2'000'000u : name == "medium" ? 200'000u : 1000u) << turns << " " << name;
        }
    }
}
TEST(download, cancellation_leaves_whole_files_only) {
    temporary_directory directory;
    in_loop(cancellation(directory));
}

task<> time_for_all(const temporary_directory& directory) {
    scripted_server server([](const seen_request& r) -> reply {
        if (r.target() == "/503") return {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"};
        return {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", reply::then::hold};
    });
    co_await server.start();
    auto stalled = co_await download(urls_of(server.url("/1")), {.directory = directory.string(), .retries = 1, .retry_delay = 1ms, .stall_timeout = 20ms});
    EXPECT_THAT(stalled.files[0].error, HasSubstr("stalled"));
    EXPECT_EQ(stalled.files[0].attempts, 2u);
    auto slow = co_await download(urls_of(server.url("/2"), server.url("/503")), {.directory = directory.string(), .retries = 1000, .retry_delay = 5ms, .timeout = 60ms});
    EXPECT_THAT(slow.files[0].error, HasSubstr("not done within 60 ms"));
    EXPECT_EQ(slow.files[0].attempts, 1u);
    EXPECT_FALSE(slow.files[1].ok());
    EXPECT_THAT(names_in(directory.string()), IsEmpty());
}
TEST(download, a_file_has_its_time) {
    temporary_directory directory;
    in_loop(time_for_all(directory));
}

task<> callback_throws(const temporary_directory& directory) {
    scripted_server server(by_size);
    co_await server.start();
    auto on_file = [](const file_report&) { throw std::runtime_error("enough"); };
    auto error = co_await failure_of<std::runtime_error>(download(urls_of(server.url("/a1"), server.url("/b2")), {.directory = directory.string(), .on_file = on_file}));
    EXPECT_THAT(error, HasSubstr("enough"));
}
TEST(download, an_exception_of_the_callers_own_ends_the_job) {
    temporary_directory directory;
    in_loop(callback_throws(directory));
}

}  // namespace
}  // namespace leat
