// docs/guide/http.md
#include <leat/leat.hpp>
#include <string>
#include <vector>

#include "run_page.hpp"

using namespace std::chrono_literals;

namespace http {
namespace {

leat::task<> show_title() {
    leat::http::client http;
    auto response = co_await http.get("https://www.example.com/");
    response.raise_for_status();
    leat::log::info("{} {}", response.status(), response.headers().get("Content-Type").value_or("?"));
    const std::string text = co_await response.text();
    leat::log::info("{}", text.substr(0, 100));
}

leat::task<> save(leat::http::client& http, std::string url, leat::path to) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    auto file = co_await leat::open(to, "w");
    co_await leat::copy(response.body(), file);
    co_await file.close();
}

leat::task<> post(leat::http::client& http) {
    leat::http::headers headers{{"Accept", "application/json"}};
    auto response = co_await http.request("POST", "https://www.example.com/form",
                                          {.headers = &headers, .body = "{\"a\": 1}", .content_type = "application/json"});
    leat::log::info("{}: {}", response.url(), response.status());
}

leat::task<int> get_all(std::vector<std::string> urls) {
    auto draw = [](const leat::download_progress& now) {
        leat::log::info("{} of {} files, {} bytes", now.succeeded, now.files, now.received);
    };
    auto report = co_await leat::download(urls, {.directory = "out", .jobs = 32, .retries = 5, .on_progress = draw});
    for (const leat::file_report& file : report.files)
        if (!file.ok()) leat::log::error("{}: {}", file.url, file.error);
    const int status = report.ok() ? 0 : 1;
    co_return status;
}

}  // namespace

/// A server that says the same to everybody.
leat::task<> answer(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto head = co_await reader.read_until("\r\n\r\n")) co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
    co_await writer.close();
}

leat::task<> page() {
    auto server = co_await leat::start_server(answer, {"127.0.0.1", 0});
    const std::string url = fmt::format("http://{}/hello.txt", server.address());
    {
        leat::http::client http{{.total_timeout = 60s, .connections_per_origin = 8}};
        co_await save(http, url, "index.html");
    }
    auto saved = co_await leat::read_file("index.html");
    guide::expect(saved == "hello\n", "the saved body");
    std::vector<std::string> urls{url, url};
    auto status = co_await get_all(urls);
    guide::expect(status == 0, "all files");
    auto fetched = co_await leat::read_file("out/hello.txt");
    guide::expect(fetched == "hello\n", "the fetched file");
    co_await server.close();
}

// They need the world outside.
leat::task<> not_run_here(leat::http::client& http) {
    co_await show_title();
    co_await post(http);
}

}  // namespace http
