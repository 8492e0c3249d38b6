#include "leat/net/server.hpp"

#include "leat/log/log.hpp"
#include "leat/task/shield.hpp"
#include "leat/task/timeout.hpp"
#include "net/resolver.hpp"
#include "net/server_core.hpp"
#include "tls/secure.hpp"

namespace leat {
namespace detail {
namespace {

/// Lets the handlers end by themselves, then cancels them, then cuts the connections.
task<> drain(server_core& core, bool at_once) {
    core.stop_accepting();
    if (core.drained.is_set()) co_return;
    core.ask_to_end();
    if (!at_once) {
        auto gently = co_await (timeout(core.options().drain_timeout, core.drained.wait()) | as_result);
        if (gently) co_return;
        log::warn("server {}: {} connections not done after the drain time-out; cancelling them", core.addresses().front(), core.connections());
    }
    core.cancel_handlers();
    auto cancelled = co_await (timeout(std::chrono::seconds{2}, core.drained.wait()) | as_result);
    if (cancelled) co_return;
    core.abort_connections();
    co_await core.drained.wait();
}

task<server> start_with(std::unique_ptr<connection_handler> handler, endpoint at, server_options options, std::shared_ptr<tls_settings> tls) {
    auto core = std::make_unique<server_core>(std::move(handler), options, std::move(tls));
    std::vector<address> addresses;
    if (at.host().empty()) {
        addresses = {address::parse("0.0.0.0", at.port()), address::parse("::", at.port())};
    } else {
        addresses = co_await resolve(at);
    }
    for (const address& each : addresses) {
        // All of them share the port that the first was given.
        const std::uint16_t port = at.port() == 0 && !core->addresses().empty() ? core->addresses().front().port() : at.port();
        try {
            core->listen(address::parse(each.host(), port));
        } catch (const error& e) {
            // A machine without IPv6 still serves "" and "localhost"; an address that is taken is an error.
            const bool missing = e.code() == std::errc::address_family_not_supported || e.code() == std::errc::address_not_available;
            if (!missing || (core->addresses().empty() && &each == &addresses.back())) throw;
        }
    }
    core->start_accepting();
    co_return server{std::move(core)};
}

}  // namespace

task<server> start_server_with(std::unique_ptr<connection_handler> handler, endpoint at, const server_options& options) {
    std::shared_ptr<tls_settings> tls;
    if (options.tls) {
        check_is_server(*options.tls);
        tls = options.tls->settings();
    }
    return start_with(std::move(handler), std::move(at), options, std::move(tls));
}

}  // namespace detail

server::server(std::unique_ptr<detail::server_core> core) noexcept : core_(std::move(core)) {}
server::server(server&&) noexcept = default;
server& server::operator=(server&&) noexcept = default;
server::~server() = default;

leat::address server::address() const noexcept { return core_->addresses().front(); }
std::vector<leat::address> server::addresses() const { return core_->addresses(); }
std::size_t server::connections() const noexcept { return core_->connections(); }

task<> server::serve_forever() {
    detail::server_core& core = *core_;
    struct watch {
        explicit watch(detail::server_core& c) : core(c) { core.watch_signals(true); }
        ~watch() { core.watch_signals(false); }
        detail::server_core& core;
    } signals{core};
    bool cancelled_from_outside = false;
    try {
        co_await core.stopping.wait();
    } catch (const cancelled&) {
        cancelled_from_outside = true;
    }
    co_await shield(detail::drain(core, cancelled_from_outside));
    if (cancelled_from_outside) throw cancelled{};
}

task<> server::close() { co_await shield(detail::drain(*core_, false)); }

}  // namespace leat
