#include <gtest/gtest.h>

#include <ctime>

#include "http/date.hpp"
#include "http/mime.hpp"

using namespace leat::http;

namespace {

TEST(http_date, formats) {
    EXPECT_EQ(format_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(format_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(format_date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
    EXPECT_EQ(format_date(951827696), "Tue, 29 Feb 2000 12:34:56 GMT");
    EXPECT_EQ(format_date(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    EXPECT_EQ(format_date(INT64_MIN), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(http_date, reads_the_three_forms) {
    EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    EXPECT_EQ(parse_date("Wednesday, 09-Nov-94 08:49:37 GMT"), 784111777 + 3 * 86400);
    EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994"), 784111777);
    EXPECT_EQ(parse_date("Wed Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
    EXPECT_EQ(parse_date("  Thu, 01 Jan 1970 00:00:00 GMT "), 0);
}

TEST(http_date, refuses_the_rest) {
    for (auto bad : {"", "0", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
                     "Sun, 31 Apr 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                     "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                     "Sun, 06 Nov 1994 08:49:37 GMT x", "Sun, 06 Nov -994 08:49:37 GMT", "Sunday, 06-Nov-", "Sun Nov"})
        EXPECT_FALSE(parse_date(bad)) << bad;
}

TEST(http_date, agrees_with_the_c_library_over_five_centuries) {
    for (std::int64_t t = -5'000'000'000; t < 12'000'000'000; t += 7'654'321) {
        const std::time_t value = t;
        std::tm parts{};
        gmtime_r(&value, &parts);
        char text[64];
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        ASSERT_EQ(format_date(t), text);
        ASSERT_EQ(parse_date(text), t);
    }
}

TEST(http_mime, by_extension) {
    EXPECT_EQ(mime_type("a.html"), "text/html; charset=utf-8");
    EXPECT_EQ(mime_type("/x.d/A.TAR.GZ"), "application/gzip");
    EXPECT_EQ(mime_type("photo.JPeG"), "image/jpeg");
    EXPECT_EQ(mime_type("a.7z"), "application/x-7z-compressed");
    EXPECT_EQ(mime_type("a.zst"), "application/zstd");
    for (auto name : {"", "Makefile", "a.", "x.html/noext", "a.unknown", ".x", "a.averyveryverylongextension"})
        EXPECT_EQ(mime_type(name), "application/octet-stream") << name;
}

}  // namespace
