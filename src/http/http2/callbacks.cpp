#include "http/http2/callbacks.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>

#include "http/ascii.hpp"
#include "http/http2/session.hpp"
#include "http/parsed_fields.hpp"
#include "io/error_from.hpp"
#include "leat/http/error.hpp"
#include "leat/log/printable.hpp"
#include "task/loop.hpp"

namespace leat::detail {
namespace {

constexpr unsigned most_interim = 16;             // 1xx replies before the final one
constexpr std::size_t most_unsent = 256 * 1024;   // of bodies; above it, the kernel takes some first
constexpr std::size_t longest_complaint = 200;

std::string_view text(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }  // check-idioms: allow cast, nghttp2's bytes

std::string code_name(std::uint32_t code) { return std::string{nghttp2_http2_strerror(code)} + " (HTTP/2 error " + std::to_string(code) + ")"; }

}  // namespace

struct http2_callbacks {
    static http2_session& session_of(void* user) noexcept { return *static_cast<http2_session*>(user); }
    static http2_stream* find(nghttp2_session* frames, std::int32_t id) noexcept { return static_cast<http2_stream*>(nghttp2_session_get_stream_user_data(frames, id)); }

    /// Runs what may throw; what it throws ends the connection.
    template <class Callable>
    static int guarded(http2_session& session, Callable&& callable) noexcept {
        try {
            return callable();
        } catch (...) {
            if (!session.broken_) session.broken_ = std::current_exception();
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }

    // ---- heads

    static int begin_headers(nghttp2_session* frames, const nghttp2_frame* frame, void*) noexcept {
        if (http2_stream* stream = find(frames, frame->hd.stream_id)) stream->started_ = true;
        return 0;
    }

    static int header(nghttp2_session* frames, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                      std::size_t value_size, std::uint8_t, void* user) noexcept {
        http2_stream* stream = find(frames, frame->hd.stream_id);
        if (!stream) return 0;
        http2_session& session = session_of(user);
        return guarded(session, [&] { return take_field(*stream, session.limits_, text(name, name_size), text(value, value_size)); });
    }

    static int take_field(http2_stream& stream, const http2_limits& limits, std::string_view name, std::string_view value) {
        stream.head_size_ += name.size() + value.size() + 4;
        if (stream.head_size_ > limits.head) return refuse(stream, http::too_large_error("a head of more than " + std::to_string(limits.head) + " bytes"));
        if (++stream.field_count_ > limits.fields) return refuse(stream, http::too_large_error("more than " + std::to_string(limits.fields) + " fields in a head"));
        if (stream.head_done) return 0;  // a trailer
        if (name == ":status") {
            std::from_chars(value.data(), value.data() + value.size(), stream.status);
            return 0;
        }
        if (name.starts_with(':')) return 0;
        http::parsed_fields::append(stream.fields, name, value);
        return 0;
    }

    template <class Error>
    static int refuse(http2_stream& stream, Error error) {
        stream.problem_ = std::make_exception_ptr(std::move(error));
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // which resets the stream
    }

    /// nghttp2 would merely leave such a field out.
    static int invalid_header(nghttp2_session* frames, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                              std::size_t value_size, std::uint8_t, void* user) noexcept {
        http2_stream* stream = find(frames, frame->hd.stream_id);
        if (!stream) return 0;
        return guarded(session_of(user), [&] {
            return refuse(*stream, http::protocol_error("bad field \"" + printable(text(name, name_size), 60) + ": " + printable(text(value, value_size), 60) + "\""));
        });
    }

    static int take_head(http2_session& session, http2_stream& stream) {
        stream.head_size_ = stream.field_count_ = 0;
        if (stream.status < 200) {
            if (++stream.interim_ > most_interim) {
                stream.problem_ = std::make_exception_ptr(http::protocol_error("too many interim (1xx) replies"));
                nghttp2_submit_rst_stream(session.frames_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
            }
            stream.fields.clear();
            return 0;
        }
        stream.head_done = true;
        if (stream.bodiless_ || stream.status == 204 || stream.status == 304) {
            stream.expected = 0;  // whatever its Content-Length is
        } else if (const auto length = stream.fields.get("Content-Length")) {
            std::uint64_t bytes = 0;
            if (std::from_chars(length->data(), length->data() + length->size(), bytes).ec == std::errc{}) stream.expected = bytes;
        }
        return 0;
    }

    // ---- frames

    static int begin_frame(nghttp2_session* frames, const nghttp2_frame_hd* hd, void*) noexcept {
        if (hd->type != NGHTTP2_DATA || (hd->flags & NGHTTP2_FLAG_PADDED) != 0) return 0;
        http2_stream* stream = find(frames, hd->stream_id);
        if (!stream || !stream->expected) return 0;
        // nghttp2 refuses both; this is for the error's text.
        const std::uint64_t then = stream->came_ + hd->length;
        if (then > *stream->expected) stream->overlong_ = true;
        if ((hd->flags & NGHTTP2_FLAG_END_STREAM) != 0 && then < *stream->expected) stream->short_ = true;
        return 0;
    }

    static int frame_come(nghttp2_session* frames, const nghttp2_frame* frame, void* user) noexcept {
        http2_session& session = session_of(user);
        return guarded(session, [&] {
            switch (frame->hd.type) {
                case NGHTTP2_GOAWAY: goodbye(session, frame->goaway); return 0;
                case NGHTTP2_SETTINGS: session.capacity_changed_ = true; return 0;
                default: break;
            }
            http2_stream* stream = find(frames, frame->hd.stream_id);
            if (!stream) return 0;
            if (frame->hd.type == NGHTTP2_RST_STREAM) {
                stream->reset_by_peer_ = true;
                return 0;
            }
            if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
            if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_done) take_head(session, *stream);
            if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->ended = !stream->problem_;
            session.touch(*stream);
            return 0;
        });
    }

    static void goodbye(http2_session& session, const nghttp2_goaway& said) {
        session.leaving_ = true;
        if (said.error_code == NGHTTP2_NO_ERROR) return;
        session.wants_http1_ = said.error_code == NGHTTP2_HTTP_1_1_REQUIRED;
        session.farewell_ = code_name(said.error_code);
        if (said.opaque_data_len != 0) session.farewell_ += ", \"" + printable(text(said.opaque_data, said.opaque_data_len), longest_complaint) + "\"";
    }

    static int data(nghttp2_session* frames, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* user) noexcept {
        http2_session& session = session_of(user);
        // What nobody reads keeps nobody else waiting: only the stream's own window says how much of it may come.
        nghttp2_session_consume_connection(frames, size);
        http2_stream* stream = find(frames, id);
        if (!stream || stream->failed()) return 0;
        return guarded(session, [&] {
            char* into = stream->input.room(size, 64 * 1024, stream->reading == nullptr);
            std::memcpy(into, data, size);
            stream->input.commit(size);
            stream->came_ += size;
            session.touch(*stream);
            return 0;
        });
    }

    static int stream_closed(nghttp2_session* frames, std::int32_t id, std::uint32_t code, void* user) noexcept {
        http2_stream* stream = find(frames, id);
        if (!stream) return 0;
        stream->closed_ = true;
        http2_session& session = session_of(user);
        if (!stream->ended && !stream->failed()) {
            stream->unprocessed_ = code == NGHTTP2_REFUSED_STREAM && !stream->started_;
            stream->wants_http1_ = !stream->started_ && (stream->reset_by_peer_ ? code == NGHTTP2_HTTP_1_1_REQUIRED : stream->unprocessed_ && session.wants_http1_);
            std::exception_ptr why = stream->problem_;
            guarded(session, [&] {
                if (!why) why = closed_error(session, *stream, code);
                return 0;
            });
            stream->fail(why ? why : session.broken_);
        }
        session.touch(*stream);
        return 0;
    }

    static std::exception_ptr closed_error(const http2_session& session, const http2_stream& stream, std::uint32_t code) {
        if (code == NGHTTP2_REFUSED_STREAM && !stream.reset_by_peer_) return std::make_exception_ptr(http::connect_error("the server ends the connection and has not looked at the request"));
        if (stream.reset_by_peer_) return std::make_exception_ptr(http::connect_error("the server reset the stream: " + code_name(code)));
        if (stream.overlong_) return std::make_exception_ptr(http::protocol_error("more bytes than the Content-Length of " + std::to_string(*stream.expected)));
        if (stream.short_) return std::make_exception_ptr(http::truncated_error(stream.expected, stream.came_));
        return std::make_exception_ptr(http::protocol_error("not a valid HTTP/2 response" + (session.complaint_.empty() ? std::string{} : ": " + session.complaint_)));
    }

    static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) noexcept {
        http2_session& session = session_of(user);
        if (frame->hd.type != NGHTTP2_HEADERS) return 0;
        for (http2_stream* stream = session.streams_; stream; stream = stream->next_) {
            if (stream->id != frame->hd.stream_id) continue;
            stream->closed_ = stream->unprocessed_ = true;
            stream->fail(error_from([] { return http::connect_error("the connection takes no more requests"); }));
            break;
        }
        return 0;
    }

