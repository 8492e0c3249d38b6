// docs/guide/downloads.md
#include <leat/leat.hpp>

#include "run_page.hpp"

namespace downloads {
namespace {

using namespace std::chrono_literals;

leat::task<> whole_list(std::vector<std::string> urls) {
    auto report = co_await leat::download(urls, {.directory = "out", .jobs = 32});
    for (const leat::file_report& file : report.files)
        if (!file.ok()) leat::log::error("{}: {} ({})", file.url, file.error, leat::name_of(file.why));
}

leat::task<> one_by_one(std::string url, std::string other) {
    leat::downloader job({.directory = "out", .jobs = 4});
    leat::task_group group;
    group.spawn(job.run());

    auto first = job.add({url, "first", {}});
    auto second = job.add({other, "second", {}});
    first.set_max_rate(1'000'000);
    second.pause();
    auto report = co_await first.wait();
    leat::log::info("{}: {} bytes", report.target.string(), report.bytes);
    second.resume();

    job.close();
    co_await group.join();
}

leat::task<> demanding(std::string url, std::string mirror, std::string sum) {
    auto own = std::make_shared<leat::item_options>();
    own->mirrors = {mirror};
    own->checksum = "sha256:" + sum;
    own->segments = 4;
    std::vector<leat::download_item> items;
    items.push_back({url, "image.iso", own});
    auto report = co_await leat::download(items, {.directory = "out"});
    guide::expect(report.files[0].verified, "the checksum");
}

leat::task<> told(std::vector<std::string> urls) {
    auto say = [](const leat::download_event& event) {
        if (event.what == leat::download_event::kind::retry) leat::log::warn("{}: {}; again in {} ms", event.url, event.detail, event.pause / 1ms);
        if (event.what == leat::download_event::kind::restart) leat::log::warn("{} begins anew: {}", event.url, event.detail);
    };
    auto report = co_await leat::download(urls, {.directory = "out", .existing = leat::existing_file::if_newer, .max_rate = 5'000'000, .on_event = say});
    guide::expect(report.ok(), "all are there");
}

}  // namespace

leat::task<> answer(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto head = co_await reader.read_until("\r\n\r\n")) co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
    co_await writer.close();
}

leat::task<> page() {
    auto server = co_await leat::start_server(answer, {"127.0.0.1", 0});
    const std::string url = fmt::format("http://{}/hello.txt", server.address());
    std::vector<std::string> urls{url};
    co_await whole_list(urls);
    co_await one_by_one(url, url);
    co_await demanding(url, url, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    co_await told(urls);
    auto saved = co_await leat::read_file("out/second");
    guide::expect(saved == "hello\n", "the second file");
    co_await server.close();
}

}  // namespace downloads
