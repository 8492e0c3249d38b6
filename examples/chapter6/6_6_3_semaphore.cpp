// 6.6.3 Limiting how many operations run at once: ten requests, three at a time.
//
//     example_6_6_3_semaphore [URL]                  default: https://www.example.com
#include <fmt/core.h>

#include <leat/leat.hpp>
#include <string>
#include <vector>

leat::task<std::string> fetch(leat::http::client& http, std::string url, leat::semaphore& slots) {
    auto slot = co_await slots.acquire();  // given back by its destructor
    auto response = co_await http.get(url);
    co_return co_await response.text();
}

leat::task<> fetch_ten_times(std::string url) {
    leat::http::client http;
    leat::semaphore slots{3};
    std::vector<leat::task<std::string>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(fetch(http, url, slots));
    const auto results = co_await leat::gather(std::move(tasks));
    fmt::print("Received {} responses.\n", results.size());
}

int main(int count, char** values) {
    return leat::run(fetch_ten_times(count > 1 ? values[1] : "https://www.example.com"));
}
