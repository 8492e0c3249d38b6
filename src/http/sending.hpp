#pragma once
#include <exception>
#include <string_view>

#include "http/exchange.hpp"
#include "http/request_writer.hpp"

namespace leat::detail {

/// One request on its way over one connection. Refers to what its maker keeps.
struct http_sending {
    http_exchange& exchange;
    const http_request& request;
    const http::request_head& head;
    std::string_view scheme;
    bool content_read = false;  // something of the content was read: it has to be rewound before it is sent again
};

/// Sends the request over the exchange's connection and reads the head of the response. Null, or what went wrong with the connection.
/// Throws what the content's read() throws, and http::error if it gives more or less than its size().
task<std::exception_ptr> converse(http_sending& sending);

/// Has the connection failed, rather than what came over it?
bool is_connection_error(const std::exception_ptr& error) noexcept;

}  // namespace leat::detail
