#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "http/connection.hpp"
#include "http/proxy.hpp"
#include "http/retry.hpp"
#include "http/url.hpp"
#include "leat/http/client.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/sync/semaphore.hpp"
#include "tls/open.hpp"

namespace leat::detail {

class http_session;
class lease_wait;

/// May a request go over a connection that has served before?
enum class reuse : std::uint8_t {
    quickly,  // yes; should it turn out to be closed, the request is sent again
    checked,  // only after a close look: the request must not be sent twice
    never,    // no, since that has just gone wrong
};

/// One scheme, host and port: its idle connections, and the requests that wait for one.
struct http_origin {
    http_origin(http_pool& in, std::string name, endpoint at, bool tls) : pool(&in), key(std::move(name)), to(std::move(at)), secure(tls) {}
    http_pool* pool;
    std::string key;
    endpoint to;
    bool secure;
    const proxy_server* via = nullptr;
    std::size_t open = 0;  // idle ones and those in use or being made
    std::size_t pins = 0;  // who refers to it otherwise: requests that wait, or have just ceased to, and the pool itself at work
    http_connection* newest = nullptr;
    http_connection* oldest = nullptr;
    waiter_queue waiting;
};

/// A stream that is connected and not yet anybody's; closed if it never is.
class fresh_stream {
public:
    fresh_stream() = default;
    explicit fresh_stream(tcp_stream* stream) noexcept : stream_(stream) {}
    fresh_stream(fresh_stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
    fresh_stream& operator=(fresh_stream&& other) noexcept {
        std::swap(stream_, other.stream_);
        return *this;
    }
    ~fresh_stream() {
        if (stream_) stream_->discard();
    }
    tcp_stream& operator*() const noexcept { return *stream_; }
    void release() noexcept { stream_ = nullptr; }

private:
    tcp_stream* stream_ = nullptr;
};

/// A place among the pool's connections, and the connection once there is one. Gives both back.
class http_lease {
public:
    http_lease() = default;
    http_lease(std::shared_ptr<http_pool> pool, http_origin& origin, http_connection* connection) noexcept
        : pool_(std::move(pool)), origin_(&origin), connection_(connection) {}
    http_lease(http_lease&& other) noexcept
        : pool_(std::move(other.pool_)), origin_(std::exchange(other.origin_, nullptr)), connection_(std::exchange(other.connection_, nullptr)) {}
    http_lease& operator=(http_lease&& other) noexcept {
        if (this != &other) {
            release();
            pool_ = std::move(other.pool_);
            origin_ = std::exchange(other.origin_, nullptr);
            connection_ = std::exchange(other.connection_, nullptr);
        }
        return *this;
    }
    ~http_lease() { release(); }

    http_connection* connection() const noexcept { return connection_; }
    http_origin& origin() const noexcept { return *origin_; }
    http_pool& pool() const noexcept { return *pool_; }
    explicit operator bool() const noexcept { return origin_ != nullptr; }
    /// Takes over a connection just made.
    void attach(fresh_stream stream);
    /// Closes the connection and keeps the place.
    void drop_connection() noexcept { delete std::exchange(connection_, nullptr); }
    /// Gives the place back, and the connection for reuse if it is fit for that.
    void release() noexcept;

private:
    std::shared_ptr<http_pool> pool_;
    http_origin* origin_ = nullptr;
    http_connection* connection_ = nullptr;
};

/// The connections of one client. Shared by the client, its running requests and its responses, so that these may outlive it.
class http_pool final : public std::enable_shared_from_this<http_pool> {
public:
    explicit http_pool(const http::client_options& options);
    ~http_pool();
    http_pool(const http_pool&) = delete;
    http_pool& operator=(const http_pool&) = delete;

    /// Awaits a place for a request.
    lease_wait acquire(const http::url& to, reuse how);
    /// Connects, within the time-out. Throws http::name_error, connect_error, tls_error; timeout_error.
    task<fresh_stream> connect(http_origin& to);
    /// The client has gone: nothing is kept any more.
    void close() noexcept;

    const http::client_options& options() const noexcept { return options_; }
    http_session& session() const noexcept { return *session_; }
    retry_budget& retries() noexcept { return retries_; }
    std::size_t idle() const noexcept { return idle_; }
    std::size_t open() const noexcept { return open_; }

private:
    friend class lease_wait;
    friend class http_lease;
    friend class http_connection;
    http_origin& origin_of(const http::url& to);
    bool try_grant(http_origin& origin, reuse how, http_connection*& connection) noexcept;
    void give_back(http_origin& origin, http_connection* connection) noexcept;
    void serve(http_origin& freed) noexcept;
    bool serve_first(http_origin& origin) noexcept;
    http_origin* longest_waiting() noexcept;
    void drop_idle(http_connection& connection) noexcept;
    bool drop_some_idle(const http_origin& but) noexcept;
    void unlink(http_connection& connection) noexcept;
    void forget_if_unused(http_origin& origin) noexcept;

    std::string user_agent_;
    tls_client_settings tls_;
    http::client_options options_;
    proxy_choice proxies_;
    std::unique_ptr<http_session> session_;
    retry_budget retries_{options_.retry_budget};
    std::unordered_map<std::string, std::unique_ptr<http_origin>> origins_;
    std::size_t idle_ = 0;
    std::size_t open_ = 0;
    std::size_t starved_ = 0;     // requests that wait
    std::uint64_t tickets_ = 0;
    bool closed_ = false;
};

/// Awaits a place. Served in order of arrival within an origin; among origins, the longest wait first.
class lease_wait final : queued_waiter {
public:
    lease_wait(http_pool& pool, http_origin& origin, reuse how) noexcept : pool_(pool), origin_(&origin), how_(how) { ++origin.pins; }
    ~lease_wait();

    bool await_ready();
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    http_lease await_resume();
    result<http_lease> finish() { return await_resume(); }

private:
    friend class http_pool;
    enum : std::uint8_t { idle, queued, granted };
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "http connection"; }
    void withdraw() noexcept;

    http_pool& pool_;
    http_origin* origin_;
    http_connection* connection_ = nullptr;
    std::uint64_t ticket_ = 0;
    reuse how_;
};

}  // namespace leat::detail
