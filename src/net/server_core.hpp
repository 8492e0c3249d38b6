#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/operation/accept.hpp"
#include "engine/unix_socket.hpp"
#include "leat/net/server.hpp"
#include "leat/sync/event.hpp"
#include "net/meet_proxy.hpp"
#include "net/tcp_stream.hpp"
#include "task/loop.hpp"

namespace leat::detail {

class tls_settings;

/// The options with what they point at. Throws std::invalid_argument.
struct server_settings {
    explicit server_settings(const server_options& given);
    server_options options;
    proxy_settings proxy;
    std::shared_ptr<tls_settings> tls;  // null: plain connections
};

/// What a server consists of: its listening sockets, and a session for each connection.
class server_core final : private signal_listener {
public:
    server_core(std::unique_ptr<connection_handler> handler, server_settings settings);
    ~server_core();

    /// These throw leat::error.
    void listen(const address& at);
    /// False: the server that was there before is gone, but its socket is not yet. Try again soon; not `patient`, it is an error.
    bool listen_unix(const address& at, bool patient);
    void listen_given(int fd);
    void start_accepting();
    void stop_accepting() noexcept;
    /// Idle readers see the end of their streams.
    void ask_to_end() noexcept;
    void cancel_handlers() noexcept;
    void abort_connections() noexcept;
    void watch_signals(bool on);

    const std::vector<address>& addresses() const noexcept { return addresses_; }
    std::size_t connections() const noexcept { return count_; }
    const server_statistics& statistics() const noexcept { return statistics_; }
    /// Is the running task one of this server's handlers, or below one?
    bool is_called_by_handler() const noexcept;
    const server_options& options() const noexcept { return options_; }

    event stopping;
    event drained;  // stopping, and no connection is left

private:
    class listener;
    class session;
    bool on_signal(int signal) noexcept override;
    void add_listener(int fd);
    void hold(int fd) noexcept;
    void accepted(int fd, const address& peer);
    void session_ended() noexcept;

    std::unique_ptr<connection_handler> handler_;
    server_options options_;
    proxy_settings proxy_;
    server_statistics statistics_;
    std::shared_ptr<tls_settings> tls_;
    struct scope final : context {
        scope(context* parent, server_core& server) noexcept : context(parent, nullptr), core(server) {}
        server_core& core;
    };
    scope scope_;  // above the sessions
    std::vector<listener*> listeners_;
    std::vector<address> addresses_;
    std::vector<socket_file> files_;
    std::vector<int> held_;  // accepted while the limit was reached
    std::size_t count_ = 0;
    bool accepting_ = false;
    bool paused_ = false;
    bool watching_ = false;
};

}  // namespace leat::detail
