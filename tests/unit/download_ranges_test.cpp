#include "download/ranges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace leat::detail {

void PrintTo(const span_of_bytes& span, std::ostream* out) { *out << '[' << span.first << ", " << span.end << ')'; }

namespace {

using spans = std::vector<span_of_bytes>;

byte_ranges of(const spans& parts) {
    byte_ranges ranges;
    for (const auto& each : parts) ranges.add(each);
    return ranges;
}

TEST(DownloadRanges, WhatTouchesBecomesOne) {
    EXPECT_EQ(of({{0, 10}, {10, 20}}).spans(), (spans{{0, 20}}));
    EXPECT_EQ(of({{10, 20}, {0, 10}}).spans(), (spans{{0, 20}}));
    EXPECT_EQ(of({{0, 10}, {11, 20}}).spans(), (spans{{0, 10}, {11, 20}}));
    EXPECT_EQ(of({{0, 5}, {6, 8}, {10, 12}, {3, 11}}).spans(), (spans{{0, 12}}));
    EXPECT_EQ(of({{5, 5}, {7, 3}}).spans(), spans{});
}

TEST(DownloadRanges, AgreeWithABitmap) {
    std::mt19937 random{42};
    constexpr std::uint64_t size = 64;
    for (int round = 0; round < 3000; ++round) {
        byte_ranges ranges;
        std::vector<bool> map(size + 8);
        for (unsigned i = random() % 12; i > 0; --i) {
            const std::uint64_t first = random() % size, end = std::min(size, first + random() % 10);
            ranges.add({first, end});
            for (std::uint64_t at = first; at < end; ++at) map[at] = true;
        }
        spans expected;
        for (std::uint64_t at = 0; at < size; ++at) {
            if (!map[at]) continue;
            if (at > 0 && map[at - 1])
                ++expected.back().end;
            else
                expected.push_back({at, at + 1});
        }
        ASSERT_EQ(ranges.spans(), expected);
        ASSERT_EQ(ranges.total(), static_cast<std::uint64_t>(std::count(map.begin(), map.end(), true)));
        ASSERT_EQ(ranges.prefix(), static_cast<std::uint64_t>(std::find(map.begin(), map.end(), false) - map.begin()));
        for (int i = 0; i < 10; ++i) {
            const std::uint64_t first = random() % size, end = first + random() % (size - first + 1);
            ASSERT_EQ(ranges.covers({first, end}), std::find(map.begin() + static_cast<long>(first), map.begin() + static_cast<long>(end), false) == map.begin() + static_cast<long>(end));
            const std::uint64_t whole = random() % (size + 4), from = random() % (size + 4);
            std::optional<span_of_bytes> hole;
            for (std::uint64_t at = from; at < whole; ++at) {
                if (map[at] && hole) break;
                if (map[at]) continue;
                if (!hole) hole = span_of_bytes{at, at};
                hole->end = at + 1;
            }
            ASSERT_EQ(ranges.missing(from, whole), hole) << from << ' ' << whole;
            byte_ranges rest = of(ranges.all_missing(whole));
            ASSERT_EQ(rest.total() + [&] {
                std::uint64_t there = 0;
                for (std::uint64_t at = 0; at < whole; ++at) there += map[at];
                return there;
            }(), whole);
        }
        const auto again = byte_ranges::decoded(ranges.encoded());
        ASSERT_TRUE(again);
        ASSERT_EQ(again->spans(), ranges.spans());
    }
}

TEST(DownloadRanges, TheLargestNumbersFit) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    const auto ranges = of({{0, 1}, {most - 1, most}});
    EXPECT_EQ(byte_ranges::decoded(ranges.encoded())->spans(), ranges.spans());
    EXPECT_EQ(ranges.missing(0, most), (span_of_bytes{1, most - 1}));
    EXPECT_EQ(ranges.missing(most, most), std::nullopt);
    EXPECT_EQ(byte_ranges::decoded(of({{0, most}}).encoded())->total(), most);
}

TEST(DownloadRanges, FewBytesASpan) {
    byte_ranges many;
    for (std::uint64_t i = 0; i < 1000; ++i) many.add({i * 100'000, i * 100'000 + 50'000});
    EXPECT_LE(many.encoded().size(), 6000u);
}

TEST(DownloadRanges, DamagedTextIsNone) {
    const auto refused = [](std::string text) { return !byte_ranges::decoded(text); };
    EXPECT_TRUE(refused("\x01"));                                      // no length
    EXPECT_TRUE(refused(std::string("\x01\x00", 2)));                  // of no length
    EXPECT_TRUE(refused(std::string("\x00\x01\x00\x01", 4)));          // touch
    EXPECT_TRUE(refused("\x80"));                                      // not ended
    EXPECT_TRUE(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01"));  // too large
    EXPECT_TRUE(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"));  // beyond the end
    EXPECT_TRUE(refused("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"));
    EXPECT_TRUE(byte_ranges::decoded("")->spans().empty());
    std::mt19937 random{1};
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (unsigned k = random() % 12; k > 0; --k) text += static_cast<char>(random());
        if (const auto ranges = byte_ranges::decoded(text)) {
            std::uint64_t last = 0;
            for (const auto& span : ranges->spans()) {
                ASSERT_TRUE(span.first < span.end && (span.first > last || &span == ranges->spans().data()));
                last = span.end;
            }
        }
    }
}

}  // namespace
}  // namespace leat::detail
