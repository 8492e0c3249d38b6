#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>  // check-idioms: allow thread, callers in several threads are the subject
#include <vector>

#include "leat/log/log.hpp"

namespace leat::log_test {

using namespace std::chrono_literals;

struct counted {
    static inline int formatted = 0;
};

struct unformattable {};

}  // namespace leat::log_test

using leat::log_test::counted;
using leat::log_test::unformattable;

template <>
struct fmt::formatter<counted> : fmt::formatter<int> {
    auto format(counted, fmt::format_context& context) const {
        return fmt::formatter<int>::format(++counted::formatted, context);
    }
};

template <>
struct fmt::formatter<unformattable> : fmt::formatter<int> {
    auto format(unformattable, fmt::format_context& context) const -> decltype(context.out()) {
        throw std::runtime_error("no text for this");
    }
};

namespace leat::log_test {
namespace {

/// A folder of its own for each test, and the defaults again afterwards.
class Log : public testing::Test {
protected:
    void SetUp() override {
        unsetenv("LEAT_LOG");
        unsetenv("LEAT_LOG_FILE");
        std::string name = testing::TempDir() + "leat-log-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder = name;
        file = (folder / "test.log").string();
    }
    void TearDown() override {
        log::setup();
        std::filesystem::remove_all(folder);
    }

    static std::string content(const std::filesystem::path& of) {
        std::ostringstream text;
        text << std::ifstream{of}.rdbuf();
        return text.str();
    }

    /// What has been logged, once it has been written.
    std::string logged() const {
        EXPECT_TRUE(log::flush(10s));
        return content(file);
    }

    static std::vector<std::string> lines(const std::string& text) {
        std::vector<std::string> all;
        std::istringstream in{text};
        for (std::string line; std::getline(in, line);) all.push_back(line);
        return all;
    }

    /// The sum of the "N messages dropped" in a log.
    static std::uint64_t reported_dropped(const std::string& text) {
        std::uint64_t sum = 0;
        for (const auto& line : lines(text)) {
            const auto end = line.find(" messages dropped: ");
            if (end != line.npos) sum += std::stoull(line.substr(line.rfind(' ', end - 1) + 1));
        }
        return sum;
    }

    /// What a sink writes until each of so many messages has come out or been reported as dropped. The report alone is
    /// no end: what found room again is written after it.
    static std::string read_accounted(int descriptor, std::uint64_t messages) {
        std::string text;
        char piece[4096];
        const auto accounted = [&] {
            const auto written = std::ranges::count_if(lines(text), [](auto& line) { return line.ends_with(" end"); });
            return static_cast<std::uint64_t>(written) + reported_dropped(text);
        };
        while (accounted() < messages) {
            const auto count = read(descriptor, piece, sizeof piece);
            if (count <= 0) break;
            text.append(piece, static_cast<std::size_t>(count));
        }
        return text;
    }

