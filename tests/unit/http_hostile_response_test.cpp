// Responses that no honest server sends: each is refused, with a text that says why, whether it comes whole or byte by
// byte.

#include <gtest/gtest.h>

#include <string>

#include "http/message_parser.hpp"
#include "leat/http/error.hpp"

using namespace leat::http;

namespace {

template <class Error>
std::string refusal(std::string_view all, std::size_t portion, const parser_limits& limits) {
    message_parser parser{limits};
    try {
        for (std::size_t at = 0; at < all.size() && parser.state() != parse_state::complete; at += portion) {
            auto rest = all.substr(at, portion);
            while (!rest.empty() && parser.state() != parse_state::complete)
                rest.remove_prefix(parser.feed(rest).consumed);
        }
        parser.feed_eof();
    } catch (const Error& e) {
        parser.reset();  // and it serves again
        parser.feed("HTTP/1.1 204 \r\n\r\n");
        EXPECT_EQ(parser.status(), 204);
        EXPECT_EQ(parser.state(), parse_state::complete);
        return e.what();
    }
    return "(accepted)";
}

template <class Error = protocol_error>
void expect_refused(std::string_view all, std::string_view says, const parser_limits& limits = {}) {
    const auto whole = refusal<Error>(all, all.size(), limits);
    EXPECT_NE(whole.find(says), std::string::npos) << whole;
    for (char c : whole) EXPECT_FALSE(c == '\r' || c == '\n' || c == '\0' || c == '\x1b') << whole;
    // In pieces the same message may be found out later, for another reason: a line without CR is one that never ends.
    for (std::size_t portion : {1, 2, 3, 7, 100})
        EXPECT_NE(refusal<error>(all, portion, limits), "(accepted)") << all.substr(0, 200);
}

std::string response(std::string fields, std::string body = "") {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}
std::string chunks(std::string body) { return response("Transfer-Encoding: chunked\r\n", body); }

TEST(http_hostile_response, not_http) {
    expect_refused("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "not an HTTP/1 response: \"SSH-2.0-OpenSSH_9.2p1 Debian-2\"");
    expect_refused("hello\n", "not an HTTP/1 response: \"hello\"");
    expect_refused("\r\n\r\n\r\n", "not an HTTP/1 response");
    expect_refused("HTTP/2.0 200 OK\r\n\r\n", "not an HTTP/1 response: \"HTTP/2.0 200 OK\"");
    expect_refused("HTTP/1.7 200 OK\r\n\r\n", "not an HTTP/1 response");
    expect_refused("HTTP/1.1  200 OK\r\n\r\n", "bad status");
    expect_refused("HTTP/1.1 20 OK\r\n\r\n", "bad status in \"HTTP/1.1 20 OK\"");
    expect_refused("HTTP/1.1 2000 OK\r\n\r\n", "bad status");
    expect_refused("HTTP/1.1 099 OK\r\n\r\n", "impossible status 99");
    expect_refused(std::string(1000, '\0'), "NUL");
    expect_refused("<html><body>\x1b]0;title\x07</body></html>", "not an HTTP/1 response: \"<html>");
}

TEST(http_hostile_response, broken_lines) {
    expect_refused("HTTP/1.1 200 OK\nContent-Length: 0\n\n", "a line end without CR");
    expect_refused(response("A: b\rc\r\n"), "CR without LF in \"A: b\"");
    expect_refused(response("A: b\nEvil: 1\r\n"), "bad field value in \"A: b\"");
    expect_refused(response("A : b\r\n"), "bad field name in \"A : b\"");
    expect_refused(response(": b\r\n"), "bad field name");
    expect_refused(response("no colon\r\n"), "bad field name in \"no colon\"");
    expect_refused(response(" leading: fold\r\n"), "bad field name");
    expect_refused(response(std::string("A: x\0y\r\n", 8)), "NUL byte");
    expect_refused(response(std::string("A\0: xy\r\n", 8)), "NUL byte");
    expect_refused(response("A: \x1b[2J\r\n"), "bad field value");
    expect_refused(std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20), "NUL byte");
}

TEST(http_hostile_response, content_lengths) {
    for (std::string bad : {"abc", "", "-1", "+5", "5 5", "0x10", "1e3", "99999999999999999999999"})
        expect_refused(response("Content-Length: " + bad + "\r\n"), "Content-Length");
    expect_refused(response("Content-Length: 18446744073709551615\r\n"), "impossible Content-Length");
    expect_refused(response("Content-Length: 9223372036854775808\r\n"),
                   "impossible Content-Length 9223372036854775808");
    expect_refused(response("Content-Length: 5\r\nContent-Length: 6\r\n", "123456"),
                   "conflicting values of Content-Length");
    expect_refused(response("Content-Length: 5\r\nContent-Length: 5\r\n", "12345"), "Content-Length is repeated");
    expect_refused(response("Content-Length: 5, 5\r\n", "12345"), "Content-Length is repeated");
    expect_refused(response("Content-Length: 5, 6\r\n", "12345"), "Content-Length");
}

