#include "site/visit.hpp"

#include <algorithm>
#include <array>

#include "http/ascii.hpp"
#include "http/request_parser.hpp"
#include "leat/http/error.hpp"
#include "leat/io/copy.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "site/reply.hpp"

namespace tool {
namespace {

namespace http = leat::http;

constexpr std::size_t longest_line = 8 * 1024;
constexpr http::parser_limits limits_of_a_request{.head = 32 * 1024, .fields = 100};
constexpr std::size_t piece = 256 * 1024;

/// How a request begins: with an answer to find, with a refusal, or not at all.
struct arrival {
    enum : unsigned char { request, refused, nobody } what = request;
    reply refusal;
};

arrival refuse(int status, std::string_view why = {}) { return {.what = arrival::refused, .refusal = text_reply(status, why)}; }

class visitor {
public:
    visitor(const site& of, visit_limits limits, leat::stream_reader& reader, leat::stream_writer& writer)
        : site_(of), limits_(limits), reader_(reader), writer_(writer), parser_(limits_of_a_request) {}

    leat::task<> stay();

private:
    leat::task<arrival> next_request();
    arrival feed();
    leat::task<bool> send(reply answer, bool keep_alive);
    leat::task<bool> send_file(leat::file& content, std::uint64_t offset, std::uint64_t length);
    arrival check_method() const;

    const site& site_;
    visit_limits limits_;
    leat::stream_reader& reader_;
    leat::stream_writer& writer_;
    http::request_parser parser_;
    std::string_view rest_;          // of what was read last; valid until the next read
    std::size_t line_ = 0;           // bytes of the request line, while its end has not come
    bool line_ended_ = false;
    bool first_ = true;
};

/// The end of the request line is looked for here, since a line that is too long has a status of its own.
arrival visitor::feed() {
    if (!line_ended_) {
        const auto end = rest_.find('\n');
        line_ += std::min(end, rest_.size());
        // Blank lines before a request are not yet its first one.
        line_ended_ = end != std::string_view::npos && (parser_.started() || rest_.find_first_not_of("\r\n") < end);
        if (line_ > longest_line) return refuse(414);
    }
    try {
        rest_.remove_prefix(parser_.feed(rest_).consumed);
    } catch (const http::too_large_error& e) {
        return refuse(parser_.state() == http::parse_state::head ? 431 : 413, e.what());
    } catch (const http::protocol_error& e) {
        return refuse(400, e.what());
    }
    return {};
}

arrival visitor::check_method() const {
    const auto method = parser_.method();
    if (method == "GET" || method == "HEAD") return {};
    constexpr std::array<std::string_view, 7> known{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"};
    const bool is_known = std::find(known.begin(), known.end(), method) != known.end();
    arrival refused = refuse(is_known ? 405 : 501);
    if (is_known) refused.refusal.add("Allow", "GET, HEAD");
    return refused;
}

/// Reads a request to the end of its head and of its body, which is dropped.
leat::task<arrival> visitor::next_request() {
    parser_.reset();
    line_ = 0;
    line_ended_ = false;
    bool begun = !rest_.empty();
    bool checked = false;
    leat::time_point deadline = leat::now() + (begun || first_ ? limits_.head : limits_.idle);
    while (parser_.state() != http::parse_state::complete) {
        if (rest_.empty()) {
            bool late = false;
            std::optional<std::string_view> arrived;
            try {
                arrived = co_await leat::timeout(deadline - leat::now(), reader_.read());
            } catch (const leat::timeout_error&) {
                late = true;
            }
            if (late && begun) co_return refuse(408);
            if (!arrived) co_return arrival{.what = arrival::nobody, .refusal = {}};
            rest_ = *arrived;
            if (!begun && !first_) deadline = leat::now() + limits_.head;
            begun = true;
        }
        arrival problem = feed();
        if (problem.what != arrival::request) co_return problem;
        if (checked || parser_.state() == http::parse_state::head) continue;
        checked = true;
        problem = check_method();
        if (problem.what != arrival::request) co_return problem;
        const auto expected = parser_.headers().get("Expect");
        if (parser_.state() == http::parse_state::body && expected && http::ascii::equal(*expected, "100-continue"))
            co_await writer_.write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    first_ = false;
    co_return arrival{};
}

/// Sends a part of a file; false if the file was shorter, so that the peer has to be told by the end of the connection.
leat::task<bool> visitor::send_file(leat::file& content, std::uint64_t offset, std::uint64_t length) {
    if (offset != 0) co_await content.seek(static_cast<std::int64_t>(offset));
    while (length > 0) {
        // In pieces, since a large file may take its time as long as it moves.
        const std::uint64_t wanted = std::min<std::uint64_t>(length, piece);
        const std::uint64_t sent = co_await leat::timeout(limits_.stall, leat::copy(content, writer_, wanted));
        if (sent < wanted) co_return false;
        length -= sent;
    }
    co_return true;
}

/// True if the connection can carry another answer.
leat::task<bool> visitor::send(reply answer, bool keep_alive) {
    const bool to_head = parser_.state() != http::parse_state::head && parser_.method() == "HEAD";
    const std::string head = head_of(answer, keep_alive, parser_.version());
    const bool with_text = !to_head && !answer.bodiless;
    if (!with_text) answer.text.clear();
    co_await leat::timeout(limits_.stall, writer_.write(head, answer.text));
    if (!with_text || !answer.content) co_return keep_alive;
    const bool whole = co_await send_file(answer.content, answer.offset, answer.length);
    if (!whole) leat::log::warn("{} became shorter while it was sent", answer.content.path().string());
    co_await answer.content.close();
    co_return keep_alive && whole;
}

leat::task<> visitor::stay() {
    for (bool more = true; more;) {
        arrival came = co_await next_request();
        if (came.what == arrival::nobody) break;
        if (came.what == arrival::refused) {
            leat::log::debug("{}: {}", writer_.peer_address(), came.refusal.status);
            more = co_await send(std::move(came.refusal), false);
            break;
        }
        reply answer = co_await site_.answer(parser_.target(), parser_.headers());
        leat::log::debug("{} {} {}: {}", writer_.peer_address(), parser_.method(), parser_.target(), answer.status);
        more = co_await send(std::move(answer), parser_.keep_alive());
    }
}

}  // namespace

leat::task<> visit(const site& of, visit_limits limits, leat::stream_reader reader, leat::stream_writer writer) {
    visitor here{of, limits, reader, writer};
    try {
        co_await here.stay();
        co_await writer.close();
    } catch (const leat::error& e) {
        leat::log::debug("{}", e.what());  // visitors go away in the middle of things
    } catch (const leat::timeout_error&) {
        leat::log::debug("{}: takes nothing any more", writer.peer_address());
    }
}

}  // namespace tool
