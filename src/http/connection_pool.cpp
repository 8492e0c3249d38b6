#include "http/connection_pool.hpp"

#include <algorithm>

#include "http/session.hpp"
#include "leat/net/connection.hpp"
#include "leat/task/timeout.hpp"
#include "net/open.hpp"
#include "task/loop.hpp"

namespace leat::detail {

http_pool::http_pool(const http::client_options& options) : user_agent_(options.user_agent), options_(options), proxies_(options), session_(std::make_unique<http_session>(options)) {
    options_.user_agent = user_agent_;
    tls_.ca_file = options.ca_file;
    tls_.insecure = options.insecure;
    tls_.alpn = {"http/1.1"};
    tls_.handshake_timeout = options.connect_timeout;
    options_.ca_file = tls_.ca_file;
    options_.connections = std::max<std::size_t>(options_.connections, 1);
    options_.connections_per_origin = std::max<std::size_t>(options_.connections_per_origin, 1);
}

http_pool::~http_pool() { close(); }

void http_pool::close() noexcept {
    closed_ = true;
    // An origin is forgotten with its last connection, so the table changes below the loop's feet.
    while (idle_ != 0) {
        auto with_idle = std::find_if(origins_.begin(), origins_.end(), [](const auto& entry) { return entry.second->newest != nullptr; });
        drop_idle(*with_idle->second->newest);
    }
}

http_origin& http_pool::origin_of(const http::url& to) {
    if (auto found = origins_.find(to.origin()); found != origins_.end()) return *found->second;
    auto made = std::make_unique<http_origin>(*this, to.origin(), endpoint{to.host(), to.port()}, to.secure());
    made->via = proxies_.choose(to);
    return *origins_.emplace(to.origin(), std::move(made)).first->second;
}

void http_pool::forget_if_unused(http_origin& origin) noexcept {
    if (origin.open != 0 || origin.pins != 0 || !origin.waiting.empty()) return;
    const std::string key = std::move(origin.key);
    origins_.erase(key);
}

lease_wait http_pool::acquire(const http::url& to, reuse how) { return lease_wait{*this, origin_of(to), how}; }

namespace {

task<fresh_stream> open_stream(endpoint to, bool secure, const proxy_server* via, const tls_client_settings& settings) {
    if (via) {
        tcp_stream* opened = co_await open_through(*via, std::move(to), secure, settings);
        co_return fresh_stream{opened};
    }
    // Two statements each: a result is not left in a temporary across a suspension.
    if (secure) {
        tcp_stream* opened = co_await open_tls(std::move(to), settings);
        co_return fresh_stream{opened};
    }
    tcp_stream* opened = co_await open_tcp(std::move(to));
    co_return fresh_stream{opened};
}

}  // namespace

task<fresh_stream> http_pool::connect(http_origin& to) {
    const duration limit = options_.connect_timeout;
    if (limit <= duration::zero()) return open_stream(to.to, to.secure, to.via, tls_);
    return [](duration most, task<fresh_stream> opening) -> task<fresh_stream> {
        co_return co_await timeout(most, std::move(opening));
    }(limit, open_stream(to.to, to.secure, to.via, tls_));
}

// ---- granting

/// A connection to be used again, or the right to make one.
bool http_pool::try_grant(http_origin& origin, reuse how, http_connection*& connection) noexcept {
    connection = nullptr;
    if (origin.newest) {
        const time_point now = clock_now();
        while (http_connection* candidate = origin.newest) {
            unlink(*candidate);
            if (how != reuse::never && candidate->alive(now, how == reuse::checked)) {
                connection = candidate;
                return true;
            }
            delete candidate;
            --origin.open;
            --open_;
        }
    }
    if (origin.open >= options_.connections_per_origin) return false;
    if (open_ >= options_.connections && !drop_some_idle(origin)) return false;
    ++origin.open;
    ++open_;
    return true;
}

bool http_pool::serve_first(http_origin& origin) noexcept {
    auto& first = static_cast<lease_wait&>(*origin.waiting.first());
    if (!try_grant(origin, first.how_, first.connection_)) return false;
    origin.waiting.remove(first);
    --starved_;
    first.state_ = lease_wait::granted;
    first.wake();
    return true;
}

/// Of the origins that only lack a place among all connections, the one whose request has waited longest.
http_origin* http_pool::longest_waiting() noexcept {
    http_origin* found = nullptr;
    std::uint64_t earliest = 0;
    for (auto& [key, origin] : origins_) {
        if (origin->waiting.empty() || origin->open >= options_.connections_per_origin) continue;
        const std::uint64_t ticket = static_cast<lease_wait&>(*origin->waiting.first()).ticket_;
        if (!found || ticket < earliest) {
            found = origin.get();
            earliest = ticket;
        }
    }
    return found;
}

/// A connection has become idle, or a place free.
void http_pool::serve(http_origin& freed) noexcept {
    if (starved_ == 0) return;
    // With all connections taken, another origin's older request goes first; otherwise nobody else can be waiting for this.
    if (open_ >= options_.connections || freed.waiting.empty()) {
        http_origin* other = longest_waiting();
        if (other && other != &freed && (freed.waiting.empty() || static_cast<lease_wait&>(*other->waiting.first()).ticket_ <
                                                                      static_cast<lease_wait&>(*freed.waiting.first()).ticket_)) {
            serve_first(*other);
            return;
        }
    }
    while (!freed.waiting.empty() && serve_first(freed)) {}
}

void http_pool::give_back(http_origin& origin, http_connection* connection) noexcept {
    if (connection && !closed_ && options_.idle_timeout > duration::zero() && connection->reusable()) {
        connection->become_idle(clock_now(), options_.idle_timeout);
        connection->older = origin.newest;
        connection->newer = nullptr;
        (origin.newest ? origin.newest->newer : origin.oldest) = connection;
        origin.newest = connection;
        ++idle_;
    } else {
        delete connection;
        --origin.open;
        --open_;
    }
    ++origin.pins;
    serve(origin);
    --origin.pins;
    forget_if_unused(origin);
}

void http_pool::unlink(http_connection& connection) noexcept {
    http_origin& origin = connection.origin;
    (connection.newer ? connection.newer->older : origin.newest) = connection.older;
    (connection.older ? connection.older->newer : origin.oldest) = connection.newer;
    connection.older = connection.newer = nullptr;
    --idle_;
}

void http_pool::drop_idle(http_connection& connection) noexcept {
    http_origin& origin = connection.origin;
    unlink(connection);
    delete &connection;
    --origin.open;
    --open_;
    ++origin.pins;
    serve(origin);
    --origin.pins;
    forget_if_unused(origin);
}

/// Makes room for another origin.
bool http_pool::drop_some_idle(const http_origin& but) noexcept {
    if (idle_ == 0) return false;
    for (auto& [key, origin] : origins_) {
        if (origin.get() == &but || !origin->oldest) continue;
        http_connection* connection = origin->oldest;
        unlink(*connection);
        delete connection;
        --origin->open;
        --open_;
        forget_if_unused(*origin);
        return true;
    }
    return false;
}

// ---- leases

void http_lease::attach(fresh_stream stream) {
    http::parser_limits limits;
    limits.head = pool_->options().head_limit.count;
    limits.fields = pool_->options().field_limit;
    connection_ = new http_connection(*stream, *origin_, limits);
    stream.release();
}

void http_lease::release() noexcept {
    if (!origin_) return;
    auto pool = std::move(pool_);  // it may be the last to hold it
    pool->give_back(*std::exchange(origin_, nullptr), std::exchange(connection_, nullptr));
}

lease_wait::~lease_wait() {
    if (!origin_) return;
    --origin_->pins;
    if (state_ == granted) {
        pool_.give_back(*origin_, std::exchange(connection_, nullptr));
    } else {
        if (state_ == queued) withdraw();
        pool_.forget_if_unused(*origin_);
    }
}

bool lease_wait::await_ready() {
    if (!origin_->waiting.empty() || !pool_.try_grant(*origin_, how_, connection_)) return false;
    state_ = granted;
    return true;
}

bool lease_wait::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    ticket_ = ++pool_.tickets_;
    ++pool_.starved_;
    origin_->waiting.push(*this);
    state_ = queued;
    return true;
}

void lease_wait::withdraw() noexcept {
    origin_->waiting.remove(*this);
    --pool_.starved_;
    state_ = idle;
}

void lease_wait::cancel() noexcept {
    withdraw();
    wake_cancelled();
}

http_lease lease_wait::await_resume() {
    if (was_cancelled()) throw cancelled{};
    state_ = idle;
    http_origin& origin = *std::exchange(origin_, nullptr);
    --origin.pins;
    return http_lease{pool_.shared_from_this(), origin, std::exchange(connection_, nullptr)};
}

}  // namespace leat::detail
