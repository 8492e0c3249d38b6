// What a response's parser makes of well-formed messages, however they are cut.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "http/message_parser.hpp"
#include "leat/http/error.hpp"

using namespace leat::http;

namespace {

struct outcome {
    int status = 0;
    std::string reason, fields, trailers, body;
    framing how = framing::none;
    bool close = false;
    bool complete = false;
    std::size_t consumed = 0;

    bool operator==(const outcome&) const = default;
};

std::string text_of(const headers& fields) {
    std::string out;
    for (auto f : fields) out.append(f.name).append(": ").append(f.value).append("\n");
    return out;
}

// Feeds in portions of the given size; each portion is copied to memory of its own, so that ASan sees a view kept too
// long.
outcome parse(message_parser& parser, std::string_view all, std::size_t portion, bool eof = true) {
    outcome out;
    for (std::size_t at = 0; at < all.size() && parser.state() != parse_state::complete;) {
        const std::string piece{all.substr(at, portion)};
        std::string_view rest = piece;
        while (!rest.empty() && parser.state() != parse_state::complete) {
            const auto step = parser.feed(rest);
            EXPECT_GT(step.consumed, 0u);
            if (!step.body.empty()) {
                EXPECT_GE(step.body.data(), rest.data()) << "the body is not a view of the data";
                EXPECT_LE(step.body.data() + step.body.size(), rest.data() + rest.size());
            }
            out.body += step.body;
            rest.remove_prefix(step.consumed);
            out.consumed += step.consumed;
        }
        at += piece.size();
    }
    if (eof) parser.feed_eof();
    out.status = parser.status();
    out.reason = parser.reason();
    out.fields = text_of(parser.headers());
    out.trailers = text_of(parser.trailers());
    out.how = parser.framing();
    out.close = parser.expects_close();
    out.complete = parser.state() == parse_state::complete;
    EXPECT_EQ(parser.received(), out.body.size());
    return out;
}

outcome parse(std::string_view all, bool to_head = false) {
    message_parser parser;
    parser.reset(to_head);
    const auto whole = parse(parser, all, all.size());
    // Every other cut must come to the same, on a parser that is used again and again.
    for (std::size_t portion = 1; portion <= std::min<std::size_t>(all.size(), 40); ++portion) {
        parser.reset(to_head);
        EXPECT_EQ(parse(parser, all, portion), whole) << "in portions of " << portion;
    }
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
        parser.reset(to_head);
        std::string body;
        for (auto part : {all.substr(0, cut), all.substr(cut)}) {
            while (!part.empty() && parser.state() != parse_state::complete) {
                const auto step = parser.feed(part);
                body += step.body;
                part.remove_prefix(step.consumed);
            }
        }
        parser.feed_eof();
        EXPECT_EQ(body, whole.body) << "cut at " << cut;
        EXPECT_EQ(text_of(parser.headers()), whole.fields) << "cut at " << cut;
    }
    return whole;
}

TEST(http_message_parser, content_length) {
    const auto r = parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  padded \t\r\n\r\nhello");
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.reason, "OK");
    EXPECT_EQ(r.fields, "Content-Length: 5\nX-A: padded\n");
    EXPECT_EQ(r.body, "hello");
    EXPECT_EQ(r.how, framing::content_length);
    EXPECT_FALSE(r.close);
    EXPECT_TRUE(r.complete);
}

TEST(http_message_parser, leaves_what_follows_the_message) {
    message_parser parser;
    const std::string all =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const auto first = parse(parser, all, all.size());
    EXPECT_EQ(first.body, "hi");
    EXPECT_EQ(parser.feed("more").consumed, 0u);
    parser.reset();
    const auto second = parse(parser, std::string_view(all).substr(first.consumed), all.size());
    EXPECT_EQ(second.status, 404);
    EXPECT_EQ(second.reason, "Not Found");
    EXPECT_EQ(second.body, "");
    EXPECT_TRUE(second.complete);
}

