#include "progress/bars.hpp"

#include <gtest/gtest.h>

#include "terminal/width.hpp"

using namespace std::chrono_literals;

namespace {

tool::job_view some_job() {
    tool::job_view job;
    job.running = {{"alpha.bin", 500'000, 1'000'000, 1'500'000, 1}, {"beta", 70, std::nullopt, 0, 2}, {"gamma", 0, 0, 0, 1}};
    job.files = 10;
    job.succeeded = 4;
    job.failed = 1;
    job.received = 45'200'000;
    job.bytes_per_second = 12'300'000;
    job.remaining = 75s;
    job.done = 0.55;
    return job;
}

TEST(bars, lines_of_a_usual_terminal) {
    const auto lines = tool::bar_lines(some_job(), {80, 24, true});
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0], "alpha.bin                         █████████░░░░░░░░░░   50%   500 kB  1.50 MB/s");
    EXPECT_EQ(lines[1], "beta (try 2)                      ░░░░░░░░░░░░░░░░░░░           70 B      0 B/s");
}

TEST(bars, what_is_unusual_about_a_file_stands_behind_its_name) {
    auto job = some_job();
    job.running = {{"a", 5, 10, 0, 1, leat::file_state::transferring, 4}, {"b", 5, 10, 0, 3, leat::file_state::verifying, 0},
                   {"c", 5, 10, 0, 1, leat::file_state::paused, 0},       {"d", 5, 10, 0, 2, leat::file_state::waiting, 0},
                   {"e", 5, 10, 0, 2, leat::file_state::transferring, 2}};
    const char* const unicode[] = {"a ×4  ", "b (verifying)  ", "c (paused)  ", "d (waits, try 2)  ", "e (try 2) ×2  "};
    const char* const ascii[] = {"a x4  ", "b (verifying)  ", "c (paused)  ", "d (waits, try 2)  ", "e (try 2) x2  "};
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_TRUE(tool::bar_lines(job, {80, 24, true})[i].starts_with(unicode[i])) << tool::bar_lines(job, {80, 24, true})[i];
        EXPECT_TRUE(tool::bar_lines(job, {80, 24, false})[i].starts_with(ascii[i]));
    }
}

TEST(bars, a_list_that_is_open_has_a_plus) {
    auto job = some_job();
    job.more = true;
    EXPECT_TRUE(tool::bar_lines(job, {80, 24, true}).back().starts_with("5/10+ files  1 failed  "));
}

TEST(bars, rates_are_those_of_each_file_also_after_it_began_again) {
    tool::progress_follower follower;
    leat::running_file running[2];
    running[0] = {.name = "same", .url = "u", .received = 0, .size = 1000, .index = 7};
    running[1] = {.name = "same", .url = "u", .received = 0, .size = 1000, .index = 8};
    leat::download_progress now;
    now.files = 2;
    now.running = running;
    follower.follow(now);
    now.elapsed = 1s;
    running[0].received = 500;
    auto view = follower.follow(now);
    EXPECT_EQ(view.running[0].bytes_per_second, 500);
    EXPECT_EQ(view.running[1].bytes_per_second, 0);
    // The other one stands first now, and this one begins again.
    std::swap(running[0], running[1]);
    running[1].received = 100;
    running[1].attempt = 2;
    now.elapsed = 2s;
    view = follower.follow(now);
    EXPECT_EQ(view.running[0].bytes_per_second, 0);
    EXPECT_LT(view.running[1].bytes_per_second, 500);
    EXPECT_NEAR(view.done, 0.05, 1e-9);
}

TEST(bars, the_total_says_what_it_can) {
    EXPECT_EQ(tool::bar_lines(some_job(), {200, 24, true}).back(),
              "5/10 files  1 failed  12.3 MB/s  ETA 1:15  45.2 MB  ████████████████░░░░░░░░░░░░░░ 55%");
    EXPECT_EQ(tool::bar_lines(some_job(), {200, 24, false}).back(),
              "5/10 files  1 failed  12.3 MB/s  ETA 1:15  45.2 MB  ################-------------- 55%");
    EXPECT_EQ(tool::bar_lines(some_job(), {40, 24, true}).back(), "5/10 files  1 failed  12.3 MB/s");
    EXPECT_EQ(tool::bar_lines(some_job(), {12, 24, true}).back(), "5/10 files");
    auto unknown = some_job();
    unknown.remaining.reset();
    EXPECT_NE(tool::bar_lines(unknown, {80, 24, true}).back().find("ETA --:--"), std::string::npos);
}

