#include "http/connection.hpp"

#include <algorithm>

#include "engine/socket.hpp"
#include "http/connection_pool.hpp"
#include "task/loop.hpp"

namespace leat::detail {
namespace {

// A server that closes a connection does so when it has sent the response, or after an idle time that is counted in seconds.
constexpr auto surely_alive = std::chrono::milliseconds{500};

}  // namespace

http_connection::http_connection(tcp_stream& s, http_origin& o, const http::parser_limits& limits) : stream(s), origin(o), parser(limits) {}

http_connection::~http_connection() { reusable() ? stream.part() : stream.discard(); }

void http_connection::prepare(bool to_head, duration stall, time_point total_end) {
    idle_ = sending_ = false;
    parser.reset(to_head);
    stall_ = stall;
    total_end_ = total_end;
    stream.expect_bulk(true);
}

bool http_connection::parse(bool head_only, std::string_view& piece) {
    auto& input = stream.input;
    if (head_only && parser.state() != http::parse_state::head) return true;  // by an earlier read, which was given up
    damaged_ = true;  // unless it comes back
    while (!input.empty() && parser.state() != http::parse_state::complete) {
        const auto step = parser.feed(input.unread());
        input.take(step.consumed);
        if (step.body.empty() && !(head_only && step.state != http::parse_state::head)) continue;
        piece = step.body;
        damaged_ = false;
        return true;
    }
    damaged_ = false;
    return parser.state() == http::parse_state::complete;
}

bool http_connection::reusable() const noexcept {
    return !damaged_ && !sending_ && parser.state() == http::parse_state::complete && !parser.expects_close() && stream.input.empty() && !stream.input_at_end &&
           stream.buffered() == 0 && !stream.output_error() && !stream.closed();
}

bool http_connection::alive(time_point now, bool sure) const noexcept {
    if (!stream.input.empty() || stream.input_at_end || stream.closed()) return false;
    if (!sure && now - since_ < surely_alive) return true;
    return stream.receiving() || is_quiet(stream.descriptor());
}

void http_connection::become_idle(time_point now, duration longest) noexcept {
    idle_ = true;
    waiting_ = nullptr;
    since_ = now;
    longest_idle_ = longest;
    stream.input.release_view();
    if (!stream.receiving()) stream.input.release_if_empty();
    need_timer(now + longest);
}

void http_connection::wait_begins(stall_listener& who) noexcept {
    waiting_ = &who;
    if (stall_ == duration::zero() && total_end_ == time_point{}) return;
    since_ = coarse_now() + longest_tick;  // a limit may pass late, never early
    time_point end = stall_ == duration::zero() ? total_end_ : since_ + stall_;
    if (total_end_ != time_point{}) end = std::min(end, total_end_);
    need_timer(end);
}

void http_connection::progressed() noexcept {
    if (stall_ != duration::zero()) since_ = coarse_now() + longest_tick;
}

void http_connection::need_timer(time_point when) noexcept {
    if (armed() && armed_for_ <= when) return;  // it will look again when it fires
    armed_for_ = when;
    arm_at(when);
}

void http_connection::expired() noexcept {
    const time_point now = clock_now();
    if (idle_) {
        if (now - since_ < longest_idle_) return need_timer(since_ + longest_idle_);
        return origin.pool->drop_idle(*this);
    }
    if (!waiting_) return;
    if (total_end_ != time_point{} && now >= total_end_) return waiting_->stalled(true);
    if (content_read_) since_ = now;
    if (stall_ != duration::zero() && now - since_ >= stall_) return waiting_->stalled(false);
    time_point end = stall_ == duration::zero() ? total_end_ : since_ + stall_;
    if (total_end_ != time_point{}) end = std::min(end, total_end_);
    need_timer(end);
}

}  // namespace leat::detail
