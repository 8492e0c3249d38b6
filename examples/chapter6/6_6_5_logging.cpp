// 6.6.5 Logging instead of printing: levels, the console and a file, and a loop that never waits for either.
//
//     example_6_6_5_logging [URL...]                 default: https://www.example.com https://www.python.org
//
// LEAT_LOG=debug shows more, LEAT_LOG_FILE=service.log writes a file as well.
#include <leat/leat.hpp>
#include <string>
#include <vector>

leat::task<> fetch(leat::http::client& http, std::string url) {
    try {
        auto response = co_await http.get(url);
        response.raise_for_status();
        const std::string text = co_await response.text();
        leat::log::info("Downloaded {} with {} characters", url, text.size());
    } catch (const leat::http::error& e) {
        leat::log::error("Error fetching {}: {}", url, e.what());
    }
}

leat::task<> fetch_all(std::vector<std::string> urls) {
    leat::http::client http;
    leat::task_group group;
    for (const std::string& url : urls) group.spawn(fetch(http, url));
    co_await group.join();
}

int main(int count, char** values) {
    leat::log::setup();  // to standard error, from level info upwards, unless the environment says otherwise
    std::vector<std::string> urls(values + 1, values + count);
    if (urls.empty()) urls = {"https://www.example.com", "https://www.python.org"};
    return leat::run(fetch_all(urls));
}
