// docs/guide/processes.md
#include <leat/leat.hpp>
#include <string>

#include "run_page.hpp"

using namespace std::chrono_literals;

namespace processes {

leat::task<> log_revision() {
    auto [status, output, errors] = co_await leat::run_process({"git", "rev-parse", "HEAD"});
    if (status.success())
        leat::log::info("revision {}", output);
    else
        leat::log::error("git {}: {}", status.to_string(), errors);
}

leat::task<std::string> sorted(std::string lines) {
    auto completed = co_await leat::run_process({"sort", "-u"}, {.input = lines, .check = true, .timeout = 10s});
    co_return std::move(completed.output);
}

leat::task<> follow(leat::path file) {
    auto tail = co_await leat::spawn_process({"tail", "-F", file}, {.standard_output = leat::stdio::pipe});
    while (auto line = co_await tail.standard_output().read_line()) leat::log::info("{}", *line);
}

leat::task<> talk() {
    auto process = co_await leat::spawn_process({"bc", "-l"}, {.standard_input = leat::stdio::pipe, .standard_output = leat::stdio::pipe});
    co_await process.standard_input().write("2 ^ 100\n");
    auto answer = co_await process.standard_output().read_line();
    leat::log::info("{}", answer.value_or("no answer"));
    co_await process.standard_input().close();
    const auto status = co_await process.wait();
    leat::log::info("bc {}", status.to_string());
}

leat::task<> compress(leat::path from, leat::path to) {
    auto gzip = co_await leat::spawn_process({"gzip", "-9"}, {.standard_input = leat::stdio::from_file(from), .standard_output = leat::stdio::to_file(to)});
    co_await leat::timeout(60s, gzip.wait());
}

leat::task<> stop(leat::process& process) {
    process.terminate();
    const auto ended = co_await (leat::timeout(5s, process.wait()) | leat::as_result);
    if (!ended) process.kill();
}

leat::task<> upper_case() {
    auto input = leat::standard_input();
    auto output = leat::standard_output();
    while (auto line = co_await input.read_line()) {
        std::string loud{*line};
        for (char& c : loud) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        co_await output.write(loud);
    }
    co_await output.close();
}

leat::task<> page() {
    co_await log_revision();
    auto lines = co_await sorted("b\na\nb\n");
    guide::expect(lines == "a\nb\n", "sorted lines");
    co_await leat::write_file("log", lines);
    co_await guide::stopped_after_some_turns(follow("log"));
    co_await talk();
    co_await compress("log", "log.gz");
    auto packed = co_await leat::stat("log.gz");
    guide::expect(packed.size > 0, "a compressed file");
    auto sleeper = co_await leat::spawn_process({"sleep", "1000"});
    co_await stop(sleeper);
    co_await upper_case();
}

}  // namespace processes
