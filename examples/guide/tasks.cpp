// docs/guide/tasks.md
#include <csignal>
#include <leat/leat.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "run_page.hpp"

using namespace std::chrono_literals;

namespace tasks {
namespace {

leat::task<std::size_t> count_lines(leat::path name) {
    auto file = co_await leat::open(name);
    std::size_t count = 0;
    while (auto line = co_await file.read_line()) ++count;
    co_return count;
}

leat::task<> add_up() {
    auto [ours, theirs] = co_await leat::gather(count_lines("ours.txt"), count_lines("theirs.txt"));
    leat::log::info("{} lines", ours + theirs);
}

leat::task<> log_count(leat::path name) {
    const auto count = co_await count_lines(name);
    leat::log::info("{}: {} lines", name.string(), count);
}

leat::task<> count_all(std::vector<leat::path> names) {
    leat::task_group group;
    for (auto& name : names) group.spawn(log_count(name));
    co_await group.join();
}

leat::task<std::string> ask(leat::stream_reader& reader, leat::stream_writer& writer, std::string question) {
    co_await writer.write(question, "\n");
    auto answer = co_await leat::timeout(5s, reader.read_line());
    co_return std::string{answer.value_or("")};
}

leat::task<> read_until_told_to_stop(leat::stream_reader& reader, leat::event& stop) {
    for (;;) {
        auto first = co_await leat::race(reader.read_line(), stop.wait());
        if (first.index() == 1) co_return;
        auto line = std::get<0>(first);
        if (!line) co_return;
        leat::log::info("{}", *line);
    }
}

leat::task<> say_goodbye(leat::stream_writer& writer) {
    co_await writer.write("goodbye\n");
    co_await writer.close();
}

leat::task<> tell_the_time(leat::stream_writer writer) {
    try {
        for (;;) {
            co_await writer.write("tick\n");
            co_await leat::sleep(1s);
        }
    } catch (const leat::cancelled&) {
        // co_await is not possible in here
    }
    co_await leat::shield(say_goodbye(writer));
    throw leat::cancelled{};
}

std::uint64_t checksum(const std::string& data) {
    std::uint64_t sum = 0;
    for (unsigned char c : data) sum = sum * 31 + c;
    return sum;
}

leat::task<> check(leat::path name) {
    std::string data = co_await leat::read_file(name);
    const auto sum = co_await leat::to_thread(checksum, std::move(data));
    leat::log::info("{}: {:016x}", name.string(), sum);
}

leat::task<> reload_on_hangup(leat::path name) {
    leat::signal_set hangup{SIGHUP};
    for (;;) {
        co_await hangup.next();
        co_await check(name);
    }
}

void count_tick() {}
leat::task<> tick() {
    leat::interval every{1s};                                       // ticks that were missed are left out, unless told otherwise
    for (;;) {
        co_await every.next();
        count_tick();
    }
}

leat::task<> listen() { co_await leat::yield(); }
leat::task<> talk() { co_await leat::yield(); }

leat::task<> listen_and_talk() {
    auto body = [&](leat::task_group& group) -> leat::task<> {
        group.spawn(listen());
        co_await talk();               // ends if listen() fails; and listen() ends if this does
    };
    co_await leat::with_group(body);   // all errors arrive together
}

leat::task<> get(leat::http::client& http, std::string url) {
    auto response = co_await http.get(url);
    response.raise_for_status();
}
leat::task<std::size_t> size_of(std::string url) { co_return url.size(); }

leat::task<> fetch_a_few_at_a_time(leat::http::client& http, const std::vector<std::string>& urls) {
    auto fetch = [&](const std::string& url) { return get(http, url); };
    co_await leat::parallel_for_each(urls, 32, fetch);
    const auto sizes = co_await leat::parallel_map(urls, 32, size_of);      // the values, in the list's order
    leat::log::info("{} sizes", sizes.size());
}

void show(std::size_t size) { leat::log::info("{}", size); }

leat::task<> show_as_they_come(std::vector<leat::task<std::size_t>> tasks) {
    auto pages = leat::as_completed(std::move(tasks));
    while (auto page = co_await pages.next()) show(*page);          // pages.index() tells which
}

leat::task<> converse(leat::stream_reader& peer, leat::deadline& idle) {
    while (auto line = co_await peer.read_line()) idle.reschedule(leat::now() + 30s);
}

leat::task<> converse_until_idle(leat::stream_reader& peer) {
    leat::deadline idle{leat::now() + 30s};
    co_await leat::timeout_at(idle, converse(peer, idle));          // calls idle.reschedule(leat::now() + 30s) for each message
}

using record = std::string;
record parse(std::string_view line) { return record{line}; }
void print(const record& what) { leat::log::info("{}", what); }

leat::generator<record> records(leat::stream_reader& from) {
    while (auto line = co_await from.read_line()) co_yield parse(*line);
}
leat::task<> print_all(leat::stream_reader& from) {
    auto all = records(from);
    while (auto next = co_await all.next()) print(*next);
}

std::string next_id() { return "r-17"; }
leat::task<> work(leat::stream_reader& reader, leat::stream_writer& writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
}

leat::task_local<std::string> request_id;                       // at namespace scope

leat::task<> handle(leat::stream_reader reader, leat::stream_writer writer) {
    auto bound = request_id.set(next_id());                     // until `bound` goes
    co_await work(reader, writer);                              // everything in there, and what it spawns, sees it
}
void note(std::string_view text) { leat::log::info("{} {}", request_id.get_or("-"), text); }

}  // namespace

leat::task<> page() {
    co_await leat::write_file("ours.txt", "1\n2\n");
    co_await leat::write_file("theirs.txt", "1\n");
    auto server = co_await leat::start_server(guide::echo, {"127.0.0.1", 0});
    const leat::endpoint there{"127.0.0.1", server.address().port()};
    auto [reader, writer] = co_await leat::open_connection(there);
    co_await add_up();
    std::vector<leat::path> names{"ours.txt", "theirs.txt"};
    co_await count_all(names);
    auto answer = co_await ask(reader, writer, "who?");
    guide::expect(answer == "who?\n", "an answer");
    leat::event stop;
    stop.set();
    co_await read_until_told_to_stop(reader, stop);
    co_await check("ours.txt");
    co_await listen_and_talk();
    leat::http::client http;
    const std::vector<std::string> none;
    co_await fetch_a_few_at_a_time(http, none);
    std::vector<leat::task<std::size_t>> counts;
    counts.push_back(count_lines("ours.txt"));
    counts.push_back(count_lines("theirs.txt"));
    co_await show_as_they_come(std::move(counts));
    auto [here, other] = leat::unix_socket_pair();
    co_await other.writer.write("one\ntwo\n");
    co_await other.writer.write_eof();
    co_await print_all(here.reader);
    co_await converse_until_idle(here.reader);
    co_await handle(std::move(here.reader), std::move(here.writer));
    note("done");
    co_await guide::stopped_after_some_turns(tick());
    co_await guide::stopped_after_some_turns(reload_on_hangup("ours.txt"));
    co_await guide::stopped_after_some_turns(tell_the_time(std::move(writer)));
    co_await server.close();
}

}  // namespace tasks
