#include "leat/net/server.hpp"

#include <stdexcept>

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

}  // namespace

namespace {

task<server> start_core(std::unique_ptr<connection_handler> handler, endpoint at, server_settings settings) {
    auto core = std::make_unique<server_core>(std::move(handler), std::move(settings));
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

task<server> start_core_on(std::unique_ptr<connection_handler> handler, int descriptor, server_settings settings) {
    auto core = std::make_unique<server_core>(std::move(handler), std::move(settings));
    core->listen_given(descriptor);
    core->start_accepting();
    co_return server{std::move(core)};
}

/// An error of the options comes with the await, as every other.
task<server> refuse(std::exception_ptr why) {
    std::rethrow_exception(std::move(why));
    co_return server{nullptr};
}

}  // namespace

task<server> start_server_with(std::unique_ptr<connection_handler> handler, endpoint at, const server_options& options) {
    try {
        return start_core(std::move(handler), std::move(at), server_settings{options});
    } catch (const std::exception&) {
        return refuse(std::current_exception());
    }
}

task<server> start_server_on_with(std::unique_ptr<connection_handler> handler, int listening_descriptor, const server_options& options) {
    try {
        return start_core_on(std::move(handler), listening_descriptor, server_settings{options});
    } catch (const std::exception&) {
        return refuse(std::current_exception());
    }
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

task<> server::close() {
    if (core_->is_called_by_handler())
        throw std::logic_error("server::close awaited in one of the server's own handlers, for which it would wait: call stop() there");
    co_await shield(detail::drain(*core_, false));
}

void server::stop() noexcept {
    core_->stop_accepting();
    core_->ask_to_end();
}

void server::abort_clients() noexcept { core_->abort_connections(); }
server_statistics server::statistics() const noexcept { return core_->statistics(); }

}  // namespace leat
