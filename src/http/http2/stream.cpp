#include "http/http2/stream.hpp"

#include <algorithm>
#include <utility>

#include "http/http2/session.hpp"
#include "io/error_from.hpp"
#include "leat/task/timeout.hpp"
#include "task/loop.hpp"

namespace leat::detail {

http2_stream::http2_stream(http2_session& on) noexcept : session_(&on) { on.add(*this); }

http2_stream::~http2_stream() {
    if (session_) session_->remove(*this);
}

std::string http2_stream::subject() const { return session_ ? session_->subject() : "an HTTP/2 connection"; }

void http2_stream::prepare(duration stall, time_point total_end) noexcept {
    stall_ = stall;
    total_end_ = total_end;
}

bool http2_stream::parse(bool head_only, std::string_view& piece) noexcept {
    if (head_only) return head_done;
    if (input.empty()) return ended;
    piece = input.take(input.size());
    taken_ += piece.size();
    if (session_ && !ended) session_->consumed(*this, piece.size());
    return true;
}

void http2_stream::fail(std::exception_ptr why) noexcept {
    if (input_at_end || ended) return;
    input_ended(std::move(why));
    if (uploading_) uploading_->look();
}

void http2_stream::deliver() noexcept {
    bytes_arrived();
    if (uploading_) uploading_->look();
}

// ---- sending

void http2_stream::give(std::string_view piece, bool last) noexcept {
    pending_ = piece;
    pending_is_last_ = last;
    if (session_ && deferred_) session_->resume_sending(*this);
}

void http2_stream::stop_sending() noexcept {
    if (!upload_over_) sending_stopped_ = true;
    std::string_view rest;
    if (promised_ != 0 && session_) {  // without it the stream would be reset, and the response lost
        try {
            rest = kept_.assign(pending_.substr(0, promised_));
        } catch (...) {
        }
    }
    if (rest.size() != pending_.size()) pending_is_last_ = false;
    pending_ = rest;
}

http2_upload::~http2_upload() { leave_stream(); }

bool http2_upload::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    of_.uploading_ = this;
    of_.wait_begins(*this);
    return true;
}

void http2_upload::leave_stream() noexcept {
    if (of_.uploading_ != this) return;
    of_.uploading_ = nullptr;
    of_.wait_ends();
}

void http2_upload::look() noexcept {
    if (!await_ready()) return;
    leave_stream();
    wake();
}

void http2_upload::cancel() noexcept {
    leave_stream();
    wake_cancelled();
}

void http2_upload::stalled(bool in_total) noexcept {
    state_ = in_total ? late : slow;
    leave_stream();
    wake();
}

void http2_upload::await_resume() {
    if (was_cancelled()) throw cancelled{};
    if (state_ == slow) throw timeout_error("the server takes no more of the request's body");
    if (state_ == late) throw timeout_error("not done within the time for the whole request");
}

// ---- time-outs

time_point http2_stream::wait_end() const noexcept {
    time_point end = stall_ == duration::zero() ? total_end_ : since_ + stall_;
    if (total_end_ != time_point{}) end = std::min(end, total_end_);
    return end;
}

void http2_stream::wait_begins(stall_listener& who) noexcept {
    waiting_ = &who;
    if (stall_ == duration::zero() && total_end_ == time_point{}) return;
    since_ = clock_now();
    if (session_) session_->need_timer(wait_end());
}

time_point http2_stream::check(time_point now) noexcept {
    if (!waiting_ || (stall_ == duration::zero() && total_end_ == time_point{})) return {};
    const bool late = total_end_ != time_point{} && now >= total_end_;
    if (!late && now < wait_end()) return wait_end();
    session_->given_up(since_, now);
    std::exchange(waiting_, nullptr)->stalled(late);
    return {};
}

}  // namespace leat::detail
