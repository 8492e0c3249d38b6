#include "get/report_file.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "get/exit_status.hpp"
#include "get/shown.hpp"
#include "terminal/width.hpp"

using namespace std::chrono_literals;

namespace {

leat::file_report file(std::string name, leat::failure_class why = leat::failure_class::none) {
    leat::file_report made;
    made.url = "http://me:s3cret@example.org/" + name;
    made.target = "out/" + name;
    made.bytes = 2'000'000;
    made.elapsed = 2s;
    made.attempts = 1;
    made.status = 200;
    made.why = why;
    if (why != leat::failure_class::none) made.error = "about " + made.url + ": no";
    return made;
}

leat::download_report some_report() {
    leat::download_report report;
    report.files = {file("a"), file("b", leat::failure_class::checksum), file("c")};
    report.files[0].verified = true;
    report.files[2].resumed = 1'000'000;
    report.succeeded = 2;
    report.failed = 1;
    return report;
}

TEST(report, a_table_has_a_line_for_each_file) {
    EXPECT_EQ(tool::table_text(some_report(), 0, true),
              "FILE      SIZE   TIME       RATE  TRIES  STATE\n"
              "out/a  2.00 MB  2.0 s  1.00 MB/s      1  verified\n"
              "out/b  2.00 MB  2.0 s                 1  failed (checksum)\n"
              "out/c  2.00 MB  2.0 s   500 kB/s      1  complete, resumed at 1.00 MB\n");
}

TEST(report, a_table_fits_a_terminal_as_far_as_names_can_give_way) {
    auto report = some_report();
    report.files[0].target = "out/" + std::string(500, 'x') + "\x1b[2J\n";
    for (std::size_t columns : {80u, 100u, 300u}) {
        const std::string table = tool::table_text(report, columns, true);
        EXPECT_EQ(table.find('\x1b'), std::string::npos);
        EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4);
        EXPECT_LT(tool::columns_of(table.substr(0, table.find('\n'))), columns);
    }
}

TEST(report, what_is_written_is_json_without_passwords_whatever_names_are) {
    auto report = some_report();
    report.files[2].target = std::string{"out/\xff\x1b\"\\"};
    const std::string text = tool::report_text(report, 13, true);
    EXPECT_EQ(text.find("s3cret"), std::string::npos);
    const auto read = nlohmann::json::parse(text);
    EXPECT_EQ(read["exit_status"], 13);
    EXPECT_EQ(read["interrupted"], true);
    EXPECT_EQ(read["files"][0]["state"], "verified");
    EXPECT_EQ(read["files"][1]["class"], "checksum");
    EXPECT_EQ(read["files"][1]["error"], "about http://me:***@example.org/b: no");
    EXPECT_EQ(read["files"][2]["rate"], 500'000);
}

TEST(report, the_exit_status_is_that_of_the_one_class) {
    leat::download_report report;
    EXPECT_EQ(tool::exit_status_of(report), 0);
    report.files = {file("a"), file("b", leat::failure_class::name), file("c", leat::failure_class::name)};
    EXPECT_EQ(tool::exit_status_of(report), 4);
    report.files.push_back(file("d", leat::failure_class::other));
    EXPECT_EQ(tool::exit_status_of(report), 1);
    report.files = {file("d", leat::failure_class::other)};
    EXPECT_EQ(tool::exit_status_of(report), 1);
    for (int why = 1; why < static_cast<int>(leat::failure_class::other); ++why)
        EXPECT_GT(tool::exit_status_of(static_cast<leat::failure_class>(why)), 2) << why;
}

TEST(report, passwords_in_urls_are_not_shown) {
    EXPECT_EQ(tool::without_password("http://u:p@h/x"), "http://u:***@h/x");
    EXPECT_EQ(tool::without_password("http://u:p@q@h/x"), "http://u:***@h/x");
    EXPECT_EQ(tool::without_password("http://h:80/a:b@c"), "http://h:80/a:b@c");
    EXPECT_EQ(tool::without_password("http://h?a:b@c"), "http://h?a:b@c");
    EXPECT_EQ(tool::without_password("http://[::1]:80/a:b@c"), "http://[::1]:80/a:b@c");
    // A user alone may be a token, and a password may stand in what is no URL.
    EXPECT_EQ(tool::without_password("http://u@h/"), "http://***@h/");
    EXPECT_EQ(tool::without_password("http://u:@h/"), "http://***:@h/");
    EXPECT_EQ(tool::without_password("u:p@h"), "u:***@h");
    EXPECT_EQ(tool::without_password("//u:p@h"), "//u:***@h");
    EXPECT_EQ(tool::without_password("http:/u:p@h"), "http:/u:***@h");
    EXPECT_EQ(tool::without_password("http://u:p/q@h"), "http://u:***@h");
    EXPECT_EQ(tool::without_password("http://u:p#q@h"), "http://u:***@h");
    EXPECT_EQ(tool::without_password("http://u:80\\p@h"), "http://u:***@h");
    EXPECT_EQ(tool::without_password("http://[u:p/q@h"), "http://[u:***@h");
    EXPECT_EQ(tool::without_password("u:p://q@h"), "u:***@h");
    EXPECT_EQ(tool::without_password("http://@h"), "http://@h");
    EXPECT_EQ(tool::without_password(""), "");
}

}  // namespace
