#include "leat/debug/metrics.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <regex>
#include <string>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/connected.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// The value of a metric of this thread's loop; -1 if there is none.
double value_of(const std::string& text, const std::string& name, const std::string& labels = "") {
    const std::string line = "\n" + name + "{loop=\"" + std::to_string(running_loop().number()) + "\"" + labels + "} ";
    const auto at = text.find(line);
    return at == text.npos ? -1 : std::strtod(text.c_str() + at + line.size(), nullptr);
}

TEST(Metrics, CountWhatALoopDoes) {
    in_loop([]() -> task<> {
        const auto before = debug::metrics();
        auto pair = co_await connect_pair();
        co_await pair.writer.write("12345");
        co_await pair.writer.drain();
        pair.peer.send("1234567\n");
        co_await pair.reader.read_line();
        task_group group;
        event until;
        auto wait = [&]() -> task<> { co_await until.wait(); };
        for (int i = 0; i < 10; ++i) group.spawn(wait);
        co_await settle();
        const auto during = debug::metrics();
        const auto grown = [&](const char* name, const std::string& labels = "") {
            return value_of(during, name, labels) - value_of(before, name, labels);
        };
        EXPECT_EQ(grown("leat_tasks_started_total"), 10);
        EXPECT_EQ(grown("leat_tasks"), 10);
        EXPECT_EQ(grown("leat_sent_bytes_total"), 5);
        EXPECT_EQ(grown("leat_received_bytes_total"), 8);
        EXPECT_GT(grown("leat_operations_total", ",waits_for=\"readable\""), 0);
        EXPECT_GT(grown("leat_turns_total"), 3);
        EXPECT_GE(grown("leat_resumes_total"), 10);
        until.set();
        co_await group.join();
        EXPECT_EQ(value_of(debug::metrics(), "leat_tasks"), value_of(before, "leat_tasks"));
    }());
}

TEST(Metrics, AreWellFormedPrometheusText) {
    in_loop([]() -> task<> {
        co_await settle(100);
        const auto text = debug::metrics();
        const std::regex comment{"# (HELP|TYPE) leat_[a-z_]+ .+"};
        const std::regex sample{"leat_[a-z_]+\\{loop=\"[0-9]+\"(,[a-z_]+=\"[^\"]+\")?\\} [0-9.e+-]+"};
        std::size_t lines = 0;
        for (std::size_t at = 0; at < text.size(); ++lines) {
            const auto end = text.find('\n', at);
            const auto line = text.substr(at, end - at);
            EXPECT_TRUE(std::regex_match(line, line.starts_with('#') ? comment : sample)) << line;
            at = end + 1;
        }
        EXPECT_GT(lines, 20U);
        EXPECT_GT(value_of(text, "leat_turn_seconds_count"), 0);
        EXPECT_EQ(value_of(text, "leat_turn_seconds_bucket", ",le=\"+Inf\""), value_of(text, "leat_turn_seconds_count"));
    }());
}

TEST(Metrics, ListEveryLoopAndMayBeAskedForByAnyThread) {
    guard limit;
    std::string text;
    auto main = [&](std::size_t index) -> task<> {
        if (index != 0) co_return;
        auto ask = [&] { text = debug::metrics(); };
        co_await to_thread(ask);
    };
    leat::run(main, {.threads = 3});
    for (const char* line : {"leat_turns_total{loop=\"0\"}", "leat_turns_total{loop=\"1\"}", "leat_turns_total{loop=\"2\"}"})
        EXPECT_NE(text.find(line), text.npos) << text;
    EXPECT_EQ(debug::metrics().find("loop=\""), std::string::npos);
}

task<> hogs_the_loop() {
    co_await yield();
    const auto until = now() + 30ms;
    while (now() < until) {
    }
    co_await yield();
}

TEST(SlowCallback, IsLoggedWithItsLines) {
    temporary_directory directory;
    const std::string file = directory / "log";
    log::setup({.console = false, .file = file});
    in_loop(hogs_the_loop(), {.slow_callback = 10ms});
    log::flush(10s);
    const auto text = content_of(file);
    log::setup();
    EXPECT_TRUE(std::regex_search(text, std::regex{"warning the loop was held for [0-9]+ ms: .*hogs_the_loop ran from "
                                                   "metrics_test\\.cpp:[0-9]+ to metrics_test\\.cpp:[0-9]+ without giving way"}))
        << text;
}

TEST(SlowCallback, IsNotLoggedWhenSwitchedOff) {
    temporary_directory directory;
    const std::string file = directory / "log";
    log::setup({.console = false, .file = file});
    in_loop(hogs_the_loop(), {.slow_callback = duration::zero()});
    log::flush(10s);
    const auto text = content_of(file);
    log::setup();
    EXPECT_EQ(text.find("was held"), text.npos) << text;
}

TEST(TasksOnSigusr1, PrintsTheTreeOfEveryLoop) {
    const auto outcome = in_child(
        [](int ready) {
            log::set_level(log::level::off);
            std::atomic<int> waiting = 0;
            auto main = [&]() -> task<> {
                if (++waiting == 2) say_ready(ready);
                co_await sleep(1h);
            };
            return leat::run(main, {.threads = 2, .tasks_on_sigusr1 = true});
        },
        [](pid_t child) {
            ::kill(child, SIGUSR1);
            ::kill(child, SIGTERM);
        });
    EXPECT_EQ(outcome.exit_status, 143);
    for (const char* part : {"leat: tasks of loop 0 (", "leat: tasks of loop 1 (", "waits for sleep"})
        EXPECT_NE(outcome.errors.find(part), std::string::npos) << part << " in:\n" << outcome.errors;
}

}  // namespace
}  // namespace leat::testing
