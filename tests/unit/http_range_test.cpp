#include <gtest/gtest.h>

#include "http/range.hpp"

using namespace leat::http;

namespace {

using ranges = std::vector<byte_range>;

void expect_partial(std::string_view value, std::uint64_t size, const ranges& expected) {
    const auto got = parse_range(value, size);
    EXPECT_EQ(got.outcome, range_outcome::partial) << value;
    EXPECT_EQ(got.ranges, expected) << value;
}

TEST(http_range, single) {
    expect_partial("bytes=0-0", 100, {{0, 0}});
    expect_partial("bytes=10-19", 100, {{10, 19}});
    expect_partial("Bytes=10-", 100, {{10, 99}});
    expect_partial("bytes=-5", 100, {{95, 99}});
    expect_partial(" bytes= 5-9 ", 100, {{5, 9}});
}

TEST(http_range, clamps) {
    expect_partial("bytes=90-1000", 100, {{90, 99}});
    expect_partial("bytes=-1000", 100, {{0, 99}});
    expect_partial("bytes=0-18446744073709551615", 100, {{0, 99}});
    expect_partial("bytes=-18446744073709551615", 100, {{0, 99}});
    expect_partial("bytes=0-", UINT64_MAX, {{0, UINT64_MAX - 1}});
}

TEST(http_range, several) {
    expect_partial("bytes=0-4, 10-14,,-5", 100, {{0, 4}, {10, 14}, {95, 99}});
    expect_partial("bytes=200-300,0-4", 100, {{0, 4}});
}

TEST(http_range, unsatisfiable) {
    for (auto value : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=500-,600-"})
        EXPECT_EQ(parse_range(value, 100).outcome, range_outcome::unsatisfiable) << value;
    EXPECT_EQ(parse_range("bytes=0-", 0).outcome, range_outcome::unsatisfiable);
    EXPECT_EQ(parse_range("bytes=-5", 0).outcome, range_outcome::unsatisfiable);
}

TEST(http_range, what_is_malformed_or_greedy_is_ignored) {
    for (auto value : {"", "bytes", "bytes=", "bytes=,", "lines=0-4", "bytes=5-4", "bytes=a-b", "bytes=--5", "bytes=5",
                       "bytes=-", "bytes=+1-5", "bytes=1 -5", "bytes=0-99999999999999999999", "bytes=0-4,x",
                       "bytes=0-99,0-99", "bytes=0-,0-,0-,0-"})
        EXPECT_EQ(parse_range(value, 100).outcome, range_outcome::whole) << value;
    std::string many = "bytes=0-0";
    for (int i = 1; i < 17; ++i) many += "," + std::to_string(i) + "-" + std::to_string(i);
    EXPECT_EQ(parse_range(many, 100).outcome, range_outcome::whole);
}

TEST(http_range, writes) {
    EXPECT_EQ(format_range(5), "bytes=5-");
    EXPECT_EQ(format_range(5, 9), "bytes=5-9");
    EXPECT_EQ(format_content_range({5, 9}, 100), "bytes 5-9/100");
    EXPECT_EQ(format_content_range({5, 9}, std::nullopt), "bytes 5-9/*");
    EXPECT_EQ(format_unsatisfied_range(100), "bytes */100");
}

TEST(http_range, reads_content_range) {
    const auto full = parse_content_range("bytes 5-9/100");
    ASSERT_TRUE(full && full->range);
    EXPECT_EQ(*full->range, (byte_range{5, 9}));
    EXPECT_EQ(full->total, 100u);
    const auto open = parse_content_range("bytes 5-9/*");
    ASSERT_TRUE(open && open->range);
    EXPECT_FALSE(open->total);
    const auto none = parse_content_range("bytes */100");
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->range);
    EXPECT_EQ(none->total, 100u);
    for (auto bad : {"", "bytes", "bytes 5-9", "bytes 9-5/100", "bytes 5-100/100", "bytes */*", "lines 5-9/100",
                     "bytes 5/100", "bytes -9/100", "bytes 5-9/x", "bytes 0-18446744073709551615/*"})
        EXPECT_FALSE(parse_content_range(bad)) << bad;
}

}  // namespace
