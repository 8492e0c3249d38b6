#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "leat/http/headers.hpp"

using leat::http::headers;

namespace {

std::string text_of(const headers& fields) {
    std::string out;
    for (auto f : fields) out.append(f.name).append(": ").append(f.value).append("\n");
    return out;
}

TEST(http_headers, gets_without_regard_to_case) {
    headers h{{"Content-Type", "text/plain"}, {"X-One", "1"}};
    EXPECT_EQ(h.get("content-TYPE"), "text/plain");
    EXPECT_EQ(h.get("x-one"), "1");
    EXPECT_FALSE(h.get("x-two"));
    EXPECT_FALSE(h.get(""));
    EXPECT_TRUE(h.contains("X-ONE"));
}

TEST(http_headers, keeps_the_order_and_repeated_fields) {
    headers h;
    h.add("Set-Cookie", "a=1");
    h.add("Vary", "Accept");
    h.add("set-cookie", "b=2");
    EXPECT_EQ(h.get("Set-Cookie"), "a=1");
    EXPECT_EQ(h.get_all("SET-COOKIE"), (std::vector<std::string_view>{"a=1", "b=2"}));
    EXPECT_EQ(text_of(h), "Set-Cookie: a=1\nVary: Accept\nset-cookie: b=2\n");
    EXPECT_EQ(h.size(), 3u);
}

TEST(http_headers, set_leaves_one_at_the_first_place) {
    headers h{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}, {"A", "5"}};
    h.set("a", "new");
    EXPECT_EQ(text_of(h), "a: new\nB: 2\nC: 4\n");
    h.set("D", "6");
    EXPECT_EQ(text_of(h), "a: new\nB: 2\nC: 4\nD: 6\n");
}

TEST(http_headers, removes_all_of_a_name) {
    headers h{{"A", "1"}, {"B", "2"}, {"a", "3"}};
    EXPECT_EQ(h.remove("A"), 2u);
    EXPECT_EQ(h.remove("A"), 0u);
    EXPECT_EQ(text_of(h), "B: 2\n");
}

TEST(http_headers, setting_for_ever_does_not_grow) {
    headers h{{"Keep", "me"}};
    for (int i = 0; i < 10'000; ++i) h.set("X-Count", std::to_string(i) + std::string(100, 'x'));
    EXPECT_EQ(h.get("Keep"), "me");
    EXPECT_TRUE(h.get("X-Count")->starts_with("9999x"));
    EXPECT_EQ(h.size(), 2u);
}

TEST(http_headers, arguments_may_be_views_of_itself) {
    headers h{{"First", "a value that is long enough to live outside the small string buffer"}};
    for (int i = 0; i < 40; ++i) h.add(h[0].name, h[0].value);
    EXPECT_EQ(h.get_all("first").size(), 41u);
    for (auto value : h.get_all("first")) EXPECT_EQ(value, h[0].value);
    h.set(h[3].name, h[5].value);
    EXPECT_EQ(h.size(), 1u);
    EXPECT_EQ(h.remove(h[0].name), 1u);
    EXPECT_TRUE(h.empty());
}

TEST(http_headers, refuses_what_could_smuggle_a_line) {
    headers h;
    EXPECT_THROW(h.add("A", "x\r\nEvil: 1"), std::invalid_argument);
    EXPECT_THROW(h.add("A", "x\n"), std::invalid_argument);
    EXPECT_THROW(h.add("A", "x\ry"), std::invalid_argument);
    EXPECT_THROW(h.set("A", std::string_view("x\0y", 3)), std::invalid_argument);
    for (auto name : {"", "A B", "A:", "A\r\nB", "Ä", "A\t", "(x)"})
        EXPECT_THROW(h.add(name, "x"), std::invalid_argument) << name;
    EXPECT_TRUE(h.empty());
    h.add("A", "");
    h.add("B", "caf\xC3\xA9\tok");
    EXPECT_EQ(h.size(), 2u);
}

TEST(http_headers, clear_keeps_it_usable_and_copies_are_independent) {
    headers h{{"A", "1"}};
    headers copy = h;
    h.clear();
    EXPECT_TRUE(h.empty());
    EXPECT_FALSE(h.get("A"));
    h.add("B", "2");
    EXPECT_EQ(copy.get("A"), "1");
    EXPECT_EQ(h.get("B"), "2");
}

}  // namespace
