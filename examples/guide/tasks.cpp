// docs/guide/tasks.md
#include <leat/leat.hpp>
#include <string>
#include <vector>

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

}  // namespace

int main_of_page() {
    leat::event stop;
    auto all = [](leat::event& e) -> leat::task<> {
        auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", 8888});
        co_await add_up();
        co_await count_all({});
        co_await ask(reader, writer, "who?");
        co_await read_until_told_to_stop(reader, e);
        co_await check("ours.txt");
        co_await tell_the_time(std::move(writer));
    };
    return leat::run(all(stop));
}

}  // namespace tasks