TEST(http_message_parser, content_length_zero) {
    message_parser parser;
    const auto r = parse(parser, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1000, false);
    EXPECT_TRUE(r.complete);
    EXPECT_EQ(parser.content_length(), 0u);
    EXPECT_EQ(parser.remaining(), 0u);
}

TEST(http_message_parser, chunked) {
    const auto r = parse(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "5\r\nhello\r\n1\r\n,\r\n00000A;name=value;q=\"a b\"\r\n0123456789\r\n0\r\n\r\n");
    EXPECT_EQ(r.body, "hello,0123456789");
    EXPECT_EQ(r.how, framing::chunked);
    EXPECT_TRUE(r.complete);
    EXPECT_FALSE(r.close);
    EXPECT_EQ(r.trailers, "");
}

TEST(http_message_parser, chunked_with_trailers) {
    const auto r = parse(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n"
        "3\r\nabc\r\n0\r\nDigest: x=1\r\nX-Long: " +
        std::string(300, 'y') + "\r\n\r\n");
    EXPECT_EQ(r.body, "abc");
    EXPECT_EQ(r.fields, "Transfer-Encoding: chunked\nTrailer: Digest\n");
    EXPECT_EQ(r.trailers, "Digest: x=1\nX-Long: " + std::string(300, 'y') + "\n");
}

TEST(http_message_parser, chunked_and_empty) {
    const auto r = parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    EXPECT_EQ(r.body, "");
    EXPECT_TRUE(r.complete);
}

