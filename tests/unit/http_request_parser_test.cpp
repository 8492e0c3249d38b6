#include <gtest/gtest.h>

#include <string>

#include "http/request_parser.hpp"
#include "leat/http/error.hpp"

using namespace leat::http;

namespace {

// Consumes one request whole and returns how many bytes it took.
std::size_t feed_all(request_parser& parser, std::string_view all, std::size_t portion) {
    std::size_t used = 0;
    while (used < all.size() && parser.state() != parse_state::complete)
        used += parser.feed(all.substr(used, portion)).consumed;
    return used;
}

template <class Error>
std::string refusal(std::string_view all, std::size_t portion) {
    request_parser parser;
    try {
        feed_all(parser, all, portion);
    } catch (const Error& e) {
        return e.what();
    }
    return "(accepted)";
}

template <class Error = protocol_error>
void expect_refused(std::string_view all, std::string_view says) {
    for (std::size_t portion : {std::size_t{100'000}, std::size_t{1}}) {
        const auto text = refusal<Error>(all, portion);
        EXPECT_NE(text, "(accepted)") << all.substr(0, 100);
        if (portion > 1) {
            EXPECT_NE(text.find(says), std::string::npos) << text;
        }
    }
}

TEST(http_request_parser, a_get_in_any_portions) {
    const std::string all = "GET /a%20b?c=d HTTP/1.1\r\nHost: h:1\r\nRange: bytes=0-\r\n\r\n";
    request_parser parser;
    for (std::size_t portion = 1; portion <= all.size(); ++portion) {
        parser.reset();
        EXPECT_FALSE(parser.started());
        EXPECT_EQ(feed_all(parser, all + "GET /next", portion), all.size());
        EXPECT_EQ(parser.state(), parse_state::complete);
        EXPECT_TRUE(parser.started());
        EXPECT_EQ(parser.method(), "GET");
        EXPECT_EQ(parser.target(), "/a%20b?c=d");
        EXPECT_EQ(parser.version(), 11);
        EXPECT_EQ(parser.headers().get("range"), "bytes=0-");
        EXPECT_TRUE(parser.keep_alive());
    }
}

TEST(http_request_parser, pipelined_requests) {
    std::string_view all = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n";
    request_parser parser;
    all.remove_prefix(feed_all(parser, all, all.size()));
    EXPECT_EQ(parser.target(), "/1");
    parser.reset();
    all.remove_prefix(feed_all(parser, all, all.size()));
    EXPECT_EQ(parser.method(), "HEAD");
    EXPECT_EQ(parser.target(), "/2");
    EXPECT_FALSE(parser.keep_alive());
    EXPECT_TRUE(all.empty());
}

TEST(http_request_parser, small_bodies_are_dropped) {
    for (std::string all :
         {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n12\r\r\n0\r\n\r\n"}) {
        request_parser parser;
        for (std::size_t portion : {std::size_t{1}, std::size_t{9}, all.size()}) {
            parser.reset();
            EXPECT_EQ(feed_all(parser, all + "GET", portion), all.size());
            EXPECT_EQ(parser.state(), parse_state::complete);
            EXPECT_EQ(parser.method(), "POST");
        }
    }
}

TEST(http_request_parser, the_body_is_taken_after_the_head) {
    request_parser parser;
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    const auto step = parser.feed(head + "hello");
    EXPECT_EQ(step.consumed, head.size());
    EXPECT_EQ(step.state, parse_state::body);
}

TEST(http_request_parser, large_bodies_are_refused) {
    expect_refused<too_large_error>("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n",
                                    "more than 65536 bytes");
    expect_refused<too_large_error>("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n",
                                    "more than 65536 bytes");
}

TEST(http_request_parser, blank_lines_before_a_request) {
    request_parser parser;
    EXPECT_EQ(feed_all(parser, "\r\n\r\nGET / HTTP/1.0\r\n\r\n", 1), 22u);
    EXPECT_EQ(parser.target(), "/");
    EXPECT_FALSE(parser.keep_alive());
    parser.reset();
    parser.feed("\r\n");
    EXPECT_FALSE(parser.started());
    expect_refused(std::string(100, '\n'), "blank lines");
}

TEST(http_request_parser, hostile) {
    expect_refused("GET / HTTP/1.1\r\n\r\n", "no Host");
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "Host is repeated");
    expect_refused("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "in an HTTP/1.0 request");
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "both");
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "conflicting");
    expect_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "not an HTTP/1 request: \"GET / HTTP/2.0\"");
    expect_refused("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "not an HTTP request");
    expect_refused("GET / /x HTTP/1.1\r\nHost: a\r\n\r\n", "not an HTTP");
    expect_refused("G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", "not an HTTP request");
    expect_refused(std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 29), "NUL byte");
    expect_refused("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS hello on a plain port", "not an HTTP request");
    expect_refused<too_large_error>("GET /" + std::string(90'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
                                    "a head of more than 65536");
    std::string many;
    for (int i = 0; i < 300; ++i) many += "A: b\r\n";
    expect_refused<too_large_error>("GET / HTTP/1.1\r\nHost: a\r\n" + many + "\r\n", "more than 256 fields");
}

}  // namespace
