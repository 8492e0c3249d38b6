// docs/guide/http.md
#include <leat/leat.hpp>
#include <string>
#include <vector>

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

int main_of_page() {
    auto all = []() -> leat::task<> {
        co_await show_title();
        leat::http::client http{{.total_timeout = 60s, .connections_per_origin = 8}};
        co_await save(http, "http://127.0.0.1/", "index.html");
        co_await post(http);
    };
    return leat::run(all()) + leat::run(get_all({}));
}

}  // namespace http
