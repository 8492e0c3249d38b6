#include <gtest/gtest.h>

#include <stdexcept>

#include "download/hasher.hpp"
#include "leat/download/checksums.hpp"
#include "support/run.hpp"

namespace leat {
namespace {

using detail::expected_digest;
using detail::hasher;
using testing::thrown_by;

using texts = std::vector<std::string>;

constexpr const char* abc256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string digest_of(const std::string& algorithm, std::string_view text) {
    hasher hash{algorithm};
    for (char c : text) hash.add({&c, 1});
    EXPECT_EQ(hash.count(), text.size());
    return expected_digest{algorithm, hash.finish()}.to_string();
}

TEST(Hasher, KnowsItsAlgorithms) {
    EXPECT_EQ(digest_of("sha256", "abc"), abc256);
    EXPECT_EQ(digest_of("md5", ""), "md5:d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(digest_of("sha1", "abc"), "sha1:a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(digest_of("sha224", "abc"), "sha224:23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
    EXPECT_EQ(digest_of("sha384", "abc").size(), 7 + 96u);
    EXPECT_EQ(digest_of("sha512", "abc").substr(0, 23), "sha512:ddaf35a193617aba");
    EXPECT_EQ(digest_of("sha512-256", "abc"), "sha512-256:53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
    EXPECT_EQ(thrown_by([] { hasher{"rot13"}; }), "checksum algorithm 'rot13' is not known");
}

TEST(Hasher, CanBeMoved) {
    hasher first{"sha256"};
    first.add("a");
    hasher second{std::move(first)};
    second.add("b");
    hasher third{"md5"};
    third = std::move(second);
    third.add("c");
    EXPECT_EQ(third.count(), 3u);
    EXPECT_EQ((expected_digest{"sha256", third.finish()}.to_string()), abc256);
}

TEST(ExpectedDigest, IsReadInItsManyForms) {
    const std::string hex = std::string{abc256}.substr(7);
    std::string upper = hex;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    for (const std::string& text : {"sha256:" + hex, "SHA256:" + upper, "sha-256=" + hex, "Sha-256 = " + upper, hex, " " + upper + " "})
        EXPECT_EQ(expected_digest::parse(text).to_string(), abc256) << text;
    for (const std::string& name : texts{"sha512-256", "SHA-512-256", "SHA-512/256", "sha512256"})
        EXPECT_EQ(expected_digest::parse(name + ":" + hex).to_string(), "sha512-256:" + hex) << name;
    EXPECT_EQ(expected_digest::parse(std::string(32, '0')).algorithm, "md5");
    EXPECT_EQ(expected_digest::parse(std::string(40, '0')).algorithm, "sha1");
    EXPECT_EQ(expected_digest::parse(std::string(56, '0')).algorithm, "sha224");
    EXPECT_EQ(expected_digest::parse(std::string(96, '0')).algorithm, "sha384");
    EXPECT_EQ(expected_digest::parse(std::string(128, '0')).algorithm, "sha512");
    for (const std::string& text : texts{"", std::string{"sha256"}, std::string{"sha256:"}, "sha256:" + hex.substr(1), "sha256:" + hex + "00", "md5:" + hex, "crc32:00000000",
                                    hex.substr(2), "sha256:" + hex.substr(1) + "g", ":" + hex})
        EXPECT_TRUE(thrown_by([&] { expected_digest::parse(text); }).starts_with("checksum '" + text + "': ")) << text;
}

TEST(ExpectedDigest, TheStrongestOfAFieldIsTaken) {
    const std::string sha256 = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    const std::string sha512 = "sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==:";
    const auto algorithm = [](const std::string& field) {
        const auto digest = expected_digest::of_field(field);
        return digest ? digest->algorithm : "";
    };
    EXPECT_EQ(expected_digest::of_field(sha256)->to_string(), abc256);
    EXPECT_EQ(expected_digest::of_field(sha512 + ", " + sha256)->to_string(), digest_of("sha512", "abc"));
    EXPECT_EQ(algorithm(sha256 + " \t,\t " + sha512 + ";p=1;q"), "sha512");
    EXPECT_EQ(algorithm("md5=:AAAA:, unknown;x, n=1.5, list=(1 \"a\\\"b\" ?1);y, token=a/b:c, " + sha256), "sha256");
    EXPECT_EQ(algorithm("sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0:"), "sha256") << "without its padding";
    EXPECT_EQ(algorithm(sha256 + ", sha-256=:AAAA:"), "") << "the last one counts";
    for (const std::string& malformed : {std::string{}, std::string{"sha-256"}, std::string{"sha-256=:AAAA:"}, sha256 + ",", sha256 + ", ,", sha256 + " x", "SHA-256" + sha256.substr(7),
                                         sha256.substr(0, sha256.size() - 1), sha256 + ", a=", sha256 + ", b=:***:", sha256 + ", c=(1", sha256 + ", d=(1\"a\")", sha256 + ", e=\"x",
                                         sha256 + ", f=?2", sha256 + ", g=1.", sha256 + ", h=1234567890123456", sha256 + "; =1", sha256 + ", i=\"\x01\"", "," + sha256,
                                         std::string(20'000, ' ') + sha256})
        EXPECT_EQ(algorithm(malformed), "") << malformed;
}

TEST(Checksums, AsSha256sumAndItsKinWriteThem) {
    const std::string hex = std::string{abc256}.substr(7);
    const auto all = parse_checksums(hex + "  a.txt\n" + hex + " *b c.bin\r\n\n# comment\nMD5 (d (1).txt) = d41d8cd98f00b204e9800998ecf8427e\nSHA2-256(./e)= " + hex + "\n\\" + hex +
                                     "  x\\ny\\\\z\n" + "SHA256 (f) = " + hex);
    ASSERT_EQ(all.size(), 6u);
    EXPECT_EQ(all[0].name, "a.txt");
    EXPECT_EQ(all[0].checksum, abc256);
    EXPECT_EQ(all[1].name, "b c.bin");
    EXPECT_EQ(all[2].name, "d (1).txt");
    EXPECT_EQ(all[2].checksum, "md5:d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(all[3].name, "e");
    EXPECT_EQ(all[3].checksum, abc256);
    EXPECT_EQ(all[4].name, "x\ny\\z");
    EXPECT_EQ(all[5].name, "f");
    EXPECT_TRUE(parse_checksums("").empty());
}

TEST(Checksums, ALineThatIsNoneIsNamed) {
    const std::string hex = std::string{abc256}.substr(7);
    EXPECT_EQ(thrown_by([&] { parse_checksums(hex + "  a\nnonsense\n"); }), "line 2 of the checksums: neither 'HEX  NAME' nor 'ALGORITHM (NAME) = HEX': 'nonsense'");
    for (const std::string& line : texts{hex, hex + " a", hex + "  ", "12  a", "SHA256 (a) " + hex, "(a) = " + hex, "CRC (a) = 00", "\\" + hex + "  a\\x", "\\" + hex + "  a\\", ") = (", "SHA256 () = " + hex})
        EXPECT_TRUE(thrown_by([&] { parse_checksums(line); }).starts_with("line 1 of the checksums: ")) << line;
}

}  // namespace
}  // namespace leat
