// Downloads over HTTP/2 from a server that others have written, and from one whose connections are slow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "leat/download/download.hpp"
#include "leat/http/client.hpp"
#include "leat/net/server.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"
#include "support/web_program.hpp"
#include "tls_support.hpp"

namespace leat {
namespace {

using testing::content_of;
using testing::in_loop;
using testing::temporary_directory;
using testing::web_program;
using tls_test::certificates;
using namespace std::chrono_literals;

task<> over_http2(const temporary_directory& directory, std::string base, const std::string& large) {
    http::client_options how{.protocol = http::protocol::http2, .proxy_from_environment = false};
    std::vector<std::string> urls;
    for (int i = 0; i < 20; ++i) urls.push_back(base + "/" + std::to_string(i));
    const std::string authority = certificates::instance().authority;
    auto report = co_await download(urls, {.directory = directory.string(), .ca_file = authority, .http = &how});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    for (int i = 0; i < 20; ++i) EXPECT_EQ(content_of(directory / std::to_string(i)), "file " + std::to_string(i));
    // Ended when a part has come, and gone on with.
    downloader job({.directory = directory.string(), .ca_file = authority, .http = &how});
    job.set_max_rate(20'000'000);
    auto file = job.add({base + "/large", {}, {}});
    job.close();
    task_group group;
    group.spawn([](downloader& it) -> task<> { (void)co_await it.run(); }(job));
    while (file.progress().received < 1'000'000) co_await yield();
    group.cancel();
    co_await group.join();
    std::vector<std::string> again{base + "/large"};
    report = co_await download(again, {.directory = directory.string(), .ca_file = authority, .http = &how});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_GE(report.files[0].resumed, 900'000u);
    EXPECT_TRUE(content_of(directory / "large") == large);
}
TEST(download_servers, nginx_over_http2_gives_many_files_and_the_rest_of_one) {
    const temporary_directory site;
    for (int i = 0; i < 20; ++i) std::ofstream(site / std::to_string(i)) << "file " << i;
    const std::string large = tls_test::noise(8'000'000);
    std::ofstream(site / "large", std::ios::binary) << large;
    const certificates& all = certificates::instance();
    // A date that is older than the answer's: only then is it a strong validator, as nginx's ETag is anyway.
    const web_program server(web_program::nginx(site.string(), "ssl http2", "ssl_certificate " + all.good + "; ssl_certificate_key " + all.key + ";"));
    temporary_directory directory;
    in_loop(over_http2(directory, "https://localhost:" + std::to_string(server.port()), large));
}

/// Each connection brings a megabyte a second; or all together do.
class paced_server {
public:
    paced_server(std::string body, bool shared) : body_(std::move(body)), shared_(shared) {}
    task<> start() {
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        server_.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->address().port()) + "/file"; }
    std::size_t most = 0;

private:
    task<> serve(stream_reader reader, stream_writer writer) {
        most = std::max(most, ++open_);
        struct leaving {
            ~leaving() { --count; }
            std::size_t& count;
        } at_the_end{open_};
        auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
        if (!head || !*head) co_return;
        const std::string request{**head};
        std::size_t at = 0;
        std::size_t end = body_.size();
        std::string answer = "HTTP/1.1 200 OK\r\n";
        if (const auto range = request.find("Range: bytes="); range != std::string::npos) {
            at = std::stoul(request.substr(range + 13));
            const auto dash = request.find('-', range);
            if (request[dash + 1] != '\r') end = std::stoul(request.substr(dash + 1)) + 1;
            answer = "HTTP/1.1 206 Part\r\nContent-Range: bytes " + std::to_string(at) + "-" + std::to_string(end - 1) + "/" + std::to_string(body_.size()) + "\r\n";
        }
        answer += "ETag: \"1\"\r\nConnection: close\r\nContent-Length: " + std::to_string(end - at) + "\r\n\r\n";
        for (;;) {
            auto written = co_await (writer.write(answer) | as_result);
            if (!written || at >= end) co_return;
            co_await sleep(20ms);
            const std::size_t step = std::min(end - at, 20'000 / (shared_ ? open_ : 1));
            answer = body_.substr(at, step);
            at += step;
        }
    }
    std::string body_;
    bool shared_;
    std::size_t open_ = 0;
    std::optional<server> server_;
};

task<> by_itself(const temporary_directory& directory, bool shared) {
    const std::string body = tls_test::noise(shared ? 4'500'000 : 9'000'000);
    paced_server server(body, shared);
    co_await server.start();
    std::vector<std::string> urls{server.url()};
    auto report = co_await download(urls, {.directory = directory.string(), .segments = 0, .segment_size = {200'000}});
    EXPECT_TRUE(report.ok()) << report.files[0].error;
    EXPECT_TRUE(content_of(directory / "file") == body);
    if (shared) {
        EXPECT_LE(server.most, 2u);  // the one that was tried brought nothing
    } else {
        EXPECT_GE(server.most, 3u);
    }
}
TEST(download_servers, connections_are_added_as_long_as_each_brings_something) {
    temporary_directory directory;
    in_loop(by_itself(directory, false));
}
TEST(download_servers, no_third_connection_where_a_second_brought_nothing) {
    temporary_directory directory;
    in_loop(by_itself(directory, true));
}

}  // namespace
}  // namespace leat
