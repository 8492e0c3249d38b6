#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/operation/accept.hpp"
#include "leat/net/server.hpp"
#include "leat/sync/event.hpp"
#include "net/tcp_stream.hpp"
#include "task/loop.hpp"

namespace leat::detail {

class tls_settings;

/// What a server consists of: its listening sockets, and a session for each connection.
class server_core final : private signal_listener {
public:
    /// `tls`: null for plain connections.
    server_core(std::unique_ptr<connection_handler> handler, const server_options& options, std::shared_ptr<tls_settings> tls);
    ~server_core();

    /// Throws leat::error.
    void listen(const address& at);
    void start_accepting();
    void stop_accepting() noexcept;
    /// Idle readers see the end of their streams.
    void ask_to_end() noexcept;
    void cancel_handlers() noexcept;
    void abort_connections() noexcept;
    void watch_signals(bool on);

    const std::vector<address>& addresses() const noexcept { return addresses_; }
    std::size_t connections() const noexcept { return count_; }
    const server_options& options() const noexcept { return options_; }

    event stopping;
    event drained;  // stopping, and no connection is left

private:
    class listener;
    class session;
    bool on_signal(int signal) noexcept override;
    void accepted(int fd);
    void session_ended() noexcept;

    std::unique_ptr<connection_handler> handler_;
    server_options options_;
    std::shared_ptr<tls_settings> tls_;
    context scope_;
    std::vector<listener*> listeners_;
    std::vector<address> addresses_;
    std::vector<int> held_;  // accepted while the limit was reached
    std::size_t count_ = 0;
    session* sessions_ = nullptr;
    bool accepting_ = false;
    bool paused_ = false;
    bool watching_ = false;
};

}  // namespace leat::detail
