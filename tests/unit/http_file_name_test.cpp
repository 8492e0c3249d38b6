#include <gtest/gtest.h>

#include <string>

#include "leat/io/path.hpp"

namespace {

std::string name(std::string_view url) { return leat::file_name_of(url).string(); }

TEST(http_file_name, is_the_last_segment) {
    EXPECT_EQ(name("http://h/a/b.txt"), "b.txt");
    EXPECT_EQ(name("http://h/a/b.txt?x=/y#z/w"), "b.txt");
    EXPECT_EQ(name("http://h/a%20b%C3%A9.txt"), "a b\xC3\xA9.txt");
    EXPECT_EQ(name("b.txt"), "b.txt");
    EXPECT_EQ(name("http://h/100%.txt"), "100%.txt");
}

TEST(http_file_name, is_never_empty) {
    for (auto url :
         {"", "http://h", "http://h/", "http://h/a/", "http://h?x", "http://h#x", "/", "http://user:pw@h:80"})
        EXPECT_EQ(name(url), "index.html") << url;
}

TEST(http_file_name, is_no_password) {
    EXPECT_EQ(name("http://user:pw@h/a@b"), "a@b");
    EXPECT_EQ(name("http://h/a:b@c"), "a:b@c");
    for (auto url : {"me:pw@h", "http://me:p/w@h", "http://me:p/w@h/", "//me:pw@h"}) EXPECT_EQ(name(url), "index.html") << url;
    EXPECT_EQ(name("me:pw@h/a.txt"), "a.txt");
    EXPECT_EQ(name("http://me:p/w@h/a.txt"), "a.txt");
}

TEST(http_file_name, cannot_leave_the_directory) {
    EXPECT_EQ(name("http://h/.."), "__");
    EXPECT_EQ(name("http://h/%2e%2e"), "__");
    EXPECT_EQ(name("http://h/."), "_");
    EXPECT_EQ(name("http://h/..%2F..%2Fetc%2Fpasswd"), ".._.._etc_passwd");
    EXPECT_EQ(name("http://h/%2Fetc%2Fpasswd"), "_etc_passwd");
    EXPECT_EQ(name("http://h/a%00b"), "a_b");
}

TEST(http_file_name, is_harmless_on_a_terminal) {
    EXPECT_EQ(name("http://h/a%1b%5B2Jb%0a%7f"), "a_[2Jb__");
    EXPECT_EQ(name("http://h/%C2%9Bx"), "_x");
    EXPECT_EQ(name("http://h/exe%E2%80%AEgpj"), "exe_gpj");
    EXPECT_EQ(name("http://h/caf%E9.txt"), "caf\xEF\xBF\xBD.txt");
}

TEST(http_file_name, is_bounded) {
    EXPECT_EQ(name("http://h/" + std::string(300, 'a')), std::string(255, 'a'));
    EXPECT_EQ(name("http://h/" + std::string(300, 'a') + ".tar"), std::string(251, 'a') + ".tar");
    std::string wide;
    for (int i = 0; i < 100; ++i) wide += "\xE2\x82\xAC";
    EXPECT_EQ(name("http://h/" + wide).size(), 255u);
    EXPECT_EQ(name("http://h/x" + wide).size(), 253u) << "cut between characters";
    EXPECT_EQ(name("http://h/" + std::string(200, 'a') + "." + std::string(200, 'b')).size(), 255u);
}

}  // namespace
