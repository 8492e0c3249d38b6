#include "http/http2/session.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "http/connection_pool.hpp"
#include "http/http2/callbacks.hpp"
#include "http/http2/request_fields.hpp"
#include "io/error_from.hpp"
#include "leat/http/error.hpp"
#include "task/loop.hpp"

namespace leat::detail {
namespace {

// A stream that nobody reads keeps so much at most; one that is read soon gets the larger window, for bulk over a long way.
constexpr std::uint32_t first_window = 256 * 1024;
constexpr std::int32_t bulk_window = 2 * 1024 * 1024;
constexpr std::uint64_t bulk = 128 * 1024;                   // so much of a body was read: it is one
constexpr std::int32_t connection_window = 32 * 1024 * 1024;
constexpr std::size_t most_unsent = 256 * 1024;              // above it, the kernel takes some first
constexpr auto long_wait = std::chrono::seconds{1};          // for a response: who gives up before says nothing about the connection

struct options_deleter {
    void operator()(nghttp2_option* option) const noexcept { nghttp2_option_del(option); }
};

nghttp2_session* make_frames(http2_session& session, std::size_t streams) {
    nghttp2_option* made = nullptr;
    if (nghttp2_option_new(&made) != 0) throw std::bad_alloc();
    const std::unique_ptr<nghttp2_option, options_deleter> option{made};
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_peer_max_concurrent_streams(made, static_cast<std::uint32_t>(std::min<std::size_t>(streams, 1000)));
    nghttp2_option_set_no_closed_streams(made, 1);
    nghttp2_session* frames = nullptr;
    if (nghttp2_session_client_new2(&frames, http2_session_callbacks(), &session, made) != 0) throw std::bad_alloc();
    return frames;
}

}  // namespace

http2_session::http2_session(tcp_stream& stream, http_origin& of, const http2_limits& limits)
    : read_operation(stream, kind::message, 0), origin(of), connection_(stream), limits_(limits) {
    frames_ = make_frames(*this, limits.streams);
}

http2_session::~http2_session() {
    if (!broken_) say_goodbye();
    if (!broken_) broken_ = error_from([] { return http::connect_error("the connection was closed"); });
    while (http2_stream* stream = streams_) {
        streams_ = stream->next_;
        stream->session_ = nullptr;
        stream->lost_ = true;
        stream->fail(broken_);
    }
    nghttp2_session_del(frames_);
    if (connection_.reading == this) connection_.reading = nullptr;
    if (dirty_) loop::current_or_null()->forget_dirty(*this);
    connection_.forget_owner();
    connection_.part();
}

/// RFC 9113 6.8: the server learns that it was not a failure.
void http2_session::say_goodbye() noexcept {
    nghttp2_submit_goaway(frames_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(frames_), NGHTTP2_NO_ERROR, nullptr, 0);
    send_frames();
}

void http2_session::begin() {
    connection_.owned_by(*this);
    const std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, first_window},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(std::min<std::size_t>(limits_.head, 1u << 30))},
    };
    if (nghttp2_submit_settings(frames_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0) throw std::bad_alloc();
    if (nghttp2_session_set_local_window_size(frames_, NGHTTP2_FLAG_NONE, 0, connection_window) != 0) throw std::bad_alloc();
    connection_.reading = this;
    connection_.expect_bulk(false);
    if (!connection_.input_at_end) connection_.want_bytes();
    if (connection_.input_at_end || !connection_.input.empty()) take_message();
    look_for_frames();
}

// ---- streams

