#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/error.hpp"
#include "leat/http/headers.hpp"
#include "leat/http/response.hpp"
#include "leat/http/trace.hpp"
#include "leat/io/duration.hpp"
#include "leat/io/function_ref.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {
class http_pool;
}

namespace leat::http {

class content;
class cookie_jar;
class hsts_store;

/// Which HTTP a client speaks.
enum class protocol : std::uint8_t {
    automatic,  ///< HTTP/2 where a TLS server agrees to it (ALPN), else HTTP/1.1
    http1,      ///< HTTP/1.1 only
    http2,      ///< HTTP/2 only: a TLS server has to agree, and any other is spoken to in HTTP/2 from the first byte ("prior knowledge")
};

/// Who the client is to a server or a proxy.
struct credentials {
    /// How they are shown.
    enum class scheme : std::uint8_t {
        automatic,  ///< digest where the server asks for it, else basic, once it has asked; basic without being asked over TLS only
        basic,      ///< with the first request, readable by whoever sees the traffic
        digest,     ///< answers the server's challenge (RFC 7616: SHA-512-256, SHA-256, MD5; qop auth, and auth-int where the body is in memory)
        bearer,     ///< `password` is the token, sent with the first request, readable as well unless that goes over TLS (RFC 6750)
    };
    std::string_view user = {};      ///< empty: no credentials, unless the scheme is bearer
    std::string_view password = {};  ///< or the token
    scheme how = scheme::automatic;  ///< how they are shown
};

/// What a client does unless a request says otherwise; each field's default is what it is set to here. Trivial, so that it may be written inside any expression;
/// what is kept is copied.
struct client_options {
    /// Looking up the name, connecting (through the proxy, if any), and the TLS handshake together, for each attempt anew. Waiting for one of `connections` is not
    /// part of it, only of `total_timeout`. Zero: none.
    duration connect_timeout = std::chrono::seconds{30};
    /// The head of a response has to be there so long after its request was sent, and its body may not pause for longer; nor may the server in taking a request's body.
    /// The time that a `content` takes to be read is not counted. For each attempt anew. Zero: none.
    duration read_timeout = std::chrono::seconds{60};
    /// One request in all: waiting for a connection, redirects, retries with their pauses, and reading the body included. Zero: none. See request_options::timeout.
    duration total_timeout = duration::zero();
    /// How many redirects are followed before a redirect_error; 0: none is followed, and the redirect is the response. 303 turns all but HEAD into GET, 301 and 302 turn
    /// POST into GET, and then the body is left out; the others keep both. From https to http is followed, without credentials as to any other origin.
    std::size_t max_redirects = 20;

    /// Which HTTP is spoken. A proxy that gets the requests themselves (an HTTP proxy, for http:// URLs) gets HTTP/1.1; with `http2` that is a connect_error.
    http::protocol protocol = http::protocol::automatic;
    /// Requests at once over one HTTP/2 connection, or fewer if the server says so. At least 1. Nothing to HTTP/1.1.
    std::size_t streams_per_connection = 100;
    /// Requests at once to one origin (scheme, host, port). Over HTTP/1.1 each has a connection of its own; over HTTP/2 they share as few as
    /// `streams_per_connection` allows. A connection that lies idle counts as one. Requests above it wait, and are served in order; only `total_timeout` ends that. At least 1.
    std::size_t connections_per_origin = 64;
    /// The same for all origins together; the origins that wait take turns. Where connections are all taken, idle ones to other origins are closed first. At least 1.
    std::size_t connections = 256;
    /// How long a connection without a request is kept. It owns no buffer meanwhile. Zero: connections are used once. A server may close it sooner: see client::get.
    duration idle_timeout = std::chrono::seconds{30};

    /// Sent with each request that sets no User-Agent of its own. Empty: "leat/VERSION".
    std::string_view user_agent = {};
    /// Ask for gzip, deflate, br and zstd, and undo them: body() then gives the content, and its size() is unknown, while the response's fields still speak of what came.
    /// Limits (of text() and the like) count the content. A request with a Range or an Accept-Encoding of its own gets its answer as it comes.
    bool decompress = true;

    /// More attempts after a failure that may pass: a connection that cannot be made or breaks before the response, a time-out of it, the statuses
    /// 408, 425, 429, 500, 502, 503 and 504. Only for methods that may be repeated (GET, HEAD, PUT, DELETE, OPTIONS, TRACE) and bodies that can be read again.
    /// One number for all the places that redirects lead to. What breaks in a response's body is not tried again: part of it has been read.
    unsigned retries = 0;
    /// The pause before the first retry; doubled each time up to 30 s, with jitter. What the server asks for counts instead, up to two minutes: Retry-After,
    /// or, with 429 and 503, the reset of RateLimit, RateLimit-Reset or X-RateLimit-Reset. A pause that would not end within the whole request's time is not begun.
    duration retry_delay = std::chrono::milliseconds{500};
    /// Of all requests, this part may be retries, beside the first ten, and what is not used is saved for later, a hundred at most: servers in trouble are not drowned (RFC 9110 9.2.2 allows retries, it does not oblige).
    double retry_budget = 0.2;

