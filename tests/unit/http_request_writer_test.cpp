#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "http/percent.hpp"
#include "http/request_parser.hpp"
#include "http/request_writer.hpp"

using namespace leat::http;

namespace {

std::string written(const request_head& request) {
    std::string out;
    write_request_head(out, request);
    return out;
}

TEST(http_request_writer, defaults) {
    EXPECT_EQ(written({.target = "/x?y", .host = "h:8080"}),
              "GET /x?y HTTP/1.1\r\nHost: h:8080\r\nUser-Agent: leat/0.1\r\nAccept: */*\r\nAccept-Encoding: "
              "identity\r\n\r\n");
}

TEST(http_request_writer, appends) {
    std::string out = "before ";
    write_request_head(out, {.host = "h"});
    EXPECT_TRUE(out.starts_with("before GET / HTTP/1.1\r\n"));
}

TEST(http_request_writer, own_fields_replace_the_defaults) {
    const headers fields{{"user-agent", "me"}, {"Range", "bytes=5-"}, {"Accept-Encoding", "gzip"}};
    EXPECT_EQ(written({.host = "h", .fields = &fields, .keep_alive = false}),
              "GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nConnection: close\r\n"
              "user-agent: me\r\nRange: bytes=5-\r\nAccept-Encoding: gzip\r\n\r\n");
}

TEST(http_request_writer, body_and_added_fields) {
    const headers fields{{"Content-Length", "7"}};
    const headers added{{"Authorization", "Basic eA=="}};
    EXPECT_EQ(written({.method = "POST", .host = "h", .fields = &fields, .added = &added, .content_length = 12, .user_agent = "me/1"}),
              "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: me/1\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
              "Content-Length: 12\r\nAuthorization: Basic eA==\r\n\r\n");
}

TEST(http_request_writer, refuses_injection) {
    EXPECT_THROW(written({.method = "GET /", .host = "h"}), std::invalid_argument);
    EXPECT_THROW(written({.method = "", .host = "h"}), std::invalid_argument);
    EXPECT_THROW(written({.target = "/a b", .host = "h"}), std::invalid_argument);
    EXPECT_THROW(written({.target = "/a\r\nX: y", .host = "h"}), std::invalid_argument);
    EXPECT_THROW(written({.target = "", .host = "h"}), std::invalid_argument);
    EXPECT_THROW(written({.host = "h\r\nX: y"}), std::invalid_argument);
    EXPECT_THROW(written({.host = ""}), std::invalid_argument);
    EXPECT_THROW(written({.host = "h", .user_agent = "x\r\ny"}), std::invalid_argument);
}

TEST(http_request_writer, the_request_parser_reads_it) {
    const headers fields{{"X-Odd", ""}, {"X-Latin", "caf\xE9"}};
    request_parser parser;
    const auto text = written({.method = "M-SEARCH", .target = "*", .host = "[::1]:80", .fields = &fields});
    EXPECT_EQ(parser.feed(text).consumed, text.size());
    EXPECT_EQ(parser.state(), parse_state::complete);
    EXPECT_EQ(parser.method(), "M-SEARCH");
    EXPECT_EQ(parser.target(), "*");
    EXPECT_EQ(parser.headers().get("x-latin"), "caf\xE9");
    EXPECT_EQ(parser.headers().get("x-odd"), "");
}

TEST(http_request_writer, basic_authorization_pads) {
    EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_EQ(basic_authorization("", ""), "Basic Og==");
    EXPECT_EQ(basic_authorization("a", "b"), "Basic YTpi");
    EXPECT_EQ(basic_authorization("a", "bc"), "Basic YTpiYw==");
    EXPECT_EQ(basic_authorization("\xFF\xFF", "\xFF\xFF\xFF"), "Basic //86////");
}

TEST(http_percent, both_ways) {
    EXPECT_EQ(percent_encode("a b/c~\xC3\xA9%"), "a%20b%2Fc~%C3%A9%25");
    EXPECT_EQ(percent_encode("a/b c", "/"), "a/b%20c");
    EXPECT_EQ(percent_decode("a%20b%2fc%2F"), "a b/c/");
    EXPECT_EQ(percent_decode("100%"), "100%");
    EXPECT_EQ(percent_decode("%4"), "%4");
    EXPECT_EQ(percent_decode("%zz%41"), "%zzA");
    EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

}  // namespace
