#include <gtest/gtest.h>

#include <string>

#include "leat/http/error.hpp"
#include "leat/log/printable.hpp"

using leat::printable;

namespace {

const std::string bad = "\xEF\xBF\xBD";

TEST(http_printable, leaves_text_as_it_is) {
    for (std::string text : {"", "plain ~ text", "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xC2\xA0"})
        EXPECT_EQ(printable(text), text);
}

TEST(http_printable, replaces_control_characters) {
    EXPECT_EQ(printable("a\x1b[31mb"), "a" + bad + "[31mb");
    EXPECT_EQ(printable("a\r\n\t\x7f"), "a" + bad + bad + bad + bad);
    EXPECT_EQ(printable(std::string_view("\0x", 2)), bad + "x");
    EXPECT_EQ(printable("\xC2\x9B"
                        "2J"),
              bad + "2J");
    EXPECT_EQ(printable("\xC2\x80\xC2\x9F"), bad + bad);
}

TEST(http_printable, replaces_what_reorders) {
    for (std::string text : {"\xE2\x80\xAE", "\xE2\x80\xAA", "\xE2\x81\xA6", "\xE2\x81\xA9", "\xE2\x80\x8F", "\xD8\x9C",
                             "\xE2\x80\xA8", "\xEF\xBB\xBF"})
        EXPECT_EQ(printable("a" + text + "b"), "a" + bad + "b");
}

TEST(http_printable, replaces_invalid_utf8_byte_by_byte) {
    EXPECT_EQ(printable("\x80"), bad);
    EXPECT_EQ(printable("\x9B"
                        "2J"),
              bad + "2J");                                  // a C1 control in Latin-1
    EXPECT_EQ(printable("\xC0\x80"), bad + bad);            // overlong NUL
    EXPECT_EQ(printable("\xE0\x80\x9B"), bad + bad + bad);  // overlong CSI
    EXPECT_EQ(printable("\xF0\x80\x80\x9B"), bad + bad + bad + bad);
    EXPECT_EQ(printable("\xED\xA0\x80"), bad + bad + bad);            // surrogate
    EXPECT_EQ(printable("\xF4\x90\x80\x80"), bad + bad + bad + bad);  // above U+10FFFF
    EXPECT_EQ(printable("\xFF\xFE"), bad + bad);
    EXPECT_EQ(printable("\xE2\x82"), bad + bad);  // cut short
    EXPECT_EQ(printable("\xC3"
                        "A"),
              bad + "A");
}

TEST(http_printable, cuts_between_characters) {
    EXPECT_EQ(printable("short", 10), "short");
    EXPECT_EQ(printable("abcdef", 3), "abc\xE2\x80\xA6");
    EXPECT_EQ(printable("ab\xE2\x82\xAC\xE2\x82\xAC", 4), "ab\xE2\x80\xA6");
}

TEST(http_error, texts_say_what_and_are_harmless) {
    const leat::http::truncated_error t{100, 40};
    EXPECT_STREQ(t.what(), "the body stopped short: 40 of 100 bytes received");
    EXPECT_EQ(t.expected(), 100u);
    EXPECT_EQ(t.received(), 40u);
    EXPECT_STREQ(leat::http::truncated_error(std::nullopt, 3).what(), "the body stopped short: 3 bytes received");
    const leat::http::status_error s{404, "Not\x1b Found", "http://h/x"};
    EXPECT_EQ(std::string(s.what()), "404 Not" + bad + " Found: http://h/x");
    EXPECT_EQ(s.status(), 404);
    EXPECT_STREQ(leat::http::status_error(500, "", "http://h/").what(), "500: http://h/");
}

}  // namespace