TEST(bars, every_size_of_screen_is_respected) {
    auto job = some_job();
    job.running[0].name = "日本語のとても長い名前のファイルです全部で四十文字くらいあるはずなので切られます";
    job.running[1].name = std::string(500, 'x');
    for (std::size_t columns = 0; columns < 250; ++columns) {
        for (const std::size_t rows : {0u, 1u, 2u, 3u, 4u, 5u, 50u}) {
            for (const bool unicode : {true, false}) {
                const auto lines = tool::bar_lines(job, {columns, rows, unicode});
                ASSERT_LE(lines.size(), std::max<std::size_t>(rows, 2) - 1);
                ASSERT_GE(lines.size(), 1u);
                for (const auto& line : lines) ASSERT_LE(tool::columns_of(line), std::max<std::size_t>(columns, 2) - 1) << columns << ": " << line;
            }
        }
    }
}

TEST(bars, what_does_not_fit_is_counted) {
    auto job = some_job();
    job.running.assign(40, job.running[0]);
    const auto lines = tool::bar_lines(job, {120, 10, true});
    ASSERT_EQ(lines.size(), 9u);
    EXPECT_NE(lines.back().find("+32 more"), std::string::npos);
}

TEST(bars, hundred_per_cent_means_all) {
    auto job = some_job();
    job.running = {{"almost", 999'999, 1'000'000, 0, 1}, {"all", 1'000'000, 1'000'000, 0, 1}, {"more", 2'000'000, 1'000'000, 0, 1}, {"none", 0, 0, 0, 1}};
    const auto lines = tool::bar_lines(job, {80, 24, true});
    EXPECT_NE(lines[0].find(" 99%"), std::string::npos);
    EXPECT_NE(lines[1].find("100%"), std::string::npos);
    EXPECT_NE(lines[2].find("100%"), std::string::npos);
    EXPECT_NE(lines[3].find("100%"), std::string::npos);
}

TEST(bars, another_attempt_is_told) {
    EXPECT_EQ(tool::bar_lines(some_job(), {80, 24, true})[1].substr(0, 12), "beta (try 2)");
}

TEST(bars, a_drawing_returns_to_its_first_line) {
    EXPECT_EQ(tool::drawn({"one"}), "\rone\x1b[K\x1b[J\r");
    EXPECT_EQ(tool::drawn({"one", "two", "three"}), "\rone\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[K\x1b[J\r\x1b[2A");
}

TEST(bars, the_summary) {
    leat::download_report report;
    report.succeeded = 300;
    report.bytes = 45'200'000;
    report.elapsed = 3100ms;
    EXPECT_EQ(tool::summary_line(report), "300 files, 45.2 MB in 3.1 s, 14.6 MB/s");
    report.succeeded = 1;
    report.failed = 2;
    report.elapsed = 0s;
    EXPECT_EQ(tool::summary_line(report), "1 file, 45.2 MB in 0.0 s; 2 failed");
}

TEST(progress_follower, rates_and_time_left) {
    tool::progress_follower follower;
    leat::running_file files[2];
    files[0].name = "a";
    files[0].size = 4'000'000;
    files[1].name = "b\x1b[2J";
    leat::download_progress now;
    now.files = 4;
    now.succeeded = 1;
    now.received = 1'000'000;
    now.elapsed = 1s;
    now.running = files;
    auto view = follower.follow(now);
    EXPECT_EQ(view.running[0].bytes_per_second, 0);
    EXPECT_FALSE(view.remaining);  // nothing moves
    EXPECT_EQ(view.running[1].name.find('\x1b'), std::string::npos);
    files[0].received = 1'000'000;
    now.received = 2'000'000;
    now.elapsed = 2s;
    now.bytes_per_second = 1'000'000;
    view = follower.follow(now);
    EXPECT_NEAR(view.running[0].bytes_per_second, 1e6, 1);
    // 3 MB of the first, and two files of 2.5 MB on average.
    ASSERT_TRUE(view.remaining);
    EXPECT_NEAR(std::chrono::duration<double>(*view.remaining).count(), 8, 0.01);
    EXPECT_NEAR(view.done, (1 + 0.25) / 4, 1e-9);
    files[0].received = 10;  // another attempt
    now.elapsed = 3s;
    EXPECT_LT(follower.follow(now).running[0].bytes_per_second, 1e6);
}

}  // namespace