    /// Where the request's URL has none, and the request neither; they go before those of `netrc`. Those in a URL ("https://me:secret@host/") are shown as basic
    /// with the first request, also without TLS, and as a digest once the server has asked for it.
    /// They are sent to the origin of the request's own URL, never to one that a redirect leads to. A request with an Authorization field of its own gets no others.
    http::credentials credentials = {};
    /// A file in netrc's form with users and passwords by host, for whichever host a request or its redirect leads to. "default" is ~/.netrc, which may be missing;
    /// any other has to be there. For a URL with a user alone ("https://me@host/") it gives the password. Empty: none. Read at the first request, which throws
    /// leat::error if that cannot be done; limit_error for more than 1 MiB.
    std::string_view netrc = {};
    /// Cookies are taken from responses and sent with requests. Null: none. The jar is shared, and lives as long as somebody has it.
    const cookie_jar* cookies = nullptr;
    /// Hosts that have asked for TLS are spoken to over TLS only (RFC 6797). Null: nobody is remembered. Shared like the jar.
    const hsts_store* hsts = nullptr;

    /// The proxy for every request: http://, https://, socks5:// (names are resolved here) or socks5h:// (by the proxy), with credentials before the host.
    /// Empty: what `proxy_from_environment` finds, else none.
    std::string_view proxy = {};
    /// Hosts that are spoken to without the proxy: names with their subdomains, addresses, address ranges (10.0.0.0/8), separated by commas; "*": all.
    /// Empty: the environment's, where the proxy is the environment's too.
    std::string_view no_proxy = {};
    /// Look at http_proxy, https_proxy, all_proxy and no_proxy (and their capital forms, but for HTTP_PROXY) when the client is made.
    bool proxy_from_environment = true;

    /// A PEM file of the authorities to trust instead of the system's. Of no effect with `insecure`.
    std::string_view ca_file = {};
    /// A client certificate and its key, PEM files, shown to each server that asks for one. Both or neither.
    std::string_view certificate = {};
    std::string_view key = {};  ///< the certificate's
    /// Accept every TLS certificate: whoever is in between can read and change everything. For tests. Nothing is learnt for `hsts` then.
    bool insecure = false;
    /// The longest head of a response; longer is a too_large_error. Trailers count anew, as does each of the up to 16 interim (1xx) ones.
    bytes head_limit = {64 * 1024};
    /// The most fields in one head; more is a too_large_error.
    std::size_t field_limit = 256;

    /// Is told each step of each request, on the loop. It may not throw, and it must outlive the client and its requests.
    function_ref<void(const trace_event&)> on_trace = nullptr;
};

/// One request's own wishes; what is not set is as the client's options have it. Trivial; everything is copied before the task is returned, but for `content`.
struct request_options {
    /// Fields to send; each replaces the default of its name, and Authorization and Cookie replace what credentials and the jar would give. Those two, Proxy-Authorization and
    /// Host are dropped when a redirect leaves the origin. Content-Length and Transfer-Encoding are never sent from here: the body alone says how long it is. None: null.
    const http::headers* headers = nullptr;
    /// Sent as it is, with its Content-Length; with `has_body` an empty one is announced too. Sent again where a retry, a challenge or a redirect asks for it;
    /// lost where a redirect turns the request into a GET.
    std::string_view body = {};
    /// Announce the body although it is empty. POST, PUT and PATCH always do.
    bool has_body = false;
    /// The body, read as it is sent; instead of `body`. It must outlive the task. To be sent again it is rewound; where it cannot be, there is no retry, and a redirect
    /// that needs it is a redirect_error. A server that refuses it (a status of 300 and above) before its end gets no more of it.
    http::content* content = nullptr;
    /// Content-Type of the body, if `headers` holds none. Empty: what the `content` says.
    std::string_view content_type = {};
    /// Instead of client_options::credentials, if there are any. Those in the URL go before them.
    http::credentials credentials = {};
    /// Instead of client_options::total_timeout, if not zero.
    duration timeout = duration::zero();
    /// Instead of client_options::max_redirects.
    std::optional<std::size_t> max_redirects = {};
    /// Instead of client_options::retries; the client's `retry_delay` and `retry_budget` count for these, too.
    std::optional<unsigned> retries = {};
    /// Instead of client_options::decompress.
    std::optional<bool> decompress = {};
};

/// An HTTP client, over TCP and TLS, that keeps its connections for the next request to the same origin.
///
/// Everything that a call throws for names, connections, TLS, truncation, redirects and status is an http::error that names the URL; time-outs
/// are leat::timeout_error. Threads: the loop's own. Destroying it closes the idle connections; requests that run, and responses, go on.
/// It may outlive the loop, which closes the idle connections as it ends, and serve on the next.
/// A server is told of the end of an idle connection (GOAWAY, close_notify), as far as that needs no wait. An HTTP/2 connection on which nothing at all came while
/// a request waited in vain, for a second or longer, gets no other.
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
    /// truncated_error, redirect_error, leat::timeout_error; std::invalid_argument for a method or a field that no request can hold; what the content's read() throws, as it is.
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
