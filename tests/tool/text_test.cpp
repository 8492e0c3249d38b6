#include <gtest/gtest.h>

#include "endpoint_text.hpp"
#include "terminal/units.hpp"
#include "terminal/width.hpp"

using namespace std::chrono_literals;

namespace {

TEST(width, columns) {
    EXPECT_EQ(tool::columns_of(""), 0u);
    EXPECT_EQ(tool::columns_of("plain"), 5u);
    EXPECT_EQ(tool::columns_of("ümlaut"), 6u);
    EXPECT_EQ(tool::columns_of("日本"), 4u);
    EXPECT_EQ(tool::columns_of("e\u0301"), 1u);
    EXPECT_EQ(tool::columns_of("\U0001f600"), 2u);
    EXPECT_EQ(tool::columns_of("\u200b"), 0u);
    EXPECT_EQ(tool::columns_of("a\xff\xfe"), 3u);
    EXPECT_EQ(tool::columns_of("…█░"), 3u);
}

TEST(width, cutting_keeps_characters_whole) {
    EXPECT_EQ(tool::cut_to("abcdef", 6, true), "abcdef");
    EXPECT_EQ(tool::cut_to("abcdef", 5, true), "abcd…");
    EXPECT_EQ(tool::cut_to("abcdef", 5, false), "abcd.");
    EXPECT_EQ(tool::cut_to("日本語", 6, true), "日本語");
    EXPECT_EQ(tool::cut_to("日本語", 5, true), "日本…");
    EXPECT_EQ(tool::cut_to("日本語", 4, true), "日…");
    EXPECT_EQ(tool::cut_to("日本語", 1, true), "…");
    EXPECT_EQ(tool::cut_to("日本語", 0, true), "");
    EXPECT_EQ(tool::cut_to("e\u0301e\u0301e\u0301", 2, true), "e\u0301…");
    EXPECT_EQ(tool::fit_to("日本語", 4, true), "日… ");
    EXPECT_EQ(tool::fit_to("ab", 4, true), "ab  ");
}

TEST(units, sizes) {
    EXPECT_EQ(tool::size_text(0), "0 B");
    EXPECT_EQ(tool::size_text(999), "999 B");
    EXPECT_EQ(tool::size_text(1000), "1.00 kB");
    EXPECT_EQ(tool::size_text(12'345), "12.3 kB");
    EXPECT_EQ(tool::size_text(999'499), "999 kB");
    EXPECT_EQ(tool::size_text(999'500), "1.00 MB");
    EXPECT_EQ(tool::size_text(9'999'999), "10.0 MB");
    EXPECT_EQ(tool::size_text(UINT64_MAX), "18.4 EB");
    EXPECT_EQ(tool::rate_text(1.5e6), "1.50 MB/s");
    EXPECT_EQ(tool::rate_text(-1), "0 B/s");
    EXPECT_EQ(tool::rate_text(std::numeric_limits<double>::quiet_NaN()), "0 B/s");
    for (std::uint64_t size = 1; size < UINT64_MAX / 3; size = size * 3 + 1) EXPECT_LE(tool::size_text(size).size(), 7u) << size;
}

TEST(units, times) {
    EXPECT_EQ(tool::clock_text(7s), "0:07");
    EXPECT_EQ(tool::clock_text(754s), "12:34");
    EXPECT_EQ(tool::clock_text(3723s), "1:02:03");
    EXPECT_EQ(tool::clock_text(76h), "3d 04h");
    EXPECT_EQ(tool::clock_text(-5s), "0:00");
    EXPECT_EQ(tool::elapsed_text(420ms), "0.4 s");
    EXPECT_EQ(tool::elapsed_text(12s), "12 s");
    EXPECT_EQ(tool::elapsed_text(123s), "2:03");
}

TEST(endpoint, what_is_one_and_what_is_not) {
    EXPECT_EQ(tool::parse_endpoint("127.0.0.1:80")->to_string(), "127.0.0.1:80");
    EXPECT_EQ(tool::parse_endpoint("[::1]:80")->host(), "::1");
    EXPECT_EQ(tool::parse_endpoint(":0")->host(), "");
    EXPECT_EQ(tool::parse_endpoint("localhost:65535")->port(), 65535);
    for (const char* text : {"", "80", "host", "host:", "host:-1", "host:65536", "host:8x", "::1:80", "[::1:80", "::1]:80", "[]:80", "a b:80"})
        EXPECT_FALSE(tool::parse_endpoint(text)) << text;
}

}  // namespace
