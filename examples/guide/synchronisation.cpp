// docs/guide/synchronisation.md
#include <leat/leat.hpp>
#include <string>
#include <vector>

#include "run_page.hpp"

namespace synchronisation {
namespace {

leat::mutex turn;
leat::task<> talk(leat::stream_writer& writer, leat::stream_reader& reader, std::string question) {
    auto lock = co_await turn.lock();          // question and answer stay together
    co_await writer.write(question, "\n");
    auto answer = co_await reader.read_line();
    leat::log::info("{}", answer.value_or(""));
}

leat::mutex m;
leat::condition changed{m};

leat::task<> consumer(const std::vector<int>& items) {
    auto lock = co_await m.lock();
    auto enough = [&] { return items.size() >= 10; };
    co_await changed.wait_for(lock, enough);   // gives the lock away while it waits
}

std::vector<std::string> find_urls() { return {"http://a/", "http://b/"}; }
leat::task<> fetch(std::string url) {
    leat::log::info("{}", url);
    co_return;
}

leat::task<> produce(leat::queue<std::string>& urls) {
    for (auto& url : find_urls()) co_await urls.put(url);   // waits while the queue is full
    urls.close();
}
leat::task<> consume(leat::queue<std::string>& urls) {
    while (auto url = co_await urls.get()) co_await fetch(*url);
}

leat::task<> send_slowly(std::string chunk) {
    leat::rate_limit calls{10, 20};                 // ten a second; after a pause, twenty at once
    leat::rate_limit bytes{1'000'000, 64 * 1024};   // a megabyte a second

    co_await calls.acquire();
    co_await bytes.acquire(chunk.size());           // more than the burst is allowed, and paid for by the next
}

void merge() {}

leat::task<> work_in_rounds(std::size_t workers) {
    leat::barrier round{workers};
    const auto place = co_await round.wait();       // when all have come
    if (place == 0) merge();                        // one of them
    co_await round.wait();
}

}  // namespace

leat::task<> page() {
    auto server = co_await leat::start_server(guide::echo, {"127.0.0.1", 0});
    auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", server.address().port()});
    co_await talk(writer, reader, "who?");
    leat::queue<std::string> urls{10};
    co_await leat::gather(produce(urls), consume(urls));
    const std::vector<int> items(10);
    co_await consumer(items);
    co_await send_slowly("x");
    co_await work_in_rounds(1);
    co_await writer.close();
    co_await server.close();
}

}  // namespace synchronisation
