#include <gtest/gtest.h>

#include "download/naming.hpp"
#include "leat/http/error.hpp"

namespace leat::detail {
namespace {

TEST(DispositionName, PlainAndQuoted) {
    EXPECT_EQ(name_from_disposition("attachment; filename=example.txt"), "example.txt");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"an example.txt\""), "an example.txt");
    EXPECT_EQ(name_from_disposition("attachment;FileName = \"a;b=c.txt\" ; size=5"), "a;b=c.txt");
    EXPECT_EQ(name_from_disposition("inline; filename=\"a \\\"quoted\\\" one\""), "a \"quoted\" one");
    EXPECT_EQ(name_from_disposition("filename=a.txt"), "a.txt");
    EXPECT_EQ(name_from_disposition("attachment; filename=with blanks.txt; x"), "with blanks.txt");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"not ended.txt"), "not ended.txt");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"a%20b\""), "a%20b");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"=?UTF-8?Q?a?=\""), "=?UTF-8?Q?a?=") << "RFC 2047 has no place here";
    EXPECT_EQ(name_from_disposition("attachment; filename=\"first\"; filename=\"second\""), "first");
}

TEST(DispositionName, NoneIsEmpty) {
    for (const char* field : {"", "attachment", "attachment; name=\"x\"", "attachment; filename", "attachment; filename=", "attachment; filename=\"\"", "inline; filename=\"dir/\"",
                              ";;;", "attachment; xfilename=a", "attachment; foo=\"filename=a\"", "\"", "=", "attachment; filename*=x"})
        EXPECT_EQ(name_from_disposition(field), "") << field;
}

TEST(DispositionName, TheExtendedOneGoesFirst) {
    EXPECT_EQ(name_from_disposition("attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates"), "\u20ac rates");
    EXPECT_EQ(name_from_disposition("attachment; filename*=UTF-8'en'%e2%82%ac; filename=x"), "\u20ac");
    EXPECT_EQ(name_from_disposition("attachment; filename*=iso-8859-1'en'%A3%20rates"), "\u00a3 rates");
    EXPECT_EQ(name_from_disposition("attachment; filename*=\"UTF-8''quoted.txt\""), "quoted.txt");
    // What is malformed, or in another charset, is passed over.
    for (const char* extended : {"UTF-8''%ff", "utf-16''a", "UTF-8''%4", "UTF-8''%zz", "UTF-8'a", "''a", "UTF-8''\xc3\xa4"})
        EXPECT_EQ(name_from_disposition(std::string{"attachment; filename=plain; filename*="} + extended), "plain") << extended;
}

TEST(DispositionName, IsOneHarmlessComponent) {
    EXPECT_EQ(name_from_disposition("attachment; filename=\"/etc/passwd\""), "passwd");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"C:\\\\dir\\\\a.txt\""), "a.txt");
    EXPECT_EQ(name_from_disposition("attachment; filename*=UTF-8''..%2f..%5cx%2Fevil"), "evil");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"..\""), "__");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"a/..\""), "__");
    EXPECT_EQ(name_from_disposition("attachment; filename=\".bashrc\""), "_bashrc");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"...x\""), "___x");
    EXPECT_EQ(name_from_disposition("attachment; filename*=UTF-8''a%00b%0ac%1b"), "a_b_c_");
    EXPECT_EQ(name_from_disposition("attachment; filename*=UTF-8''exe%E2%80%AEgpj"), "exe_gpj");
    EXPECT_EQ(name_from_disposition("attachment; filename=\"\xe4.txt\""), "\u00e4.txt") << "ISO-8859-1, as RFC 6266 lets it be read";
    EXPECT_EQ(name_from_disposition("attachment; filename=\"\xc3\xa4.txt\""), "\u00e4.txt");
    const std::string long_name = name_from_disposition("attachment; filename=" + std::string(5000, 'x') + ".tar");
    EXPECT_EQ(long_name.size(), 255u);
    EXPECT_TRUE(long_name.ends_with("x.tar"));
}

TEST(MirrorPath, IsTheUrls) {
    EXPECT_EQ(mirror_path_of("http://example.org/a/b.txt"), "example.org/a/b.txt");
    EXPECT_EQ(mirror_path_of("https://Example.org:443/a/"), "example.org/a/index.html");
    EXPECT_EQ(mirror_path_of("http://example.org"), "example.org/index.html");
    EXPECT_EQ(mirror_path_of("http://example.org:8080/a?b=/c#d"), "example.org_8080/a");
    EXPECT_EQ(mirror_path_of("http://[::1]:80/x"), "::1/x");
    EXPECT_EQ(mirror_path_of("http://h/a%20b//c"), "h/a b/c");
}

TEST(MirrorPath, StaysBelowItsHost) {
    EXPECT_EQ(mirror_path_of("http://h/../../etc/passwd"), "h/etc/passwd");
    EXPECT_EQ(mirror_path_of("http://h/a/%2e%2e%2f%2e%2e/x"), "h/a/.._../x");
    EXPECT_EQ(mirror_path_of("http://h/a%2fb/c%00d"), "h/a_b/c_d");
    EXPECT_THROW(mirror_path_of("ftp://h/a"), http::error);
    EXPECT_THROW(mirror_path_of("nonsense"), http::error);
}

}  // namespace
}  // namespace leat::detail
