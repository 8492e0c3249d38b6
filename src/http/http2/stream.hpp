#pragma once
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/body.hpp"
#include "leat/http/headers.hpp"
#include "leat/io/duration.hpp"
#include "leat/io/detail/input_stream.hpp"
#include "task/small_pool.hpp"

namespace leat::detail {

class http2_session;
class http2_upload;

/// One request and its response on an HTTP/2 connection; beside it there are others. Belongs to its lease, and may outlive its session.
///
/// The session puts the bytes of the body into `input` as they arrive, and who reads takes them from there; only then the server may send more.
class http2_stream final : public input_stream, public pooled<http2_stream> {
public:
    explicit http2_stream(http2_session& on) noexcept;
    /// One that has not come to its end is cancelled; the connection lives on.
    ~http2_stream();

    void want_bytes() override {}  // the session reads all the time
    std::string subject() const override;

    /// Null once the connection is gone.
    http2_session* session() const noexcept { return session_; }

    /// For the response: a wait may last `stall`, and none lasts beyond `total_end`.
    void prepare(duration stall, time_point total_end) noexcept;
    /// As http_connection::parse: true when the head is there, or a piece of the body (in `piece`) or its end.
    bool parse(bool head_only, std::string_view& piece) noexcept;
    /// The response has come whole, and was read.
    bool over() const noexcept { return ended && input.empty(); }
    bool failed() const noexcept { return input_at_end; }
    /// May the request be sent again, whatever its method? The server has said, or it is plain, that nothing was done.
    bool unprocessed() const noexcept { return unprocessed_; }
    /// Has the server said that it answers this by HTTP/1.1 only? Then nothing was done, either.
    bool wants_http1() const noexcept { return wants_http1_; }
    bool started() const noexcept { return started_; }
    /// Has it failed because the connection did?
    bool lost() const noexcept { return lost_; }
    std::uint64_t taken() const noexcept { return taken_; }

    /// What is to be sent next: it stays where it is until pending() is empty. `last`: nothing follows.
    void give(std::string_view piece, bool last) noexcept;
    std::string_view pending() const noexcept { return pending_; }
    bool sent_all() const noexcept { return upload_over_; }
    /// Nothing more of the request is sent but a frame that was begun, and what was given is not looked at again.
    void stop_sending() noexcept;
    /// The server has answered so that the rest of the request is of no use.
    bool refused() const noexcept { return failed() || (head_done && (status >= 300 || ended)); }

    void wait_begins(stall_listener& who) noexcept;
    void progressed(time_point now) noexcept { since_ = now; }
    void wait_ends() noexcept { waiting_ = nullptr; }

    // What the session has learnt so far.
    std::int32_t id = -1;
    int status = 0;
    http::headers fields;
    std::optional<std::uint64_t> expected;  // the Content-Length
    bool head_done = false;
    bool ended = false;  // the server has said everything

private:
    friend class http2_session;
    friend struct http2_callbacks;
    friend class http2_upload;

    /// The stream's error; the first one counts.
    void fail(std::exception_ptr why) noexcept;
    /// Tells who waits that something has come.
    void deliver() noexcept;
    /// Has the wait lasted too long? Else when it will have, if ever.
    time_point check(time_point now) noexcept;
    time_point wait_end() const noexcept;

    http2_session* session_;
    http2_stream* previous_ = nullptr;  // of the session's
    http2_stream* next_ = nullptr;
    http2_stream* next_touched_ = nullptr;
    http2_upload* uploading_ = nullptr;
    stall_listener* waiting_ = nullptr;
    std::string_view pending_;
    std::string kept_;           // a frame that has to be sent, whosever its bytes were
    std::size_t promised_ = 0;   // of what is pending: nghttp2 has the frame, and waits for room
    std::exception_ptr problem_;  // why it is about to be closed
    std::size_t head_size_ = 0;
    std::size_t field_count_ = 0;
    std::uint64_t came_ = 0;   // bytes of the body
    std::uint64_t taken_ = 0;  // of them
    time_point since_{};
    time_point total_end_{};
    duration stall_{};
    std::uint8_t interim_ = 0;
    bool pending_is_last_ = false;
    bool upload_over_ = true;
    bool deferred_ = false;      // nghttp2 waits to be told that there is more to send
    bool sending_stopped_ = false;
    bool touched_ = false;
    bool started_ = false;
    bool closed_ = false;        // nghttp2 knows it no longer
    bool reset_by_peer_ = false;
    bool bodiless_ = false;      // the answer to HEAD
    bool overlong_ = false;      // more than its Content-Length
    bool short_ = false;         // it ended before its Content-Length
    bool unprocessed_ = false;
    bool wants_http1_ = false;
    bool lost_ = false;
    bool widened_ = false;       // its window is the large one
};

/// Waits until what was given to a stream has been taken, or the server has answered so that the rest is of no use.
class http2_upload final : waiter, stall_listener {
public:
    explicit http2_upload(http2_stream& of) noexcept : of_(of) {}
    ~http2_upload();

    bool await_ready() const noexcept { return of_.pending().empty() || of_.refused(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    /// Throws timeout_error.
    void await_resume();

private:
    friend class http2_stream;
    friend struct http2_callbacks;
    bool start(promise_base& frame, std::source_location at);
    void look() noexcept;
    void leave_stream() noexcept;
    void cancel() noexcept override;
    void stalled(bool in_total) noexcept override;
    const char* describe() const noexcept override { return "http request body"; }

    http2_stream& of_;
    enum : std::uint8_t { fine, slow, late };
};

}  // namespace leat::detail
