#pragma once
#include <string_view>

#include "leat/io/duration.hpp"
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"

namespace leat {

namespace tls {
class context;
}

/// Both ends of an open connection: `auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", 8888});`
struct connection {
    stream_reader reader;
    stream_writer writer;
};

struct connect_options {
    /// For looking up the name and connecting to one address after the other. Zero: none.
    duration timeout = std::chrono::seconds{60};
    /// The reader's limit on a line, and on what is kept while nobody reads.
    bytes limit = {64 * 1024};
    /// Secures the connection (leat/tls/context.hpp); shared, so it may go once the call is made. Null: plain TCP. The handshake's time-out is in the context.
    const tls::context* tls = nullptr;
    /// With `tls`: the name to ask for (SNI) and to verify, where it is not the endpoint's host.
    std::string_view server_name = {};
};

/// Connects to a host over TCP. Names are resolved without blocking (c-ares: /etc/hosts, DNS), literals are not looked up.
/// Completes when: the first of the host's addresses, tried in turn, accepts.
/// Errors: `leat::error` "connect HOST:PORT [ADDRESS]: …" with the last address's reason, `name_error` if the name does not resolve,
/// `timeout_error` after the time-out; with `tls` those of `tls::open_connection` as well. Cancellation: at once; nothing stays open. Allocates: the connection, about 300 bytes. Source: asyncio.open_connection.
task<connection> open_connection(endpoint to, connect_options options = {});

/// A host name that could not be resolved.
class name_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace leat
