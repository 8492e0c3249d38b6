#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/message_parser.hpp"

namespace leat::http {

/// Parses one HTTP/1 request after another for the file server: a head, and a small body that is dropped.
///
/// feed() stops behind the head (state() == body or complete) and then, where there is a body, behind it; `step.body`
/// is always empty. Stricter than the response's parser where leniency would help an attacker: HTTP/1.1 without
/// exactly one Host, or HTTP/1.0 with a Transfer-Encoding, is a protocol_error. A body above limits.discard is a
/// too_large_error as soon as its size is known.
class request_parser {
public:
    explicit request_parser(const parser_limits& limits = {});
    ~request_parser();
    request_parser(request_parser&&) noexcept;
    request_parser& operator=(request_parser&&) noexcept;

    /// Prepares for the next request on the connection and keeps all memory.
    void reset();

    parse_step feed(std::string_view data);

    parse_state state() const noexcept;
    /// True once a byte of this request has been fed: the end of the connection is then a truncated request.
    bool started() const noexcept;

    // Valid from the end of the head until reset():
    std::string_view method() const noexcept;
    std::string_view target() const noexcept;
    int version() const noexcept;  // 10 or 11
    const http::headers& headers() const noexcept;
    bool keep_alive() const noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace leat::http
