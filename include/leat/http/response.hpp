#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "leat/http/body.hpp"
#include "leat/http/error.hpp"
#include "leat/http/headers.hpp"
#include "leat/io/bytes.hpp"

namespace leat::http {

/// What a server answered: the head, which is there, and the body, which is still to be read.
///
/// It holds its connection until the body has been read to its end; then the connection serves the next request. Dropped before that, it
/// closes the connection (unless the rest of the body has already arrived). It may outlive its client. Threads: the loop's own.
class response {
public:
    /// For leat's own layers.
    explicit response(std::unique_ptr<detail::http_exchange> exchange) noexcept;
    response(response&&) noexcept;
    response& operator=(response&&) noexcept;
    ~response();

    /// 200, 404, …: never a 1xx, and a redirect only where it was not followed.
    int status() const noexcept;
    /// The server's text for the status, as it came: not fit for a terminal without leat::printable.
    const std::string& reason() const noexcept;
    /// Is the status below 400?
    bool ok() const noexcept { return status() < 400; }
    /// The fields of the head, in their order.
    const http::headers& headers() const noexcept;
    /// Where the response came from, after redirects; without credentials and fragment.
    const std::string& url() const noexcept;

    /// The body; valid as long as the response stays where it is.
    http::body& body() noexcept { return body_; }

    /// Reads what is left of the body into one string.
    /// Completes when: the body has ended. Errors: as for body::read; too_large_error if it is more than `limit`. Limits: 16 MiB by default. Cancellation: what was read is lost. The response must outlive the task.
    /// Allocates: the string. Source: aiohttp ClientResponse.text.
    task<std::string> text(bytes limit = {16 * 1024 * 1024});

    /// Throws status_error for a status of 400 and above. Source: aiohttp ClientResponse.raise_for_status.
    void raise_for_status() const;

private:
    std::unique_ptr<detail::http_exchange> exchange_;
    http::body body_;
};

}  // namespace leat::http
