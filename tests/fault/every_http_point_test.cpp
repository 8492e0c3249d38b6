#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "fault/every_point.hpp"
#include "fault/points.hpp"
#include "leat/leat.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"
#include "support/web_program.hpp"
#include "unit/tls_support.hpp"

// The HTTP client and downloads. See every_point.hpp.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
namespace std_fs = std::filesystem;

constexpr std::size_t body_size = 40'000;
constexpr std::size_t small = 500;  // which a proxy passes on in one piece

std::string bytes_of(char first, std::size_t size = body_size) {
    std::string made(size, '\0');
    for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>(first + (i * 7 + i / 1000) % 26);
    return made;
}

/// Programs that serve, which are not what is to fail: nghttpd over TLS with two files, and tinyproxy.
struct outside {
    static const outside& instance() {
        static const outside one;
        return one;
    }
    std::string url(const char* name) const { return "https://localhost:" + std::to_string(server.port()) + "/" + name; }
    std::string proxy_url() const { return "http://127.0.0.1:" + std::to_string(proxy.port()); }

    temporary_directory folder;
    const bool filled = fill(folder);
    web_program server{{"nghttpd", "-a", "127.0.0.1", "-d", folder.string(), "{port}", tls_test::certificates::instance().key, tls_test::certificates::instance().good}};
    web_program proxy{{"sh", "-c", "sed s/{port}/$1/ " + folder.string() + "/proxy.in > " + folder.string() + "/proxy.conf && exec tinyproxy -d -c " + folder.string() + "/proxy.conf", "sh", "{port}"}};

private:
    static bool fill(const temporary_directory& in) {
        put(in / "a", bytes_of('a'));
        put(in / "b", bytes_of('A'));
        put(in / "c", bytes_of('c', small));
        put(in / "proxy.in", "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nAllow 127.0.0.1\nLogFile \"" + (in / "log") + "\"\n");
        return true;
    }
};

task<> get_one(http::client& http, std::string url, char first, std::size_t size = body_size) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    auto text = co_await response.text();
    demand(text == bytes_of(first, size), "the body is wrong");
}

/// Two bodies of one connection, side by side; what happens to one does not end the other by itself.
task<> two_side_by_side(reports& said) {
    const outside& all = outside::instance();
    const std::string a = all.url("a"), b = all.url("b");
    http::client_options options{.connect_timeout = 500ms, .read_timeout = 400ms, .proxy_from_environment = false};
    options.ca_file = tls_test::certificates::instance().authority;
    http::client http(options);
    co_await gather(part(get_one(http, a, 'a'), said), part(get_one(http, b, 'A'), said));
    co_await undisturbed_part(get_one(http, a, 'a'), said, "the next request fails as well");
    if (!fault::has_fired()) demand(http.open_connections() == 1, "they do not share a connection");
}

/// A request that the proxy gets, and one through a tunnel, inside of which is HTTP/2.
task<> behind_a_proxy(reports& said) {
    const outside& all = outside::instance();
    const std::string inside = all.url("c"), proxy = all.proxy_url();
    scripted_server server([](const seen_request&) { return reply{ok(bytes_of('x', small))}; });
    co_await server.start();
    const std::string plain = server.url("/plain");
    http::client_options options{.connect_timeout = 500ms, .read_timeout = 400ms, .proxy = proxy};
    options.ca_file = tls_test::certificates::instance().authority;
    http::client http(options);
    co_await part(get_one(http, plain, 'x', small), said);
    co_await part(get_one(http, inside, 'c', small), said);
    co_await undisturbed_part(get_one(http, inside, 'c', small), said, "the next request fails as well");
}

// ---- a job with a journal