    static int complaint(nghttp2_session*, int, const char* message, std::size_t size, void* user) noexcept {
        http2_session& session = session_of(user);
        return guarded(session, [&] {
            if (session.complaint_.empty()) session.complaint_ = printable({message, size}, longest_complaint);
            return 0;
        });
    }

    // ---- bodies of requests

    static ssize_t body(nghttp2_session* frames, std::int32_t id, std::uint8_t*, std::size_t most, std::uint32_t* flags, nghttp2_data_source*, void*) noexcept {
        http2_stream* stream = find(frames, id);
        if (!stream || stream->sending_stopped_) return NGHTTP2_ERR_DEFERRED;
        if (stream->pending_.empty() && !stream->pending_is_last_) {
            stream->deferred_ = true;
            return NGHTTP2_ERR_DEFERRED;
        }
        const std::size_t size = stream->promised_ = std::min(most, stream->pending_.size());
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        if (size == stream->pending_.size() && stream->pending_is_last_) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }

    static int send_body(nghttp2_session* frames, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size, nghttp2_data_source*, void* user) noexcept {
        http2_session& session = session_of(user);
        if (session.connection_.buffered() >= most_unsent) return NGHTTP2_ERR_WOULDBLOCK;
        http2_stream* stream = find(frames, frame->hd.stream_id);
        if (!stream || stream->pending_.size() < size) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // it was given up meanwhile: resets the stream
        return guarded(session, [&] {
            session.connection_.put(text(head, 9));
            session.connection_.put(stream->pending_.substr(0, size));
            stream->pending_.remove_prefix(size);
            stream->promised_ = 0;
            stream->progressed(clock_now());
            if (stream->pending_.empty()) {
                stream->upload_over_ = stream->pending_is_last_;
                if (stream->uploading_) stream->uploading_->look();
            }
            return 0;
        });
    }
};

const nghttp2_session_callbacks* http2_session_callbacks() {
    static const nghttp2_session_callbacks* const made = [] {
        nghttp2_session_callbacks* all = nullptr;
        if (nghttp2_session_callbacks_new(&all) != 0) throw std::bad_alloc();
        nghttp2_session_callbacks_set_on_begin_headers_callback(all, http2_callbacks::begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(all, http2_callbacks::header);
        nghttp2_session_callbacks_set_on_invalid_header_callback(all, http2_callbacks::invalid_header);
        nghttp2_session_callbacks_set_on_begin_frame_callback(all, http2_callbacks::begin_frame);
        nghttp2_session_callbacks_set_on_frame_recv_callback(all, http2_callbacks::frame_come);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, http2_callbacks::data);
        nghttp2_session_callbacks_set_on_stream_close_callback(all, http2_callbacks::stream_closed);
        nghttp2_session_callbacks_set_on_frame_not_send_callback(all, http2_callbacks::frame_not_sent);
        nghttp2_session_callbacks_set_error_callback2(all, http2_callbacks::complaint);
        nghttp2_session_callbacks_set_send_data_callback(all, http2_callbacks::send_body);
        return all;
    }();
    return made;
}

std::ptrdiff_t http2_read_body(nghttp2_session* frames, std::int32_t id, std::uint8_t* into, std::size_t most, std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    return http2_callbacks::body(frames, id, into, most, flags, source, user);
}

}  // namespace leat::detail