TEST(http_hostile_response, smuggling) {
    const std::string both = "both Content-Length and Transfer-Encoding";
    expect_refused(response("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), both);
    expect_refused(response("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), both);
    expect_refused(response("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", "12345"), both);
    expect_refused(response("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "12345"),
                   "unsupported Transfer-Encoding \"gzip\"");
    expect_refused(response("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "unsupported Transfer-Encoding");
    expect_refused(response("Transfer-Encoding: chunked, identity\r\n"), "unsupported Transfer-Encoding");
    expect_refused(response("Transfer-Encoding: xchunked\r\n"), "unsupported Transfer-Encoding");
    expect_refused(response("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                   "Transfer-Encoding is repeated");
    expect_refused(response("Transfer-Encoding:\r\n"), "unsupported Transfer-Encoding");
}

TEST(http_hostile_response, chunk_sizes) {
    expect_refused(chunks("FFFFFFFFFFFFFFFF\r\n"), "impossible chunk size 18446744073709551615");
    expect_refused(chunks("8000000000000000\r\n"), "impossible chunk size");
    expect_refused(chunks("1\r\na\r\n7FFFFFFFFFFFFFFF\r\n"), "impossible chunk size");
    expect_refused(chunks("10000000000000000\r\n"),
                   "bad chunk size, or data beyond the chunk, at \"10000000000000000\"");
    for (std::string bad : {"", "xyz", "-1", " 5", "0x5", "g"})
        expect_refused(chunks(bad + "\r\nhello\r\n0\r\n\r\n"), "bad chunk");
    expect_refused(chunks("3\r\nabcd\r\n0\r\n\r\n"), "data beyond the chunk");
    expect_refused(chunks("3\nabc\r\n0\r\n\r\n"), "bad chunk");
    expect_refused(chunks("3\rabc\r\n0\r\n\r\n"), "CR without LF");
    expect_refused(chunks(std::string("3\0\r\nabc\r\n0\r\n\r\n", 15)), "NUL byte");
    expect_refused(chunks("3;=\r\nabc\r\n0\r\n\r\n"), "bad chunk extension");
    expect_refused(chunks("3 \r\nabc\r\n0\r\n\r\n"), "bad chunk extension");
}

TEST(http_hostile_response, trailers) {
    expect_refused(chunks("0\r\nbad trailer\r\n\r\n"), "");
    expect_refused(chunks("0\r\nContent-Length: 4\r\n\r\n"), "both Content-Length and Transfer-Encoding");
    expect_refused(chunks("0\r\nTransfer-Encoding: chunked\r\n\r\n"), "Transfer-Encoding is repeated");
    expect_refused(chunks(std::string("0\r\nA: \0\r\n\r\n", 11)), "");
    expect_refused<too_large_error>(chunks("0\r\n" + std::string(70'000, 'x')), "trailers of more than 65536 bytes");
    std::string many;
    for (int i = 0; i < 300; ++i) many += "A: b\r\n";
    expect_refused<too_large_error>(chunks("0\r\n" + many + "\r\n"), "more than 256 fields");
}

TEST(http_hostile_response, endless_heads) {
    expect_refused<too_large_error>("HTTP/1.1 200 " + std::string(100'000, 'x'), "a head of more than 65536 bytes");
    expect_refused<too_large_error>(response("A: " + std::string(100'000, 'x') + "\r\n"),
                                    "a head of more than 65536 bytes");
    expect_refused<too_large_error>(response(std::string(100'000, 'x')), "a head of more than 65536 bytes");
    std::string many;
    for (int i = 0; i < 100; ++i) many += "A: " + std::string(1000, 'x') + "\r\n";
    expect_refused<too_large_error>(response(many), "a head of more than 65536 bytes");
    many.clear();
    for (int i = 0; i < 257; ++i) many += "A: b\r\n";
    expect_refused<too_large_error>(response(many), "more than 256 fields");
    expect_refused<too_large_error>(response("A: b\r\n"), "more than 20 bytes", {.head = 20});
    many.clear();
    for (int i = 0; i < 20; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
    expect_refused(many, "too many interim (1xx) replies");
    expect_refused("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "switched to another protocol");
}

TEST(http_hostile_response, endless_chunk_extensions) {
    expect_refused<too_large_error>(chunks("3;a=" + std::string(5000, 'x') + "\r\nabc\r\n0\r\n\r\n"),
                                    "chunk extension of more than 4096");
    expect_refused<too_large_error>(chunks("3;a=" + std::string(100'000, 'x')),
                                    "a chunk header or trailers of more than");
}

TEST(http_hostile_response, many_bytes_of_heads_are_parsed_in_linear_time) {
    // 60 KB byte by byte: were each byte to cost a scan of all before it, this would take a minute.
    const std::string all = response("A: " + std::string(60'000, 'x') + "\r\nContent-Length: 0\r\n");
    message_parser parser;
    for (int round = 0; round < 20; ++round) {
        parser.reset();
        for (char c : all) parser.feed({&c, 1});
        ASSERT_EQ(parser.state(), parse_state::complete);
    }
}

}  // namespace