/// The first answer breaks off in the middle; whoever asks for the rest gets it, unless the server is `busy`.
reply served_in_two(const seen_request& request, bool busy) {
    const std::string body = bytes_of(request.target() == "/a" ? 'a' : 'A', 300'000);
    const std::string tag = "ETag: \"one\"\r\nAccept-Ranges: bytes\r\n";
    const std::string range = request.field("Range");
    if (range.empty()) {
        if (request.method() == "HEAD") return {ok("")};
        return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + tag + "\r\n" + body.substr(0, 200'000), reply::then::close};
    }
    if (busy) return {"HTTP/1.1 500 Busy\r\nContent-Length: 0\r\n\r\n"};
    const std::size_t first = std::stoul(range.substr(6));
    return {"HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(body.size() - first) + "\r\nContent-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) + "\r\n" + tag + "\r\n" + body.substr(first)};
}

void look_at(const std::string& directory, const file_report& file, const char* name, char first) {
    fault::paused ours;
    const std::string target = directory + "/" + name;
    if (file.ok())
        demand(std_fs::exists(target) && content_of(target) == bytes_of(first, 300'000), "a file that is there is wrong");
    else
        demand(!std_fs::exists(target) || content_of(target) == bytes_of(first, 300'000), "a file that failed has its name, and is not whole");
}

/// Throws what failed. `ends`: the files have to come.
task<> run_job(const scripted_server& server, const std::string& directory, bool ends) {
    std::vector<std::string> urls{server.url("/a"), server.url("/b")};
    http::client_options how{.proxy_from_environment = false};
    auto report = co_await download(std::move(urls), {.directory = directory, .retries = 0, .retry_delay = 1ms, .stall_timeout = 100ms, .http = &how, .existing = existing_file::skip, .segments = 1});
    demand(report.files.size() == 2, "a file is missing in the report");
    look_at(directory, report.files[0], "a", 'a');
    look_at(directory, report.files[1], "b", 'A');
    if (!ends) {
        demand(!report.ok(), "half a file is no whole one");
        co_return;
    }
    for (const auto& each : report.files)
        if (!each.ok()) throw std::runtime_error(each.error);
}

task<> job_with_a_journal(reports& said, const std::string& directory) {
    {
        fault::paused ours;
        std_fs::remove_all(directory);
        std_fs::create_directory(directory);
    }
    bool busy = true;
    scripted_server server([&busy](const seen_request& request) { return served_in_two(request, busy); });
    co_await server.start();
    co_await part(run_job(server, directory, false), said);
    busy = false;
    co_await part(run_job(server, directory, true), said);
    for (int i = 0; i < 4; ++i) {  // what was spoilt begins anew, and then the server breaks off once more
        const std::size_t before = said.size();
        co_await part(run_job(server, directory, true), said);
        if (said.size() == before) co_return;
        if (!fault::has_fired()) co_return;  // which counts as a failure
    }
    throw wrong("a job does not get through any more: " + said.back());
}

void with_programs(void (*fails_once)(const scenario&, const expectations&), const scenario& what) {
    (void)outside::instance();
    fails_once(what, {});
}

TEST(EveryHttpPoint, TwoBodiesOfHttp2SurviveEveryCall) { with_programs(every_call_fails_once, two_side_by_side); }
TEST(EveryHttpPoint, TwoBodiesOfHttp2SurviveEveryAllocation) { with_programs(every_allocation_fails_once, two_side_by_side); }
TEST(EveryHttpPoint, RequestsBehindAProxySurviveEveryCall) { with_programs(every_call_fails_once, behind_a_proxy); }
TEST(EveryHttpPoint, RequestsBehindAProxySurviveEveryAllocation) { with_programs(every_allocation_fails_once, behind_a_proxy); }
TEST(EveryHttpPoint, AJobWithAJournalSurvivesEveryCall) {
    temporary_directory directory;
    every_call_fails_once([path = directory / "job"](reports& said) { return job_with_a_journal(said, path); });
}
TEST(EveryHttpPoint, AJobWithAJournalSurvivesEveryAllocation) {
    temporary_directory directory;
    every_allocation_fails_once([path = directory / "job"](reports& said) { return job_with_a_journal(said, path); });
}

}  // namespace
}  // namespace leat::testing
