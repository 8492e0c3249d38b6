#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "http/shown_url.hpp"
#include "http/url.hpp"
#include "leat/http/error.hpp"

using leat::http::shown_url;
using leat::http::url;
using leat::http::url_error;

namespace {

std::string refusal(std::string_view text) {
    try {
        url::parse(text);
    } catch (const url_error& e) {
        return e.what();
    }
    return "(accepted)";
}

TEST(http_url, the_parts) {
    const auto u = url::parse("HTTPS://User:p%40ss@Example.ORG:8443/a/b.txt?x=1&y=2#frag");
    EXPECT_TRUE(u.secure());
    EXPECT_EQ(u.scheme(), "https");
    EXPECT_EQ(u.host(), "example.org");
    EXPECT_EQ(u.port(), 8443);
    EXPECT_EQ(u.authority(), "example.org:8443");
    EXPECT_EQ(u.target(), "/a/b.txt?x=1&y=2");
    EXPECT_EQ(u.path(), "/a/b.txt");
    EXPECT_EQ(u.origin(), "https://example.org:8443");
    EXPECT_TRUE(u.has_credentials());
    EXPECT_EQ(u.user(), "User");
    EXPECT_EQ(u.password(), "p@ss");
    EXPECT_EQ(u.string(), "https://example.org:8443/a/b.txt?x=1&y=2");
}

TEST(http_url, defaults) {
    const auto u = url::parse("http://h");
    EXPECT_EQ(u.target(), "/");
    EXPECT_EQ(u.port(), 80);
    EXPECT_EQ(u.origin(), "http://h:80");
    EXPECT_EQ(u.authority(), "h");
    EXPECT_FALSE(u.has_credentials());
    EXPECT_EQ(url::parse("https://h:443/x").string(), "https://h/x");
    EXPECT_EQ(url::parse("https://h:/x").port(), 443);
    EXPECT_EQ(url::parse("http://h:443/").origin(), "http://h:443");
    EXPECT_EQ(url::parse("http://h?a=b").target(), "/?a=b");
    EXPECT_EQ(url::parse("http://h/a?").target(), "/a?");
    EXPECT_EQ(url::parse("http://h#f").target(), "/");
    EXPECT_TRUE(url::parse("http://H:80/").same_origin(url::parse("http://h/x")));
    EXPECT_FALSE(url::parse("http://h/").same_origin(url::parse("https://h/")));
}

// A blank in front is taken away, and means that the text is not read in the short way.
TEST(http_url, read_in_the_short_way_it_is_the_same_url) {
    for (const std::string text : {"http://h", "http://h/", "https://h:443/x", "https://h:0443/x", "http://h:8080", "http://h:8080/", "http://127.0.0.1:1/a", "http://a.b-c_d.org/a//b/",
                                   "http://h/a.b/c..d/e", "http://h/~u/!$&'()*+,;=:@-._", "http://h/a?", "http://h/a?b=/../?c", "http://h/a?./..", "http://H/a", "HTTP://h/a",
                                   "http://h/./a", "http://h/a/../b", "http://h/..", "http://h/.hidden", "http://h/%2e%2e/a", "http://h/a b", "http://h/a#b", "http://u:p@h/a",
                                   "http://h?a", "http://h/[a]", "http://h/a%zz", "http://[::1]/a"}) {
        const auto plainly = url::parse(text), tidied = url::parse(" " + text);
        EXPECT_EQ(plainly.string(), tidied.string());
        EXPECT_EQ(plainly.origin(), tidied.origin()) << text;
        EXPECT_EQ(plainly.host(), tidied.host()) << text;
        EXPECT_EQ(plainly.port(), tidied.port()) << text;
        EXPECT_EQ(plainly.authority(), tidied.authority()) << text;
        EXPECT_EQ(plainly.target(), tidied.target()) << text;
        EXPECT_EQ(plainly.user(), tidied.user()) << text;
    }
    for (const std::string text : {"http://", "http:///a", "http://h:x/", "http://h:0/", "http://h:65536/", "http://h:80x/", "http://h:-1/", "http://h\x7f/", "ftp://h/", "h/a"})
        EXPECT_NE(refusal(text), "(accepted)") << text;
}

TEST(http_url, addresses) {
    const auto u = url::parse("http://[::1]:8080/x");
    EXPECT_EQ(u.host(), "::1");
    EXPECT_EQ(u.authority(), "[::1]:8080");
    EXPECT_EQ(u.origin(), "http://[::1]:8080");
    EXPECT_EQ(url::parse("http://[2001:DB8:0:0::1]/").host(), "2001:db8::1");
    EXPECT_EQ(url::parse("http://127.0.0.1:1/").host(), "127.0.0.1");
}

TEST(http_url, tolerance) {
    const auto target = [](std::string_view text) { return std::string(url::parse(text).target()); };
    EXPECT_EQ(target("  http://h/a b/c\xC3\xA9?q=x y\t"), "/a%20b/c%C3%A9?q=x%20y");
    EXPECT_EQ(target("http://h/a%2fb%zz%4"), "/a%2fb%25zz%254");
    EXPECT_EQ(target("http://h/[x]{y}|\\^`<>\"?[z]"), "/%5Bx%5D%7By%7D%7C%5C%5E%60%3C%3E%22?%5Bz%5D");
    EXPECT_EQ(target("http://h/!$&'()*+,;=:@-._~"), "/!$&'()*+,;=:@-._~");
    EXPECT_EQ(target("http://h/a/../b/./c"), "/b/c");
    EXPECT_EQ(target("http://h/../../etc"), "/etc");
    EXPECT_EQ(target("http://h//double//slash"), "//double//slash");
    EXPECT_EQ(target("http://h/?next=/../x"), "/?next=/../x");
    EXPECT_EQ(url::parse("http://%48ost_1.x/").host(), "host_1.x");
}

TEST(http_url, refusals_say_why_and_name_the_url) {
    const auto expect = [](std::string_view text, std::string_view why) {
        const auto what = refusal(text);
        EXPECT_NE(what.find(why), std::string::npos) << text << " -> " << what;
        for (char c : what) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << what;
    };
    expect("", "no http:// or https://");
    expect("example.org/x", "bad URL \"example.org/x\": no http:// or https:// in front");
    expect("ftp://h/", "neither http nor https");
    expect("file:///etc/passwd", "neither http nor https");
    expect("http:/h/", "no host");
    expect("http:///x", "no host");
    expect("http://:80/", "no host");
    expect("http://h:0/", "impossible port");
    expect("http://h:65536/", "impossible port");
    expect("http://h:99999999999999999999/", "impossible port");
    expect("http://h:8x/", "not a URL");
    expect("http://[::1]x/", "not a URL");
    expect("http://h:80evil.example/", "not a URL");
    expect(
        "http://b\xC3\xBC"
        "cher.example/",
        "xn--");
    expect(
        "http://b%C3%BC"
        "cher.example/",
        "xn--");
    expect("http://a b/", "not a URL");
    expect("http://a%20b/", "character in the host");
    expect("http://a%0d%0aEvil/", "character in the host");
    expect("http://good\\@evil/", "not a URL");
    expect("http://[::1/", "not a URL");
    expect("http://[v1.x]/", "unknown kind of address");
    expect("http://[fe80::1%25eth0]/", "not a URL");
    expect("http://h/a\r\nEvil: 1", "control character");
    expect(std::string_view("http://h/\0", 10), "control character");
    expect("http://h/\x1b[2J", "control character");
    expect("http://" + std::string(300, 'a') + "/", "longer than 255");
    expect("http://h/" + std::string(70'000, 'a'), "longer than 64 KiB");
    EXPECT_EQ(refusal("http://user:secret@h:0/").find("secret"), std::string::npos);
}

TEST(http_url, who_it_says_to_be_is_not_shown_though_it_may_be_no_url) {
    for (const char* url : {"http://u:p@h/x", "http://u:p@q@h/x", "http://u@h/x", "http://u:@h/x", "http://u:p/q@h/x", "http://u:p#q@h/x", "http://u:80\\p@h/x", "http://[u:p/q@h/x"})
        EXPECT_EQ(shown_url(url), "http://***@h/x") << url;
    EXPECT_EQ(shown_url("u:p@h"), "***@h");
    EXPECT_EQ(shown_url("//u:p@h"), "//***@h");
    EXPECT_EQ(shown_url("http:/u:p@h"), "http:/***@h");
    EXPECT_EQ(shown_url("http:u:p@h"), "http:***@h");
    EXPECT_EQ(shown_url("redis://u:p@h"), "redis://***@h");
    EXPECT_EQ(shown_url("u:p://q@h"), "***@h");
    for (const char* url : {"http://h/a@b", "http://h:80/a:b@c", "http://h:/a@b", "http://h?a:b@c", "http://[::1]/a@b", "http://[::1]:80/a:b@c", "h", ""}) EXPECT_EQ(shown_url(url), url);
}

TEST(http_url, resolves_as_rfc_3986_5_4_does) {
    const auto base = url::parse("http://a/b/c/d;p?q");
    const std::pair<const char*, const char*> cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
    };
    for (const auto& [reference, expected] : cases) EXPECT_EQ(base.resolve(reference).string(), expected) << reference;
}

TEST(http_url, an_encoded_slash_parts_no_segments) {
    const auto target = [](std::string_view text) { return std::string(url::parse(text).target()); };
    EXPECT_EQ(target("http://host/..%2f..%2fescaped"), "/..%2f..%2fescaped");
    EXPECT_EQ(target("http://host/a/./..%2F..%2Fescaped"), "/a/..%2F..%2Fescaped");
    EXPECT_EQ(target("http://host/a/../.%2f%41%7e?q=%2e"), "/.%2f%41%7e?q=%2e");
    const auto base = url::parse("http://host/a/b");
    EXPECT_EQ(base.resolve("..%2fescaped").target(), "/a/..%2fescaped");
    EXPECT_EQ(base.resolve("/..%2f..%2fescaped").target(), "/..%2f..%2fescaped");
    // A dot is a dot, however it is written.
    EXPECT_EQ(target("http://host/a/%2e%2E/.%2e/b/%2e"), "/b/");
    EXPECT_EQ(target("http://host/.../..a/%2e%2e%2e/%2"), "/.../..a/%2e%2e%2e/%252");
    EXPECT_EQ(target("http://host/a//../b"), "/a/b");
    EXPECT_EQ(target("http://host/.."), "/");
}

TEST(http_url, resolves_what_servers_send) {
    const auto base = url::parse("https://h:8443/dir/file");
    EXPECT_EQ(base.resolve("http://other/x").string(), "http://other/x");
    EXPECT_EQ(base.resolve("//Other/x").string(), "https://other/x");
    EXPECT_EQ(base.resolve("/a b\xC3\xA9").string(), "https://h:8443/a%20b%C3%A9");
    EXPECT_EQ(base.resolve("/login?next=http://x/y").target(), "/login?next=http://x/y");
    EXPECT_EQ(base.resolve("/x?a:b").target(), "/x?a:b");
    EXPECT_EQ(base.resolve("/a/../../b").string(), "https://h:8443/b");
    EXPECT_THROW(base.resolve("javascript:alert(1)"), url_error);
    EXPECT_THROW(base.resolve("file:///etc/passwd"), url_error);
    EXPECT_THROW(base.resolve("http://"), url_error);
    EXPECT_THROW(base.resolve("/x\r\nEvil: 1"), url_error);
}

TEST(http_url, credentials_stay_within_the_origin) {
    const auto base = url::parse("http://u:p@h/a");
    EXPECT_EQ(base.resolve("/b").user(), "u");
    EXPECT_EQ(base.resolve("http://h:80/b").password(), "p");
    EXPECT_FALSE(base.resolve("https://h/b").has_credentials());
    EXPECT_FALSE(base.resolve("//other/b").has_credentials());
    EXPECT_EQ(base.resolve("http://x@h/").user(), "x");
    EXPECT_EQ(base.resolve("http://x@h/").password(), "");
}

TEST(http_url, copies_are_whole) {
    url copy = url::parse("http://short/");
    {
        const auto u = url::parse("http://[::1]:9/" + std::string(100, 'x'));
        copy = u;
    }
    EXPECT_EQ(copy.host(), "::1");
    EXPECT_EQ(copy.target().size(), 101u);
}

}  // namespace
