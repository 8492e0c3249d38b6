#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "http/http2/stream.hpp"
#include "leat/task/detail/flushable.hpp"
#include "leat/task/detail/timer.hpp"
#include "net/tcp_stream.hpp"

struct nghttp2_session;

namespace leat::http {
struct request_head;
}

namespace leat::detail {

struct http_origin;

struct http2_limits {
    std::size_t head = 64 * 1024;  // bytes of one head; trailers anew
    std::size_t fields = 256;      // in one head
    std::size_t streams = 100;     // at once
    duration idle{};               // so long it is kept without a request
};

/// One HTTP/2 connection (RFC 9113) with the requests that share it, by nghttp2. Belongs to the pool.
///
/// It reads all the time, as a read that never has enough; what comes goes to its streams, and their readers are told once for all that has come. What is
/// to be sent is asked of nghttp2 when the loop flushes, so that the frames of all streams leave by one send.
class http2_session final : private read_operation, private timer, private flushable, private connection_owner {
public:
    /// Takes the stream over. Throws std::bad_alloc.
    http2_session(tcp_stream& stream, http_origin& origin, const http2_limits& limits);
    ~http2_session();

    /// Begins to read, and says what it expects of the server.
    void begin();
    /// Sends a request's head. `sends_body`: give() of the stream follows. Throws http::connect_error.
    void submit(http2_stream& stream, const http::request_head& head, std::string_view scheme, bool sends_body);

    /// May another request be sent over it?
    bool accepts() const noexcept;
    std::size_t active() const noexcept { return active_; }
    /// Nothing will be sent over it any more: it goes with the last of its streams.
    bool leaving() const noexcept { return leaving_ || broken_ != nullptr; }
    /// From now on.
    void leave() noexcept {
        leaving_ = true;
        look_for_frames();
    }
    std::string subject() const { return connection_.subject(); }
    /// Its last request has ended.
    void become_idle() noexcept;

    http_origin& origin;
    http2_session* next = nullptr;  // of the origin's
    std::uint64_t born = 0;         // in the order of the pool's events

private:
    friend class http2_stream;
    friend struct http2_callbacks;

    bool take_message() noexcept override;  // bytes have arrived, or the connection has ended
    void flush() noexcept override;
    void expired() noexcept override;
    void connection_closed() noexcept override {}
    void output_has_room() noexcept override { look_for_frames(); }
    const char* describe() const noexcept override { return "http/2 connection"; }

    void add(http2_stream& stream) noexcept;
    void remove(http2_stream& stream) noexcept;
    /// The reader has taken so much of the body: as much may come.
    void consumed(http2_stream& stream, std::size_t bytes) noexcept;
    void resume_sending(http2_stream& stream) noexcept;
    /// Something is to be done before the loop next waits.
    void look_for_frames() noexcept;
    void send_frames() noexcept;
    void touch(http2_stream& stream) noexcept;
    void deliver() noexcept;
    /// The connection is of no more use: every stream fails with this, now.
    void break_off(std::exception_ptr why) noexcept;
    std::exception_ptr end_of_connection() noexcept;
    void say_goodbye() noexcept;
    /// A request that had waited since then was given up: if nothing at all has come meanwhile, the connection may be dead, and gets no other.
    void given_up(time_point since, time_point now) noexcept;
    void need_timer(time_point when) noexcept;

    tcp_stream& connection_;
    nghttp2_session* frames_ = nullptr;
    http2_limits limits_;
    http2_stream* streams_ = nullptr;
    http2_stream* touched_ = nullptr;
    std::size_t active_ = 0;
    std::exception_ptr broken_;
    std::string complaint_;  // nghttp2's, about what the server sent
    std::string farewell_;   // the server's, by GOAWAY
    time_point heard_{};  // when bytes came last
    time_point idle_since_{};
    time_point armed_for_{};
    bool leaving_ = false;
    bool wants_http1_ = false;  // the server's farewell was that
    bool idle_ = true;
    bool capacity_changed_ = false;  // the server allows more streams, or fewer
};

}  // namespace leat::detail