bool http2_session::accepts() const noexcept {
    if (leaving() || nghttp2_session_check_request_allowed(frames_) == 0) return false;
    return active_ < std::min<std::size_t>(limits_.streams, nghttp2_session_get_remote_settings(frames_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
}

void http2_session::add(http2_stream& stream) noexcept {
    stream.next_ = streams_;
    if (streams_) streams_->previous_ = &stream;
    streams_ = &stream;
    ++active_;
    idle_ = false;
}

void http2_session::remove(http2_stream& stream) noexcept {
    (stream.previous_ ? stream.previous_->next_ : streams_) = stream.next_;
    if (stream.next_) stream.next_->previous_ = stream.previous_;
    if (stream.touched_) {
        http2_stream** link = &touched_;
        while (*link != &stream) link = &(*link)->next_touched_;
        *link = stream.next_touched_;
    }
    stream.session_ = nullptr;
    --active_;
    if (stream.closed_ || stream.id < 0 || broken_) return;
    if (!stream.started_ && stream.since_ != time_point{}) given_up(stream.since_, clock_now());
    nghttp2_session_set_stream_user_data(frames_, stream.id, nullptr);  // also of one that waits to be sent, and now never is
    nghttp2_submit_rst_stream(frames_, NGHTTP2_FLAG_NONE, stream.id, stream.ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    look_for_frames();
}

void http2_session::given_up(time_point since, time_point now) noexcept {
    if (heard_ <= since && now - since >= long_wait) leave();
}

void http2_session::submit(http2_stream& stream, const http::request_head& head, std::string_view scheme, bool sends_body) {
    static thread_local http2_request_fields scratch;
    const auto& fields = scratch.from(head, scheme);
    stream.upload_over_ = !sends_body;
    stream.bodiless_ = head.method == "HEAD";
    stream.fields.reserve(16, 512);
    nghttp2_data_provider provider{};
    provider.read_callback = http2_read_body;
    const std::int32_t id = leaving() ? NGHTTP2_ERR_START_STREAM_NOT_ALLOWED
                                      : nghttp2_submit_request(frames_, nullptr, fields.data(), fields.size(), sends_body ? &provider : nullptr, &stream);
    if (id == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
    if (id < 0) {
        leaving_ = true;  // of its stream's numbers none is left, or the server has said goodbye meanwhile
        stream.unprocessed_ = true;
        throw http::connect_error("the connection takes no more requests");
    }
    stream.id = id;
    look_for_frames();
}

void http2_session::consumed(http2_stream& stream, std::size_t bytes) noexcept {
    if (broken_ || stream.closed_) return;
    if (!stream.widened_ && stream.taken_ >= bulk) {
        stream.widened_ = true;
        nghttp2_session_set_local_window_size(frames_, NGHTTP2_FLAG_NONE, stream.id, bulk_window);
    }
    nghttp2_session_consume_stream(frames_, stream.id, bytes);
    if (nghttp2_session_want_write(frames_) != 0) look_for_frames();
}

void http2_session::resume_sending(http2_stream& stream) noexcept {
    stream.deferred_ = false;
    nghttp2_session_resume_data(frames_, stream.id);
    look_for_frames();
}

void http2_session::touch(http2_stream& stream) noexcept {
    if (stream.touched_) return;
    stream.touched_ = true;
    stream.next_touched_ = touched_;
    touched_ = &stream;
}

// ---- reading

bool http2_session::take_message() noexcept {
    if (broken_) {
        connection_.input.take(connection_.input.size());
        return false;
    }
    if (const std::string_view come = connection_.input.unread(); !come.empty()) {
        heard_ = clock_now();
        const auto used = nghttp2_session_mem_recv(frames_, reinterpret_cast<const std::uint8_t*>(come.data()), come.size());  // check-idioms: allow cast, nghttp2's bytes
        connection_.input.take(come.size());
        if (used < 0 && !broken_)
            break_off(error_from([&] { return http::protocol_error("the server does not keep to HTTP/2: " + (complaint_.empty() ? std::string{nghttp2_strerror(static_cast<int>(used))} : complaint_)); }));
        else if (used < 0)
            break_off(std::exchange(broken_, nullptr));
    }
    deliver();
    if (connection_.input_at_end && !broken_) break_off(end_of_connection());
    if (leaving_ || capacity_changed_ || nghttp2_session_want_write(frames_) != 0 || nghttp2_session_want_read(frames_) == 0) look_for_frames();
    return false;  // it never has enough
}

void http2_session::deliver() noexcept {
    while (http2_stream* stream = touched_) {
        touched_ = std::exchange(stream->next_touched_, nullptr);
        stream->touched_ = false;
        stream->progressed(heard_);
        stream->deliver();
    }
}

std::exception_ptr http2_session::end_of_connection() noexcept {
    if (!farewell_.empty()) return error_from([&] { return http::connect_error("the server ended the connection: " + farewell_); });
    if (connection_.input_error) return connection_.input_error;
    return error_from([] { return http::truncated_error("the connection ended", std::nullopt, 0); });
}

void http2_session::break_off(std::exception_ptr why) noexcept {
    if (broken_) return;
    broken_ = std::move(why);
    for (http2_stream* stream = streams_; stream; stream = stream->next_) {
        stream->lost_ = true;
        stream->fail(broken_);
    }
    look_for_frames();
}

// ---- sending

void http2_session::look_for_frames() noexcept { mark_dirty(); }

void http2_session::send_frames() noexcept {
    while (connection_.buffered() < most_unsent) {
        const std::uint8_t* frame = nullptr;
        const auto size = nghttp2_session_mem_send(frames_, &frame);
        if (size == 0) break;
        if (size < 0) return break_off(broken_ ? std::exchange(broken_, nullptr) : error_from([&] { return http::protocol_error(std::string{"HTTP/2: "} + nghttp2_strerror(static_cast<int>(size))); }));
        try {
            connection_.put({reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size)});  // check-idioms: allow cast, nghttp2's bytes
        } catch (...) {
            return break_off(std::current_exception());
        }
    }
    if (connection_.buffered() >= most_unsent) connection_.tell_of_room();
}

void http2_session::flush() noexcept {
    if (!broken_) send_frames();
    deliver();  // streams that were closed by sending
    if (!broken_ && nghttp2_session_want_read(frames_) == 0 && nghttp2_session_want_write(frames_) == 0)
        break_off(complaint_.empty() ? end_of_connection() : error_from([&] { return http::protocol_error("the server does not keep to HTTP/2: " + complaint_); }));
    if (broken_ || (leaving_ && active_ == 0)) return origin.pool->session_gone(*this);
    if (std::exchange(capacity_changed_, false)) origin.pool->served_again(origin);
}

// ---- time

void http2_session::become_idle() noexcept {
    idle_ = true;
    idle_since_ = clock_now();
    connection_.want_bytes();  // which gives back a buffer that holds nothing
    need_timer(idle_since_ + limits_.idle);
}

void http2_session::need_timer(time_point when) noexcept {
    if (armed() && armed_for_ <= when) return;  // it will look again when it fires
    armed_for_ = when;
    arm_at(when);
}

void http2_session::expired() noexcept {
    const time_point now = clock_now();
    if (idle_) {
        if (now - idle_since_ >= limits_.idle) return origin.pool->session_gone(*this);
        return need_timer(idle_since_ + limits_.idle);
    }
    time_point soonest{};
    for (http2_stream* stream = streams_; stream; stream = stream->next_) {
        const time_point end = stream->check(now);
        if (end != time_point{} && (soonest == time_point{} || end < soonest)) soonest = end;
    }
    if (soonest != time_point{}) need_timer(soonest);
}

}  // namespace leat::detail