TEST(http_message_parser, large_chunks_are_views) {
    std::string body(300'000, 'b');
    message_parser parser;
    const auto r = parse(
        parser, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493E0\r\n" + body + "\r\n0\r\n\r\n", 70'000);
    EXPECT_EQ(r.body, body);
    EXPECT_TRUE(r.complete);
}

TEST(http_message_parser, until_close) {
    const auto r = parse("HTTP/1.1 200 OK\r\nX: 1\r\n\r\nall that comes\r\n\r\n");
    EXPECT_EQ(r.body, "all that comes\r\n\r\n");
    EXPECT_EQ(r.how, framing::until_close);
    EXPECT_TRUE(r.close);
    EXPECT_TRUE(r.complete);
}

TEST(http_message_parser, no_body_where_there_can_be_none) {
    for (std::string status : {"204 No Content", "304 Not Modified"}) {
        const auto r = parse("HTTP/1.1 " + status + "\r\nContent-Length: 10\r\n\r\n");
        EXPECT_TRUE(r.complete) << status;
        EXPECT_EQ(r.how, framing::none) << status;
        EXPECT_FALSE(r.close) << status;
    }
    for (std::string field : {"Content-Length: 10", "Transfer-Encoding: chunked", "X: 1"}) {
        const auto r = parse("HTTP/1.1 200 OK\r\n" + field + "\r\n\r\n", true);
        EXPECT_TRUE(r.complete) << field;
        EXPECT_EQ(r.how, framing::none) << field;
    }
    message_parser parser;
    parser.reset(true);
    parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    EXPECT_EQ(parser.content_length(), 10u);
    EXPECT_EQ(parser.remaining(), 0u);
}

TEST(http_message_parser, interim_replies_are_skipped) {
    const auto r = parse(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 3\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.fields, "Content-Length: 2\n");
    EXPECT_EQ(r.body, "ok");
}

TEST(http_message_parser, keep_alive_by_version_and_field) {
    const auto closes = [](std::string head) { return parse(head + "Content-Length: 0\r\n\r\n").close; };
    EXPECT_FALSE(closes("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(closes("HTTP/1.1 200 OK\r\nConnection: close\r\n"));
    EXPECT_TRUE(closes("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\n"));
    EXPECT_TRUE(closes("HTTP/1.0 200 OK\r\n"));
    EXPECT_FALSE(closes("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n"));
    // HTTP/1.0 knows no chunks: decoded, but not trusted beyond this message.
    const auto r =
        parse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    EXPECT_EQ(r.body, "a");
    EXPECT_TRUE(r.close);
}

TEST(http_message_parser, odd_but_legal_heads) {
    EXPECT_EQ(parse("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").reason, "");
    EXPECT_EQ(parse("HTTP/1.1 299 a  b \xE9\r\nContent-Length: 0\r\n\r\n").reason, "a  b \xE9");
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nA:\r\nB: x\r\n  folded\r\nContent-Length: 0\r\n\r\n").fields,
              "A: \nB: x folded\nContent-Length: 0\n");
}

TEST(http_message_parser, a_status_line_without_the_blank_behind_the_number) {
    const auto r = parse("HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno");
    EXPECT_EQ(r.status, 404);
    EXPECT_EQ(r.reason, "");
    EXPECT_EQ(r.body, "no");
    EXPECT_EQ(r.consumed, 37u);
}

TEST(http_message_parser, stops_behind_the_head) {
    message_parser parser;
    EXPECT_FALSE(parser.started());
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    const auto step = parser.feed(head + "123");
    EXPECT_EQ(step.consumed, head.size());
    EXPECT_EQ(step.state, parse_state::body);
    EXPECT_EQ(step.body, "");
    EXPECT_TRUE(parser.started());
    EXPECT_EQ(parser.remaining(), 9u);
}

TEST(http_message_parser, skip_body_goes_past_the_parser) {
    message_parser parser;
    EXPECT_THROW(parser.skip_body(1), std::logic_error);
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    parser.feed(head);
    EXPECT_EQ(parser.feed("123").body, "123");
    EXPECT_EQ(parser.remaining(), 997u);
    parser.skip_body(900);
    EXPECT_EQ(parser.remaining(), 97u);
    EXPECT_THROW(parser.skip_body(98), std::logic_error);
    EXPECT_EQ(parser.state(), parse_state::body);
    parser.skip_body(97);
    EXPECT_EQ(parser.state(), parse_state::complete);
    EXPECT_EQ(parser.received(), 1000u);

    parser.reset();
    parser.feed("HTTP/1.1 200 OK\r\n\r\n");
    parser.skip_body(5'000'000'000);
    EXPECT_FALSE(parser.remaining());
    parser.feed_eof();
    EXPECT_EQ(parser.received(), 5'000'000'000u);

    parser.reset();
    parser.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_THROW(parser.skip_body(1), std::logic_error);
}

TEST(http_message_parser, headers_can_be_moved_out) {
    message_parser parser;
    parser.feed("HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 1\r\n\r\n");
    const headers taken = std::move(parser.headers());
    EXPECT_EQ(taken.get("x-a"), "1");
    EXPECT_EQ(parser.feed("z").body, "z");
    parser.reset();
    parser.feed("HTTP/1.1 200 OK\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(parser.headers().get("x-b"), "2");
    EXPECT_EQ(taken.get("x-a"), "1");
}

TEST(http_message_parser, an_early_end_is_a_truncation) {
    const auto end_after = [](std::string_view data) -> std::pair<std::optional<std::uint64_t>, std::uint64_t> {
        message_parser parser;
        while (!data.empty()) data.remove_prefix(parser.feed(data).consumed);
        try {
            parser.feed_eof();
        } catch (const truncated_error& e) {
            return {e.expected(), e.received()};
        }
        ADD_FAILURE() << "no truncated_error";
        return {};
    };
    using got = std::pair<std::optional<std::uint64_t>, std::uint64_t>;
    EXPECT_EQ(end_after("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234"), (got{10, 4}));
    EXPECT_EQ(end_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), (got{std::nullopt, 5}));
    EXPECT_EQ(end_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), (got{std::nullopt, 3}));
    EXPECT_EQ(end_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), (got{std::nullopt, 0}));
    EXPECT_EQ(end_after("HTTP/1.1 200 OK\r\nContent-Le"), (got{std::nullopt, 0}));
    EXPECT_EQ(end_after("HTTP/1."), (got{std::nullopt, 0}));
    EXPECT_EQ(end_after(""), (got{std::nullopt, 0}));
}

}  // namespace
