#pragma once
#include <memory>
#include <string_view>
#include <utility>

#include "leat/io/path.hpp"
#include "leat/net/connection.hpp"
#include "leat/net/server.hpp"

namespace leat {

/// The name of a unix socket: a path, or `unix_address::abstract("name")`, which is no file and goes with its last socket.
/// Errors: `leat::error` "unix address …" if it is empty, holds a NUL or is longer than the kernel's 107 bytes.
class unix_address {
public:
    /// A socket file's path.
    unix_address(std::string_view path);
    /// The same.
    unix_address(const char* path) : unix_address(std::string_view{path}) {}
    /// The same.
    unix_address(const std::string& path) : unix_address(std::string_view{path}) {}
    /// The same.
    unix_address(const leat::path& path) : unix_address(std::string_view{path}) {}
    /// A name in the abstract namespace of this machine (unix(7)), without the NUL in front.
    static unix_address abstract(std::string_view name);

    /// The same as a plain address.
    const leat::address& address() const noexcept { return address_; }
    /// Is it no file?
    bool is_abstract() const noexcept { return address_.unix_name().front() == '\0'; }
    /// "unix:/run/app.sock", "unix:@name".
    std::string to_string() const { return address_.to_string(); }

private:
    explicit unix_address(const leat::address& made) noexcept : address_(made) {}
    leat::address address_;
};

/// Connects to a unix socket. Of the options only `timeout`, `limit` and the buffers' sizes mean something here.
/// Completes when: the server's queue has taken the connection; waits while that is full. Errors: `leat::error` "connect unix:PATH: …",
/// `timeout_error`. Cancellation: at once; nothing stays open. Allocates: the connection, about 300 bytes. Source: asyncio.open_unix_connection.
task<connection> open_unix_connection(unix_address to, connect_options options = {});

/// Two streams that are connected with each other: what one writes the other reads. For tests, and for parts of a program that talk in streams.
/// Does not wait. Errors: `leat::error` "socketpair …". Source: socket.socketpair.
std::pair<connection, connection> unix_socket_pair(bytes limit = {64 * 1024});

/// Who is at the other end of a unix connection, as the kernel noted it when they connected.
struct peer_credentials {
    int process = 0;     ///< the process's number
    unsigned user = 0;   ///< its effective user
    unsigned group = 0;  ///< its effective group
};
/// Errors: `leat::error` "peer credentials …" if the connection is closed or not over a unix socket. Source: SO_PEERCRED, unix(7).
peer_credentials credentials_of(const stream_writer& writer);

namespace detail {
task<server> start_unix_server_with(std::unique_ptr<connection_handler> handler, unix_address at, const server_options& options);
}

/// Listens on a unix socket, and calls `handler(reader, writer)` for each connection, as start_server does.
/// A socket file on which nobody listens any more is replaced. The file is removed when the server stops listening, if it is still its own. Two
/// servers that start at the same instant on one stale file may both believe they have it; the later one does.
/// Of the options `reuse_port`, `no_delay` and `keep_alive` mean nothing here; `file_mode` does.
/// Completes when: it listens. Errors: `leat::error` "listen unix:PATH: …", EADDRINUSE if somebody listens there or the file is no socket.
/// Cancellation: nothing stays open, no file is left. Threads: as start_server. Source: asyncio.start_unix_server.
template <class Handler>
task<server> start_unix_server(Handler&& handler, unix_address at, server_options options = {}) {
    static_assert(detail::safe_inline_callable<Handler>, "name it first: g++ 12 destroys a closure written inside co_await twice");
    return detail::start_unix_server_with(std::make_unique<detail::connection_handler_of<std::decay_t<Handler>>>(std::forward<Handler>(handler)), at, options);
}

}  // namespace leat
