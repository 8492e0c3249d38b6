#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/error.hpp"
#include "leat/http/headers.hpp"
#include "leat/http/response.hpp"
#include "leat/io/duration.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {
class http_pool;
}

namespace leat::http {

/// What a client does unless a request says otherwise. Trivial, so that it may be written inside any expression; what is kept is copied.
struct client_options {
    /// Looking up the name, connecting, and the TLS handshake together. Zero: none.
    duration connect_timeout = std::chrono::seconds{30};
    /// The head of a response has to be there so long after its request was sent, and its body may not pause for longer. Zero: none.
    duration read_timeout = std::chrono::seconds{60};
    /// One request in all: waiting for a connection, redirects and reading the body included. Zero: none.
    duration total_timeout = duration::zero();
    /// How many redirects are followed before a redirect_error; 0: none is followed, and the redirect is the response.
    std::size_t max_redirects = 20;
    /// Connections to one origin (scheme, host, port) at once. Requests above it wait, and are served in order. At least 1.
    std::size_t connections_per_origin = 64;
    /// Connections in all. Where it is reached, idle ones to other origins are closed first. At least 1.
    std::size_t connections = 256;
    /// How long a connection without a request is kept. It owns no buffer meanwhile. Zero: connections are used once.
    duration idle_timeout = std::chrono::seconds{30};
    /// Sent with each request that sets no User-Agent of its own. Empty: "leat/VERSION".
    std::string_view user_agent = {};
    /// A PEM file of the authorities to trust instead of the system's.
    std::string_view ca_file = {};
    /// Accept every TLS certificate: whoever is in between can read and change everything. For tests.
    bool insecure = false;
    /// The longest head of a response; longer is a too_large_error. Trailers count anew.
    bytes head_limit = {64 * 1024};
    /// The most fields in one head.
    std::size_t field_limit = 256;
};

/// One request's own wishes. Trivial; everything is copied before the task is returned.
struct request_options {
    /// Fields to send; each replaces the default of its name. Authorization and Cookie are dropped when a redirect leaves the origin.
    const http::headers* headers = nullptr;
    /// Sent as it is, with its Content-Length; with `has_body` an empty one is announced too. Lost where a redirect turns the request into a GET.
    std::string_view body = {};
    /// Announce the body although it is empty.
    bool has_body = false;
    /// Content-Type of the body, if `headers` holds none.
    std::string_view content_type = {};
    /// Instead of client_options::total_timeout, if not zero.
    duration timeout = duration::zero();
    /// Instead of client_options::max_redirects.
    std::optional<std::size_t> max_redirects = {};
};

/// An HTTP/1.1 client, over TCP and TLS, that keeps its connections for the next request to the same origin.
///
/// Everything that a call throws for names, connections, TLS, truncation, redirects and status is an http::error that names the URL; time-outs
/// are leat::timeout_error. Threads: the loop's own. Destroying it closes the idle connections; requests that run, and responses, go on.
/// Source: aiohttp.ClientSession.
class client {
public:
    /// Makes no connection yet. The options are copied.
    explicit client(client_options options = {});
    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    ~client();

    /// Completes when: the head of the final response is there; its body is then read from it.
    /// An idle connection that the server had closed meanwhile is replaced, once and silently, for methods that may be repeated (GET, HEAD,
    /// PUT, DELETE, OPTIONS, TRACE). Errors: url_error, name_error, connect_error, tls_error, protocol_error, too_large_error,
    /// truncated_error, redirect_error, leat::timeout_error; std::invalid_argument for a method or a field that no request can hold.
    /// Cancellation: closes the connection it used; nothing stays behind. The client need not outlive the task.
    /// Allocates: the response and its head, about 2 KB. `auto response = co_await http.get("https://example.org/");`
    task<response> get(std::string_view url, request_options options = {});
    /// The same with HEAD: the answer has no body.
    /// Completes when: as `get`. Errors: as `get`. Cancellation: as `get`.
    task<response> head(std::string_view url, request_options options = {});
    /// The same with any method: a token of RFC 9110, sent as it is.
    /// Completes when: as `get`. Errors: as `get`; what the server did before an error is not known for methods that may not be repeated (POST, PATCH).
    /// Cancellation: as `get`.
    task<response> request(std::string_view method, std::string_view url, request_options options = {});

    /// Connections that wait for their next request.
    std::size_t idle_connections() const noexcept;
    /// All connections, those that are being made included.
    std::size_t open_connections() const noexcept;

private:
    std::shared_ptr<detail::http_pool> pool_;
};

}  // namespace leat::http
