#include <gtest/gtest.h>

#include "leat/download/metalink.hpp"
#include "support/run.hpp"

namespace leat {
namespace {

using testing::thrown_by;

const std::string sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string document(const std::string& inside) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">" + inside + "</metalink>";
}
std::string file(const std::string& name, const std::string& more = {}) {
    return "<file name=\"" + name + "\"><hash type=\"sha-256\">" + sha256 + "</hash><url>http://h/x</url>" + more + "</file>";
}
std::string refusal_of(const std::string& text) {
    return thrown_by([&] { parse_metalink(text); });
}

TEST(Metalink, FilesWithMirrorsByPriority) {
    const auto items = parse_metalink(document(
        "<published>2026-11-22T00:00:00Z</published>"
        "<file name=\"dir/example.ext\"><size> 14471447 </size><identity>x</identity>"
        "<hash type=\"md5\">d41d8cd98f00b204e9800998ecf8427e</hash><hash type=\"sha-256\">\n  " + sha256 + "\n</hash><hash type=\"sha-1\">a9993e364706816aba3e25717850c26c9cd0d89d</hash>"
        "<hash type=\"new\">zzz</hash><pieces length=\"10\" type=\"sha-512\"><hash>nothing</hash></pieces>"
        "<url>http://last/x</url><url location=\"de\" priority=\"2\">https://second/x?a=1&amp;b=2</url><url priority=\"1\">ftp://never/x</url><url priority=\"1\">HTTP://first/x</url>"
        "<url priority=\"0\">http://also-last/x</url><metaurl mediatype=\"torrent\">http://h/x.torrent</metaurl></file>" + file("b &#228;")));
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].url, "HTTP://first/x");
    EXPECT_EQ(items[0].name, "dir/example.ext");
    EXPECT_EQ(items[0].options->mirrors, (std::vector<std::string>{"https://second/x?a=1&b=2", "http://last/x", "http://also-last/x"}));
    EXPECT_EQ(items[0].options->checksum, "sha256:" + sha256);
    EXPECT_EQ(items[0].options->size, 14471447u);
    EXPECT_EQ(items[1].name, "b \u00e4");
    EXPECT_FALSE(items[1].options->size);
}

TEST(Metalink, APrefixOfTheNamespace) {
    const auto items = parse_metalink("<m:metalink xmlns:m='urn:ietf:params:xml:ns:metalink'><m:file name='a'><m:hash type='sha-256'>" + sha256 +
                                      "</m:hash><m:url>http://h/a</m:url></m:file><file name='other'/></m:metalink>");
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0].name, "a");
}

TEST(Metalink, NamesStayBelowTheDirectory) {
    EXPECT_EQ(parse_metalink(document(file("./a//b")))[0].name, "a/b");
    EXPECT_EQ(parse_metalink(document(file(".leat-journal")))[0].name, "_leat-journal");
    EXPECT_EQ(parse_metalink(document(file("a&#10;b")))[0].name, "a_b");
    for (const char* name : {"", "/etc/passwd", "..", "../a", "a/../../b", "a/..", "dir/", ".", "./"}) EXPECT_NE(refusal_of(document(file(name))), "") << name;
    EXPECT_EQ(refusal_of(document(file("a/../b"))), "metalink: the name 'a/../b' leads out of its directory");
    EXPECT_EQ(refusal_of(document(file("a/b") + file("a//b"))), "metalink: two files are called 'a/b'");
    EXPECT_NE(refusal_of(document(file(std::string(5000, 'x')))), "");
}

TEST(Metalink, WhatIsMissingOrWrongIsSaid) {
    EXPECT_EQ(refusal_of(document("<file name=\"a\"><url>http://h/</url></file>")), "metalink: the file 'a' has no hash of a kind that is known here");
    EXPECT_EQ(refusal_of(document("<file name=\"a\"><hash type=\"sha-256\">" + sha256 + "</hash><url>ftp://h/</url></file>")), "metalink: the file 'a' has no http or https URL");
    EXPECT_NE(refusal_of(document("<file name=\"a\"><hash type=\"sha-256\">12</hash><url>http://h/</url></file>")), "");
    EXPECT_NE(refusal_of(document(file("a", "<size>-1</size>"))), "");
    EXPECT_NE(refusal_of(document(file("a", "<size>1</size><size>2</size>"))), "");
    EXPECT_EQ(refusal_of(document("")), "metalink: no files");
    EXPECT_EQ(refusal_of("<html/>"), "metalink: the document is none, it begins with <html>");
    EXPECT_EQ(refusal_of("<metalink/>"), "metalink: the namespace is not that of version 4 (RFC 5854)");
    EXPECT_TRUE(refusal_of("").starts_with("metalink: not XML"));
    EXPECT_TRUE(refusal_of("<metalink").starts_with("metalink: not XML at byte "));
}

TEST(Metalink, VersionThreeIsNotRead) {
    EXPECT_EQ(refusal_of("<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\"><files/></metalink>"), "metalink: version 3 is not read, only version 4 (RFC 5854)");
}

TEST(Metalink, NoDocumentTypeAndNoEntities) {
    EXPECT_EQ(refusal_of("<!DOCTYPE metalink [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" + document(file("a")).substr(39)), "metalink: a document type (DTD) is not accepted");
    EXPECT_EQ(parse_metalink(document(file("a&x;b")))[0].name, "a&x;b") << "not one of the five: text";
}

TEST(Metalink, HasLimits) {
    EXPECT_EQ(refusal_of(std::string(16 * 1024 * 1024 + 1, ' ')), "metalink: the document is larger than 16 MiB");
    std::string many;
    for (int i = 0; i <= 100'000; ++i) many += "<file name=\"" + std::to_string(i) + "\"><hash type=\"md5\">d41d8cd98f00b204e9800998ecf8427e</hash><url>http://h</url></file>";
    EXPECT_EQ(refusal_of(document(many)), "metalink: more than 100000 files");
    std::string deep;
    for (int i = 0; i < 200'000; ++i) deep += "<a>";
    for (int i = 0; i < 200'000; ++i) deep += "</a>";
    EXPECT_EQ(refusal_of(document(deep)), "metalink: no files");
}

}  // namespace
}  // namespace leat
