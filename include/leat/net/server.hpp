#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "leat/net/connection.hpp"

namespace leat {

/// Does a proxy in front say whose connection it is, by the PROXY protocol (HAProxy's send-proxy and send-proxy-v2, nginx's proxy_protocol)?
enum class proxy_protocol : std::uint8_t {
    off,
    /// Each connection begins with its header; one without it is ended. Whoever can reach the port can claim to be anybody: only for a port
    /// that nobody but the proxy reaches, or with `trusted_proxies`.
    required,
    /// From `trusted_proxies` the header is required; whoever comes from elsewhere speaks for himself, and what looks like a header is data.
    from_trusted,
};

/// How a server listens and what it allows. Trivially destructible, so that it may be written inside any expression.
struct server_options {
    /// Connections at once, those that still close included; at least one. At the limit accepting pauses; the kernel's queue holds newcomers.
    std::size_t max_connections = 16 * 1024;
    /// The kernel's queue of connections that wait to be accepted.
    int backlog = 1024;
    /// How long a stopping server lets its handlers go on before it cancels them.
    duration drain_timeout = std::chrono::seconds{10};
    /// Each reader's limit on a line, and on what is kept while nobody reads.
    bytes limit = {64 * 1024};
    /// Several processes or loops may listen on the port, and the kernel spreads the connections (SO_REUSEPORT).
    bool reuse_port = false;
    /// Small packets go out at once (TCP_NODELAY): leat gathers writes itself.
    bool no_delay = true;
    /// Whether a PROXY header is expected.
    leat::proxy_protocol proxy_protocol = leat::proxy_protocol::off;
    /// The proxies, as addresses or networks with commas between: "10.0.0.0/8, ::1"; "unix" stands for every unix connection. Empty: everyone.
    std::string_view trusted_proxies = {};
    /// For the PROXY header to come. Zero: none.
    duration proxy_header_timeout = std::chrono::seconds{5};
    /// Probes on connections that say nothing; off unless `idle` is given.
    leat::keep_alive keep_alive = {};
    /// Of a unix server's socket file, such as 0660. Zero: as the umask says.
    unsigned file_mode = 0;
    /// Secures the connections (leat/tls/context.hpp); shared, so it may go once the call is made. The handler is called after the handshake; one that fails is
    /// logged. Connections in their handshake count as connections. Null: plain TCP.
    const tls::context* tls = nullptr;
};

/// What a server has seen so far.
struct server_statistics {
    std::uint64_t accepted = 0;         ///< connections, those included whose header was refused
    std::uint64_t refused_headers = 0;  ///< PROXY headers that were malformed, missing or late
    std::size_t most_connections = 0;   ///< at once
};

namespace detail {

/// What is called for each connection, without its type.
class connection_handler {
public:
    virtual ~connection_handler() = default;
    virtual task<> handle(stream_reader reader, stream_writer writer) = 0;
};

template <class Handler>
class connection_handler_of final : public connection_handler {
public:
    template <class H>
    explicit connection_handler_of(H&& handler) : handler_(std::forward<H>(handler)) {}
    task<> handle(stream_reader reader, stream_writer writer) override { return handler_(std::move(reader), std::move(writer)); }

private:
    Handler handler_;
};

class server_core;

}  // namespace detail

/// A listening server. Its handlers are its children: they end before it does.
class server {
public:
    /// For `start_server`.
    explicit server(std::unique_ptr<detail::server_core> core) noexcept;
    server(server&&) noexcept;
    server& operator=(server&&) noexcept;
    /// Stops listening and destroys the handlers that still run, at once.
    ~server();

    /// The first address it listens on; `.port()` is the port that was given for 0.
    leat::address address() const noexcept;
    /// All of them: a host name or "" may stand for several.
    std::vector<leat::address> addresses() const;
    /// Connections that are open or still closing.
    std::size_t connections() const noexcept;

    /// Serves until SIGINT or SIGTERM, or until close() is called. Then: stop accepting, let the handlers end within the drain time-out,
    /// cancel those that have not, close.
    /// Completes when: every connection has closed. Errors: none for a handler's own. Cancellation: stops at once, cancels the handlers and
    /// waits for them. Source: asyncio Server.serve_forever.
    task<> serve_forever();
    /// The same end, asked for by the program: stops accepting, drains, closes. serve_forever then returns too.
    /// Completes when: every connection has closed, or at once if it is closed already. Cancellation: does not shorten the drain, which is waited
    /// for; the next await throws. May be called again. Errors: std::logic_error inside one of this server's own handlers, which it would wait for: call stop() there.
    task<> close();
    /// Asks for that end without waiting for it: no newcomers from here on, idle readers see the end of their streams. serve_forever then drains
    /// and returns; without one, close() completes when the last connection has closed. May be called in a handler.
    void stop() noexcept;
    /// Cuts every connection at once: what was not sent is dropped, reads and writes fail. Newcomers are still served; after stop() it ends the
    /// waiting. Source: asyncio Server.abort_clients.
    void abort_clients() noexcept;
    /// What it has seen since it was started.
    server_statistics statistics() const noexcept;

private:
    std::unique_ptr<detail::server_core> core_;
};

namespace detail {
task<server> start_server_with(std::unique_ptr<connection_handler> handler, endpoint at, const server_options& options);
task<server> start_server_on_with(std::unique_ptr<connection_handler> handler, int listening_descriptor, const server_options& options);
}

/// Listens, and calls `handler(reader, writer)`, which returns a task<>, for each connection. Accepting begins at once.
/// A handler that throws is logged with its peer and ends its own connection only. Out of descriptors (EMFILE) the server logs, pauses and goes on.
/// Completes when: it listens. Errors: `leat::error` "listen ADDRESS: …", `name_error`, std::invalid_argument for options without sense. Port 0 takes a free one.
/// Cancellation: nothing stays open; may be called again. Limits: `max_connections`. Allocates: per connection its buffers'
/// owner (about 300 bytes) and the handler's frame. Threads: handlers run on the loop that started the server. Source: asyncio.start_server.
/// A lambda with owning captures must be named first (g++ 12 destroys one written inside `co_await` twice).
template <class Handler>
task<server> start_server(Handler&& handler, endpoint at, server_options options = {}) {
    static_assert(detail::safe_inline_callable<Handler>, "name it first: g++ 12 destroys a closure written inside co_await twice");
    return detail::start_server_with(std::make_unique<detail::connection_handler_of<std::decay_t<Handler>>>(std::forward<Handler>(handler)),
                                     std::move(at), options);
}

/// The same on a socket that is bound or listens already and that the server takes over: one that systemd passed (socket activation: descriptor 3),
/// or that another process prepared. Completes when: it accepts, which is at once. Errors: `leat::error` "listen on descriptor N: …"; the descriptor is then
/// still the caller's. Cancellation: there is nothing to wait for; a server that is dropped closes the descriptor. The rest as `start_server`.
template <class Handler>
task<server> start_server_on(Handler&& handler, int listening_descriptor, server_options options = {}) {
    static_assert(detail::safe_inline_callable<Handler>, "name it first: g++ 12 destroys a closure written inside co_await twice");
    return detail::start_server_on_with(std::make_unique<detail::connection_handler_of<std::decay_t<Handler>>>(std::forward<Handler>(handler)),
                                        listening_descriptor, options);
}

}  // namespace leat
