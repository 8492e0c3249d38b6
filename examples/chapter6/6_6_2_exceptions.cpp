// 6.6.2 Handling exceptions: what cannot be fetched is reported, and the rest goes on.
//
//     example_6_6_2_exceptions [URL...]              default: one page that exists, one host that does not
#include <fmt/core.h>

#include <leat/leat.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

leat::task<std::string> fetch(leat::http::client& http, std::string url) {
    try {
        auto response = co_await leat::timeout(5s, http.get(url));
        response.raise_for_status();
        co_return co_await response.text();
    } catch (const leat::http::error& e) {
        fmt::print("Error fetching {}: {}\n", url, e.what());
    } catch (const leat::timeout_error&) {
        fmt::print("Timeout fetching {}\n", url);
    }
    co_return "";
}

leat::task<> fetch_all(std::vector<std::string> urls) {
    leat::http::client http;
    std::vector<leat::task<std::string>> tasks;
    for (const std::string& url : urls) tasks.push_back(fetch(http, url));
    const auto results = co_await leat::gather(std::move(tasks));
    for (const std::string& text : results)
        if (!text.empty()) fmt::print("{}\n", leat::printable(text.substr(0, text.find('\n')), 100));  // how it begins
}

int main(int count, char** values) {
    std::vector<std::string> urls(values + 1, values + count);
    if (urls.empty()) urls = {"https://www.example.com", "https://www.nonexistenturl.com"};
    return leat::run(fetch_all(urls));
}
