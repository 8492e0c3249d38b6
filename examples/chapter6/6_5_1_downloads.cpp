// 6.5.1 Downloading many files at once, each into the current directory under the name in its URL.
//
//     example_6_5_1_downloads [URL...]               default: three files of www.example.com, which has none of them
//
// A failure of one cancels the others and ends the program; leat::download() is the call that tries again and goes on.
#include <fmt/core.h>

#include <leat/leat.hpp>
#include <string>
#include <vector>

leat::task<> download_file(leat::http::client& http, std::string url, leat::path to) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    auto file = co_await leat::open(to, "w");
    while (auto chunk = co_await response.body().read()) co_await file.write(*chunk);
    co_await file.close();
    fmt::print("File {} downloaded.\n", to.string());
}

leat::task<> download_all(std::vector<std::string> urls) {
    leat::http::client http;
    leat::task_group group;
    for (const std::string& url : urls) group.spawn(download_file(http, url, leat::file_name_of(url)));
    co_await group.join();
}

int main(int count, char** values) {
    std::vector<std::string> urls(values + 1, values + count);
    if (urls.empty())
        for (int i = 1; i <= 3; ++i) urls.push_back(fmt::format("https://www.example.com/file{}.jpg", i));
    return leat::run(download_all(urls));
}