    std::filesystem::path folder;
    std::string file;
};

using LogDeathTest = Log;

TEST_F(Log, NamesItsLevels) {
    EXPECT_EQ(log::parse_level("trace"), log::level::trace);
    EXPECT_EQ(log::parse_level("WARN"), log::level::warn);
    EXPECT_EQ(log::parse_level("Warning"), log::level::warn);
    EXPECT_EQ(log::parse_level("off"), log::level::off);
    EXPECT_EQ(log::parse_level("loud"), std::nullopt);
    EXPECT_EQ(log::parse_level(""), std::nullopt);
    EXPECT_EQ(log::to_string(log::level::critical), "critical");
}

TEST_F(Log, WritesDateLevelAndMessageToTheFile) {
    log::setup({.console = false, .file = file});
    log::warn("{} of {}", 3, "four");
    const auto text = logged();
    EXPECT_TRUE(text.ends_with(" warning 3 of four\n")) << text;
    EXPECT_EQ(text.substr(4, 1), "-") << text;
}

TEST_F(Log, LetsThroughOnlyWhatReachesTheThreshold) {
    log::setup({.level = log::level::warn, .console = false, .file = file});
    log::info("too low");
    log::error("high enough");
    log::set_level(log::level::off);
    EXPECT_FALSE(log::enabled(log::level::critical));
    EXPECT_FALSE(log::enabled(log::level::off));
    log::critical("nothing gets through");
    log::set_level(log::level::trace);
    log::trace("everything does");
    log::message(log::level::off, "but not this");
    const auto text = logged();
    EXPECT_EQ(lines(text).size(), 2u) << text;
    EXPECT_NE(text.find("high enough"), text.npos);
    EXPECT_NE(text.find("everything does"), text.npos);
}

TEST_F(Log, DoesNotFormatWhatIsDisabled) {
    log::setup({.level = log::level::info, .console = false, .file = file});
    counted::formatted = 0;
    log::debug("{}", counted{});
    EXPECT_EQ(counted::formatted, 0);
    log::info("{}", counted{});
    EXPECT_EQ(counted::formatted, 1);
}

TEST_F(Log, ReportsAFormatterThatThrowsInTheMessagesPlace) {
    log::setup({.console = false, .file = file});
    log::info("value: {}", unformattable{});
    EXPECT_NE(logged().find("a message could not be formatted: no text for this (\"value: {}\")"), std::string::npos);
}

TEST_F(Log, TakesLevelAndFileFromTheEnvironmentWhereTheProgramDoesNotSay) {
    setenv("LEAT_LOG", "error", 1);
    setenv("LEAT_LOG_FILE", file.c_str(), 1);
    log::setup({.console = false});
    EXPECT_EQ(log::current_level(), log::level::error);
    log::warn("too low");
    log::error("from the environment");
    EXPECT_EQ(lines(logged()).size(), 1u);

    const auto other = (folder / "other.log").string();
    log::setup({.level = log::level::info, .console = false, .file = other});
    log::info("from the program");
    EXPECT_TRUE(log::flush(10s));
    EXPECT_EQ(lines(content(other)).size(), 1u);
    EXPECT_EQ(lines(content(file)).size(), 1u);
}

TEST_F(Log, EscapesWhatATerminalWouldActUpon) {
    log::setup({.console = false, .file = file});
    log::info("{}", "a\tb");
    log::info("{}", "forged\n2026-01-01 error line\r");
    log::info("{}", "\x1b]0;title\x07 \x7f");
    log::info("{}", "c1 \xc2\x9b" "31m, raw \x9b" "31m, cut \xe2\x82");
    log::info("{}", "grüße € 😀");
    log::info("{}", "gpj\xe2\x80\xae" "exe");
    log::info("{}", std::string_view("nul\0end", 7));
    const auto all = lines(logged());
    ASSERT_EQ(all.size(), 7u);
    EXPECT_TRUE(all[0].ends_with("a\tb")) << all[0];
    EXPECT_TRUE(all[1].ends_with(R"(forged\n2026-01-01 error line\r)")) << all[1];
    EXPECT_TRUE(all[2].ends_with(R"(\x1b]0;title\x07 \x7f)")) << all[2];
    EXPECT_TRUE(all[3].ends_with(R"(c1 \u009b31m, raw \x9b31m, cut \xe2\x82)")) << all[3];
    EXPECT_TRUE(all[4].ends_with("grüße € 😀")) << all[4];
    EXPECT_TRUE(all[5].ends_with(R"(gpj\u202eexe)")) << all[5];
    EXPECT_TRUE(all[6].ends_with(R"(nul\x00end)")) << all[6];
}

TEST_F(Log, CutsAVeryLongMessageBetweenCharacters) {
    log::setup({.console = false, .file = file});
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += "€";
    log::info("x{}", text);
    const auto line = logged();
    EXPECT_TRUE(line.ends_with("€… (13617 bytes more)\n")) << line.substr(line.size() - 60);
    EXPECT_EQ(line.find("\\x"), line.npos);
}

TEST_F(Log, RenamesAFileThatHasGrownToItsLimit) {
    log::setup({.console = false, .file = file, .file_limit = leat::bytes{1000}, .files_kept = 2});
    for (int i = 0; i < 100; ++i) log::info("message number {}", i);
    const auto newest = logged();
    EXPECT_NE(newest.find("message number 99\n"), newest.npos);
    EXPECT_LE(newest.size(), 1000u);
    EXPECT_TRUE(std::filesystem::exists(folder / "test.1.log"));
    EXPECT_TRUE(std::filesystem::exists(folder / "test.2.log"));
    EXPECT_FALSE(std::filesystem::exists(folder / "test.3.log"));
}

TEST_F(Log, RefusesAFileThatCannotBeOpened) {
    try {
        log::setup({.file = "/proc/no/such/folder.log"});
        FAIL() << "no exception";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
        EXPECT_NE(std::string{error.what()}.find("open log file /proc/no/such/folder.log"), std::string::npos);
    }
}

TEST_F(Log, KeepsEachMessageWholeWhenManyThreadsLog) {
    log::setup({.console = false, .file = file, .queue = leat::bytes{64 << 20}});
    const auto dropped_before = log::dropped();
    {
        std::vector<std::jthread> callers;  // check-idioms: allow thread
        for (int caller = 0; caller < 4; ++caller) {
            callers.emplace_back([caller] {
                for (int i = 0; i < 1000; ++i) log::info("caller {} message {} end", caller, i);
            });
        }
    }
    const auto all = lines(logged());
    EXPECT_EQ(log::dropped(), dropped_before);
    ASSERT_EQ(all.size(), 4000u);
    int next[4] = {};
    for (const auto& line : all) {
        int caller = -1, number = -1, length = 0;
        const auto at = line.find("caller ");
        ASSERT_NE(at, line.npos) << line;
        ASSERT_EQ(std::sscanf(line.c_str() + at, "caller %d message %d end%n", &caller, &number, &length), 2) << line;
        ASSERT_EQ(at + static_cast<std::size_t>(length), line.size()) << line;
        EXPECT_EQ(number, next[caller]++);
    }
}

/// A FIFO that nobody reads stalls the very open of the sink. Were the caller to wait for it, this test would not end.
TEST_F(Log, DropsAndCountsWhileAFifoHasNoReaderAndSaysSoAfterwards) {
    ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
    log::setup({.console = false, .file = file, .queue = leat::bytes{64 << 10}});
    const auto dropped_before = log::dropped();
    for (int i = 0; i < 20'000; ++i) log::info("message {} end", i);
    const auto dropped = log::dropped() - dropped_before;
    EXPECT_GT(dropped, 10'000u);
    EXPECT_LT(dropped, 20'000u);
    EXPECT_FALSE(log::flush(1ms));

    // With a reader it all comes out: every message that was not dropped, in order, and the count of the others.
    const int reader = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(reader, 0);
    const auto text = read_accounted(reader, 20'000);
    EXPECT_TRUE(log::flush(10s));
    EXPECT_EQ(reported_dropped(text), dropped);
    EXPECT_TRUE(lines(text).front().ends_with("message 0 end"));
    log::setup({.console = false});
    close(reader);
}

/// Standard error is a pipe, full and unread, as under a pager or a supervisor that hangs.
TEST_F(Log, DoesNotWaitForAStalledStandardError) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    ASSERT_GE(fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
    const int real = dup(STDERR_FILENO);
    ASSERT_GE(dup2(ends[1], STDERR_FILENO), 0);
    close(ends[1]);
    log::setup({.colour = log::colour::always, .queue = leat::bytes{16 << 10}});
    const auto dropped_before = log::dropped();
    for (int i = 0; i < 10'000; ++i) log::error("message {} end", i);
    const auto dropped = log::dropped() - dropped_before;
    EXPECT_GT(dropped, 0u);
    const auto text = read_accounted(ends[0], 10'000);
    EXPECT_TRUE(log::flush(10s));
    dup2(real, STDERR_FILENO);
    close(real);
    close(ends[0]);
    EXPECT_EQ(reported_dropped(text), dropped);
    EXPECT_NE(text.find("\033[31merror\033[0m message 0 end\n"), text.npos) << text.substr(0, 200);
}

TEST_F(LogDeathTest, WritesWhatIsQueuedBeforeTheProgramEnds) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(
        {
            log::setup({.pattern = "%v"});
            log::info("the last words");
            std::exit(0);
        },
        testing::ExitedWithCode(0), "the last words\n");
}

TEST_F(LogDeathTest, DoesNotKeepTheProgramFromEndingWhenASinkStalls) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
    EXPECT_EXIT(
        {
            log::setup({.console = false, .file = file, .exit_wait = 20ms});
            log::info("to nobody");
            std::exit(3);
        },
        testing::ExitedWithCode(3), "");
}

TEST_F(Log, WorksInAChildProcessToo) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    GTEST_SKIP() << "ThreadSanitizer cannot start a thread in a child of a process with several";
#endif
#endif
    log::setup({.console = false, .file = file, .exit_wait = 10s});
    log::info("from the parent");
    EXPECT_TRUE(log::flush(10s));
    const auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        log::info("from the child");
        _exit(log::flush(10s) ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    const auto text = logged();
    EXPECT_NE(text.find("from the parent"), text.npos);
    EXPECT_NE(text.find("from the child"), text.npos);
}

}  // namespace
}  // namespace leat::log_test
