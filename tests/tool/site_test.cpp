#include <gtest/gtest.h>

#include "site/listing_page.hpp"
#include "site/precondition.hpp"
#include "site/request_path.hpp"

using namespace std::chrono_literals;

namespace {

std::string path_of(std::string_view target) {
    const auto path = tool::parse_request_path(target);
    if (path.status != 200) return std::to_string(path.status);
    return path.relative + (path.slash ? "/" : "");
}

TEST(request_path, components) {
    EXPECT_EQ(path_of("/"), "/");
    EXPECT_EQ(path_of("/a"), "a");
    EXPECT_EQ(path_of("/a/"), "a/");
    EXPECT_EQ(path_of("/a/b?c=/d#e"), "a/b");
    EXPECT_EQ(path_of("/a%20b%25"), "a b%");
    EXPECT_EQ(path_of("//a///b"), "a/b");
    EXPECT_EQ(path_of("/a/./b/."), "a/b/");
    EXPECT_EQ(path_of("/a/../b"), "b");
    EXPECT_EQ(path_of("/a/b/.."), "a/");
    EXPECT_EQ(path_of("/..."), "...");
    EXPECT_EQ(path_of("/%252e%252e/x"), "%2e%2e/x");
    EXPECT_EQ(path_of("http://host/a"), "a");
    EXPECT_EQ(path_of("HTTPS://host:1/a?b"), "a");
    EXPECT_EQ(path_of("http://host"), "/");
    EXPECT_EQ(path_of("http://host?x"), "/");
}

TEST(request_path, refusals) {
    for (const char* target : {"", "a", "*", "/..", "/a/../..", "/%2e%2e/x", "/.%2E", "/a%", "/a%2", "/%zz", "/a%00b", "ftp://h/a", "http://h/../x"})
        EXPECT_EQ(path_of(target), "400") << target;
    EXPECT_EQ(path_of("/a%2fb"), "404");
    EXPECT_EQ(path_of("/..%2f..%2fetc"), "404");
    EXPECT_EQ(path_of(std::string_view{"/a\0b", 4}), "400");
}

TEST(request_path, links) {
    EXPECT_EQ(tool::link_path("a b/c%", true), "/a%20b/c%25/");
    EXPECT_EQ(tool::link_path("", true), "/");
    EXPECT_EQ(tool::link_path("evil.example", false), "/evil.example");
}

TEST(precondition, entity_tags) {
    const tool::validators now{"\"a,b\"", 1000};
    auto verdict = [&](leat::http::headers fields) { return tool::judge(fields, now); };
    EXPECT_EQ(verdict({}), tool::verdict::send);
    EXPECT_EQ(verdict({{"If-None-Match", "\"a,b\""}}), tool::verdict::not_modified);
    EXPECT_EQ(verdict({{"If-None-Match", "\"x\" , W/\"a,b\""}}), tool::verdict::not_modified);
    EXPECT_EQ(verdict({{"If-None-Match", "\"x\""}, {"If-None-Match", "\"a,b\""}}), tool::verdict::not_modified);
    EXPECT_EQ(verdict({{"If-None-Match", "a,b"}}), tool::verdict::send);
    EXPECT_EQ(verdict({{"If-None-Match", "\"a,b"}}), tool::verdict::send);
    EXPECT_EQ(verdict({{"If-Match", "\"x\""}}), tool::verdict::failed);
    EXPECT_EQ(verdict({{"If-Match", "*"}}), tool::verdict::send);
    EXPECT_EQ(verdict({{"If-Match", ""}}), tool::verdict::failed);
    EXPECT_TRUE(tool::range_holds({}, now));
    EXPECT_TRUE(tool::range_holds({{"If-Range", "\"a,b\""}}, now));
    EXPECT_FALSE(tool::range_holds({{"If-Range", "W/\"a,b\""}}, now));
    EXPECT_TRUE(tool::range_holds({{"If-Range", "Thu, 01 Jan 1970 00:16:40 GMT"}}, now));
    EXPECT_FALSE(tool::range_holds({{"If-Range", "Thu, 01 Jan 1970 00:16:41 GMT"}}, now));
}

TEST(precondition, dates_are_rounded_down) {
    EXPECT_EQ(tool::validators_of({leat::file_kind::regular, 1, 1'500'000'000ns}).modified, 1);
    EXPECT_EQ(tool::validators_of({leat::file_kind::regular, 1, -1ns}).modified, -1);
    EXPECT_EQ(tool::validators_of({leat::file_kind::regular, 1, -1'000'000'000ns}).modified, -1);
}

TEST(listing_page, escapes) {
    leat::directory_listing listing;
    listing.entries = {{"<script>", {leat::file_kind::regular, 1, 0s}}, {"z", {leat::file_kind::directory, 0, 0s}}, {"fifo", {leat::file_kind::other, 0, 0s}}};
    const std::string page = tool::listing_page("a&b", std::move(listing));
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    EXPECT_NE(page.find("href=\"%3Cscript%3E\">&lt;script&gt;</a>"), std::string::npos);
    EXPECT_NE(page.find("<h1>/a&amp;b</h1>"), std::string::npos);
    EXPECT_EQ(page.find("fifo"), std::string::npos);
    EXPECT_LT(page.find("href=\"z/\""), page.find("script"));
    EXPECT_EQ(tool::html_text("\x1b'\""), "\uFFFD&#39;&quot;");
}

}  // namespace
