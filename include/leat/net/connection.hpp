#pragma once
#include <string_view>

#include "leat/io/duration.hpp"
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"
#include "leat/net/address.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/net/keep_alive.hpp"
#include "leat/task/task.hpp"

namespace leat {

namespace tls {
class context;
}

/// Both ends of an open connection: `auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", 8888});`
struct connection {
    stream_reader reader;  ///< what the peer sends
    stream_writer writer;  ///< what is sent to the peer
};

/// How `open_connection` connects. Trivially destructible, so that it may be written inside any expression.
struct connect_options {
    /// For looking up the name and connecting, over all of its addresses. Zero: none.
    duration timeout = std::chrono::seconds{60};
    /// The reader's limit on a line, and on what is kept while nobody reads.
    bytes limit = {64 * 1024};
    /// How long an address gets before the next one is tried beside it (RFC 8305). Zero: one after the other.
    duration connection_attempt_delay = std::chrono::milliseconds{250};
    /// Connect from here: `leat::address::parse("192.0.2.1", 0)`. Addresses of the other family are then not tried.
    address local_address = {};
    /// Probes while the connection says nothing; off unless `idle` is given.
    leat::keep_alive keep_alive = {};
    /// Small packets go out at once (TCP_NODELAY): leat gathers writes itself.
    bool no_delay = true;
    /// The kernel's buffers (SO_RCVBUF, SO_SNDBUF), which it doubles and bounds. Zero: its own choice, which grows.
    bytes receive_buffer = {0};
    /// The same for sending.
    bytes send_buffer = {0};
    /// Secures the connection (leat/tls/context.hpp); shared, so it may go once the call is made. Null: plain TCP. The handshake's time-out is in the context.
    const tls::context* tls = nullptr;
    /// With `tls`: the name to ask for (SNI) and to verify, where it is not the endpoint's host.
    std::string_view server_name = {};
};

/// Connects to a host over TCP. Names are resolved without blocking (c-ares: /etc/hosts, DNS), literals are not looked up.
/// A host's addresses are tried with the two families in turn; one that does not answer within `connection_attempt_delay` gets company by the
/// next, one that fails is followed at once. The first that accepts wins, and the others are cancelled and closed.
/// Completes when: one has accepted. Errors: `leat::error` "connect HOST:PORT [ADDRESS]: …" with every address's reason, the last one's as its
/// code, `name_error` if the name does not resolve, `timeout_error` after the time-out;
/// with `tls` those of `tls::open_connection` as well. Cancellation: at once; nothing stays open.
/// Allocates: the connection, about 300 bytes. Source: asyncio.open_connection, RFC 8305.
task<connection> open_connection(endpoint to, connect_options options = {});

/// A host name that could not be resolved.
class name_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace leat
