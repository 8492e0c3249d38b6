#pragma once
#include "http/message_parser.hpp"
#include "leat/http/body.hpp"
#include "leat/task/detail/timer.hpp"
#include "net/tcp_stream.hpp"
#include "task/small_pool.hpp"

namespace leat::detail {

class http_pool;
struct http_origin;

/// One connection to a server, with the parser of its responses. Used by one exchange at a time, or idle in the pool.
///
/// It has one timer for everything: waiting for the head, pauses in the body, lying idle. What it counts from moves all the time; the
/// timer itself is only moved when it has fired or fires too late, so that a piece of a body costs no work on the timer heap.
class http_connection final : private timer, public pooled<http_connection> {
public:
    http_connection(tcp_stream& stream, http_origin& origin, const http::parser_limits& limits);
    ~http_connection();

    /// For the next response. A wait may last `stall`, and none lasts beyond `total_end`.
    void prepare(bool to_head, duration stall, time_point total_end);
    /// Parses what has arrived: true when the head is there, or a piece of the body (in `piece`) or its end.
    /// Throws http::protocol_error, http::too_large_error.
    bool parse(bool head_only, std::string_view& piece);

    /// From the head of a request on, whose body has not been sent to its end: until then it cannot carry another.
    void sending(bool now) noexcept { sending_ = now; }
    /// Has parse() thrown? Then nothing that comes has a meaning any more.
    bool damaged() const noexcept { return damaged_; }
    /// Could it carry another request, as far as the response says?
    bool reusable() const noexcept;
    /// Is it still open, with nothing unexpected on it? Asks the kernel unless it was in use a moment ago and `sure` is not needed.
    bool alive(time_point now, bool sure) const noexcept;
    void become_idle(time_point now, duration longest) noexcept;
    /// It has been granted to a request, which has yet to get its turn: its time is over no more.
    void leave_idle() noexcept { idle_ = false; }

    /// From now on, the server is waited for.
    void wait_begins(stall_listener& who) noexcept;
    /// Bytes have come: the pause begins anew.
    void progressed() noexcept;
    /// The request's content is being read: the time that takes is not the server's.
    void content_read(bool now) noexcept {
        content_read_ = now;
        progressed();
    }
    void wait_ends() noexcept { waiting_ = nullptr; }

    tcp_stream& stream;
    http_origin& origin;
    http::message_parser parser;
    http_connection* older = nullptr;  // in the list of idle ones
    http_connection* newer = nullptr;

private:
    void expired() noexcept override;
    void need_timer(time_point when) noexcept;

    stall_listener* waiting_ = nullptr;
    time_point since_{};      // of the wait, or of lying idle
    time_point total_end_{};  // zero: none
    time_point armed_for_{};
    duration stall_{};
    duration longest_idle_{};
    bool idle_ = false;
    bool damaged_ = false;
    bool sending_ = false;
    bool content_read_ = false;
};

}  // namespace leat::detail
