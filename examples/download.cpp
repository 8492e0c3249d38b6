// A downloader in a program of your own: fetches the URLs on its command line into "out", four at a time, and says how far it is. Interrupted and
// started again, it goes on where it stood.
//
//     build/release/examples/example_download https://example.org/a.iso https://example.org/b.iso
#include <fmt/core.h>

#include <leat/leat.hpp>

leat::task<int> fetch(std::vector<std::string> urls) {
    auto draw = [](const leat::download_progress& now) {
        fmt::print("{} of {} files, {} MB/s\n", now.succeeded, now.files, static_cast<int>(now.bytes_per_second / 1e6));
    };
    leat::downloader job({.directory = "out", .jobs = 4, .progress_interval = std::chrono::seconds{1}, .on_progress = draw});
    for (std::string& url : urls) job.add({std::move(url), {}, {}});
    job.close();
    auto report = co_await job.run();
    for (const leat::file_report& file : report.files)
        if (!file.ok()) fmt::print(stderr, "{}: {}\n", file.url, file.error);
    co_return report.ok() ? 0 : 1;
}

int main(int count, char** arguments) { return leat::run(fetch({arguments + 1, arguments + count})); }
