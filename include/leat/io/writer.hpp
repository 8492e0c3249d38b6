#pragma once
#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>

#include "leat/io/bytes.hpp"
#include "leat/io/detail/transport.hpp"
#include "leat/io/duration.hpp"

namespace leat {

namespace tls {
class context;
}

/// What `start_tls` may be told besides the context.
struct start_tls_options {
    /// For a client: the name to ask for and to verify. "": the context's, else the peer's numeric address.
    std::string_view server_name = {};
};

namespace detail {
template <class T>
concept text = std::convertible_to<const T&, std::string_view>;
}

/// The sending side of a connection (asyncio.StreamWriter).
///
/// What is written gathers in a buffer, and the loop sends it all, in one system call, before it next waits. Several tasks may write:
/// each call's bytes stay together, in the order of the calls. A writer that is dropped without `close()` is closed in order by the loop; a
/// failure is then logged. Errors of each call: `leat::error` with the peer's address, once the connection has broken or been closed.
/// Threads: the loop's own. Allocates: buffers from a pool of the loop, none while nothing is to be sent.
class stream_writer {
public:
    stream_writer() = default;
    /// For leat's own layers.
    explicit stream_writer(detail::transport& of) noexcept : of_(&of) {}
    stream_writer(stream_writer&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    stream_writer& operator=(stream_writer&& other) noexcept {
        if (this != &other) {
            drop();
            of_ = std::exchange(other.of_, nullptr);
        }
        return *this;
    }
    ~stream_writer() { drop(); }

    /// Writes one or several pieces, one after the other.
    /// Completes when: the bytes are in the buffer and that is not above the high-water mark; so, mostly, at once. Does not wait for the peer: see
    /// `drain` and `close`. The pieces must live until the await returns. Errors: as above, also of earlier writes.
    /// Cancellation: up to the high-water mark a write is accepted whole before it waits, so nothing is lost. A larger one goes piecewise; cancelled
    /// midway it leaves a torn record behind, and the writer fails from then on. Allocates: never per call. Source: asyncio StreamWriter.write and drain.
    template <detail::text... Piece>
        requires(sizeof...(Piece) > 0)
    detail::pieces_write<sizeof...(Piece)> write(const Piece&... pieces) noexcept {
        return detail::pieces_write<sizeof...(Piece)>{*of_, pieces...};
    }

    /// Completes when: the buffer is down to the low-water mark. Forces nothing out earlier than the loop would.
    /// Errors: as above, also of earlier writes. Cancellation: nothing is lost, call again. Source: asyncio StreamWriter.drain.
    detail::drain_wait drain() noexcept { return detail::drain_wait{*of_}; }

    /// Ends the sending side once everything written has been sent; the reader goes on. Takes effect at once; await it to know that the end is sent.
    /// Completes when: everything written and the end have been sent. Errors: as above, also of earlier writes.
    /// Cancellation: the end is sent all the same. Source: asyncio StreamWriter.write_eof.
    detail::transport_waiter write_eof() noexcept {
        of_->end_output();
        return {*of_, detail::transport_waiter::event::output_ended};
    }

    /// Closes the connection in order: sends everything written, ends the sending side, drains what the peer still sends (so that a reset does not
    /// destroy the last reply) until its end or the linger time, closes the descriptor.
    /// Completes when: that is done. Limits: a peer that takes none of the bytes for 30 s is cut. Errors: what went wrong with them. May be called again, from one task at a time.
    /// Cancellation: the closing goes on by itself. Source: asyncio StreamWriter.close and wait_closed.
    detail::transport_waiter close() noexcept { return {*of_, detail::transport_waiter::event::closed}; }

    /// Secures a connection that is in use (STARTTLS): everything written before is sent as it is, then comes the handshake, and what the reader reads and the
    /// writer writes from then on is encrypted. A client or a server by what the context is for. No read may be under way.
    /// Completes when: the handshake is done. Errors: as `tls::open_connection`; `tls::error` if bytes are in the reader that came before the handshake, since
    /// anyone may have sent them. After an error or a cancellation the connection is of no more use but to be closed.
    /// Cancellation: at once. Source: asyncio StreamWriter.start_tls.
    task<> start_tls(const tls::context& context, start_tls_options options = {});

    /// Who is at the other end (asyncio's get_extra_info('peername')). On a server with the PROXY protocol: the client, as the proxy named it.
    address peer_address() const noexcept { return of_->peer(); }
    /// This end's (get_extra_info('sockname')); empty once the connection is closed.
    address local_address() const noexcept { return of_->local(); }
    /// The proxy's own, if a PROXY header named the peer; else empty.
    address proxy_address() const noexcept { return of_->proxy(); }
    /// Bytes written and not yet taken by the kernel.
    std::size_t buffered() const noexcept { return of_->buffered(); }
    /// `write` waits above `high`, until `low` is reached. Defaults: 64 KiB and 16 KiB, as in asyncio.
    void set_water_marks(bytes high, bytes low) noexcept {
        of_->high_water = detail::input_stream::as_limit(high.count);
        of_->low_water = detail::input_stream::as_limit(low.count < high.count ? low.count : high.count);
    }
    /// How long `close` waits for the peer's end. Default 2 s.
    void set_linger(duration linger) noexcept {
        of_->linger_ms = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(linger).count());
    }

    /// Is it a connection's? Not when it was moved from, or made without one.
    explicit operator bool() const noexcept { return of_ != nullptr; }
    /// For leat's own layers.
    detail::transport* transport() const noexcept { return of_; }

private:
    void drop() noexcept {
        if (of_) std::exchange(of_, nullptr)->writer_dropped();
    }
    detail::transport* of_ = nullptr;
};

}  // namespace leat
