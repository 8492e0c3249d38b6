#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/headers.hpp"

namespace leat::http {

struct parser_limits {
    std::size_t head = 64 * 1024;        // bytes of one head, and again of the trailers after a chunked body
    std::size_t fields = 256;            // in one head
    std::size_t chunk_extension = 4096;  // bytes after one chunk's size
    std::size_t interim = 16;            // 1xx replies before the final one
    std::size_t discard = 64 * 1024;     // request_parser only: bytes of a body that is read and dropped
};

/// How the end of a body is known.
enum class framing : unsigned char { none, content_length, chunked, until_close };

enum class parse_state : unsigned char { head, body, complete };

struct parse_step {
    std::size_t consumed;   // bytes of the fed data that are done with
    parse_state state;      // after those bytes
    std::string_view body;  // a piece of the body, inside the fed data; empty if this step brought none
};

/// Parses one HTTP/1 response after another, from pieces of any size, and does no I/O.
///
///     while (!data.empty() && parser.state() != parse_state::complete) {
///         auto step = parser.feed(data);      // stops behind the head, and behind each piece of the body
///         use(step.body);
///         data.remove_prefix(step.consumed);
///     }
///
/// A head that lies whole in the fed data is parsed where it lies; only an incomplete one (or an incomplete chunk
/// header) is collected in a buffer of the parser's own. Bodies are never copied.
///
/// Errors: protocol_error for anything that is not HTTP/1 or that two readers could understand differently,
/// too_large_error for the limits, truncated_error from feed_eof(). After an error only reset() is allowed.
class message_parser {
public:
    explicit message_parser(const parser_limits& limits = {});
    ~message_parser();
    message_parser(message_parser&&) noexcept;
    message_parser& operator=(message_parser&&) noexcept;

    /// Prepares for the next response on the connection and keeps all memory.
    /// @param to_head  the request was a HEAD: the response has no body, whatever its fields say.
    void reset(bool to_head = false);

    /// Parses the start of `data` and returns after the head, after a piece of the body, or with all of it consumed.
    /// Something is consumed each time unless the data is empty or the message complete.
    parse_step feed(std::string_view data);

    /// Says that the connection has ended. Completes a body that lasts until then, and a complete message; else throws
    /// truncated_error.
    void feed_eof();

    /// Says that the caller took the next `bytes` of the body from the connection itself (splice), past the parser.
    /// For the framings content_length (at most remaining()) and until_close, with all fed data consumed; anything else
    /// is a std::logic_error.
    void skip_body(std::uint64_t bytes);

    parse_state state() const noexcept;
    /// True once a byte of this response has been fed: without one, a broken connection was merely an idle one that
    /// the server had closed.
    bool started() const noexcept;

    // Valid from the end of the head until reset():
    int status() const noexcept;
    std::string_view reason() const noexcept;
    int version() const noexcept;  // 10 or 11
    const http::headers& headers() const noexcept;
    http::headers& headers() noexcept;  // to be moved out into a response
    http::framing framing() const noexcept;

    /// The Content-Length, also where no body follows (the reply to a HEAD, 304).
    std::optional<std::uint64_t> content_length() const noexcept;
    /// What is still to come of a body with a Content-Length; 0 without a body; nothing if only the end will tell.
    std::optional<std::uint64_t> remaining() const noexcept;
    std::uint64_t received() const noexcept;  // bytes of the body so far, skipped ones included
    /// True if the connection cannot carry another request after this message.
    bool expects_close() const noexcept;
    /// The fields after a chunked body; valid when complete.
    const http::headers& trailers() const noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace leat::http
