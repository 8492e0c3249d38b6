#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "http/connection.hpp"
#include "http/http2/session.hpp"
#include "http/proxy.hpp"
#include "http/retry.hpp"
#include "http/url.hpp"
#include "leat/http/client.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/sync/semaphore.hpp"
#include "task/loop.hpp"
#include "tls/open.hpp"

namespace leat::detail {

class http_session;
class lease_wait;
struct http_request;

/// May a request go over a connection that has served before?
enum class reuse : std::uint8_t {
    quickly,  // yes; should it turn out to be closed, the request is sent again
    checked,  // only after a close look: the request must not be sent twice
    never,    // no, since that has just gone wrong
};

/// What a server has turned out to speak.
enum class spoken : std::uint8_t { unknown, http1, http2 };

/// What a request gets: a connection of its own, or a place on one that others share; neither: it makes one.
struct http_grant {
    http_connection* connection = nullptr;
    http2_stream* stream = nullptr;
    bool probes = false;  // others wait for what this connection turns out to speak
    bool failed = false;  // it could not be made
};

/// One scheme, host and port: its idle connections, those that are shared, and the requests that wait for one. An origin is spoken to by one way, directly
/// or through one proxy, as long as the client lives.
///
/// A place is a request, or an idle connection. So an HTTP/2 connection has as many places as requests, and one while it is idle.
struct http_origin {
    http_origin(http_pool& in, std::string name, endpoint at, bool tls) : pool(&in), key(std::move(name)), to(std::move(at)), secure(tls) {}
    http_pool* pool;
    std::string key;
    endpoint to;
    bool secure;
    const proxy_server* via = nullptr;
    spoken speaks = spoken::unknown;
    bool probing = false;     // a connection is being made that may turn out to be shared
    bool probe_failed = false;      // it could not be made: then nobody waits for another's
    bool http1_required = false;    // it has turned out to speak HTTP/2, and then insisted on HTTP/1.1
    bool through_requests = false;  // the proxy gets the requests themselves
    std::size_t open = 0;  // places: idle ones and those in use or being made
    std::size_t pins = 0;  // who refers to it otherwise: requests that wait, or have just ceased to, and the pool itself at work
    http_connection* newest = nullptr;
    http_connection* oldest = nullptr;
    http2_session* sessions = nullptr;
    waiter_queue waiting;
    http_origin* next_waiting = nullptr;  // in the ring of those with requests that wait
    http_origin* previous_waiting = nullptr;
    std::uint64_t passed_over = 0;        // in that turn of serving nothing could be done for it
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
    tcp_stream* release() noexcept { return std::exchange(stream_, nullptr); }

private:
    tcp_stream* stream_ = nullptr;
};

/// A place among the pool's connections, and the connection, or the stream of a shared one, once there is one. Gives both back.
class http_lease {
public:
    http_lease() = default;
    http_lease(std::shared_ptr<http_pool> pool, http_origin& origin, http_grant granted) noexcept : pool_(std::move(pool)), origin_(&origin), granted_(granted) {}
    http_lease(http_lease&& other) noexcept
        : pool_(std::move(other.pool_)), origin_(std::exchange(other.origin_, nullptr)), granted_(std::exchange(other.granted_, {})) {}
    http_lease& operator=(http_lease&& other) noexcept {
        if (this != &other) {
            release();
            pool_ = std::move(other.pool_);
            origin_ = std::exchange(other.origin_, nullptr);
            granted_ = std::exchange(other.granted_, {});
        }
        return *this;
    }
    ~http_lease() { release(); }

    /// HTTP/1.1.
    http_connection* connection() const noexcept { return granted_.connection; }
    /// HTTP/2.
    http2_stream* stream() const noexcept { return granted_.stream; }
    bool connected() const noexcept { return granted_.connection || granted_.stream; }
    http_origin& origin() const noexcept { return *origin_; }
    http_pool& pool() const noexcept { return *pool_; }
    explicit operator bool() const noexcept { return origin_ != nullptr; }
    /// Takes over a connection just made. Throws http::connect_error if it does not speak what it has to.
    void attach(fresh_stream stream);
    /// There is no connection, and who waits for this one need not expect more of theirs.
    void note_failure() noexcept { granted_.failed = true; }
    /// Closes the connection, or resets the stream, and keeps the place.
    void drop_connection() noexcept;
    /// Gives the place back, and the connection for reuse if it is fit for that.
    void release() noexcept;

private:
    std::shared_ptr<http_pool> pool_;
    http_origin* origin_ = nullptr;
    http_grant granted_;
};

/// The connections of one client. Shared by the client, its running requests and its responses, so that these may outlive it.
class http_pool final : public std::enable_shared_from_this<http_pool>, private end_listener {
public:
    explicit http_pool(const http::client_options& options);
    ~http_pool();
    http_pool(const http_pool&) = delete;
    http_pool& operator=(const http_pool&) = delete;

    /// Awaits a place for a request.
    lease_wait acquire(const http::url& to, reuse how);
    /// Connects, within the time-out. Throws http::name_error, connect_error, tls_error; timeout_error.
    task<fresh_stream> connect(http_origin& to, const http_request& request, const std::string& url);  // check-idioms: allow socket, a function of ours
    /// The client has gone: nothing is kept any more.
    void close() noexcept;

    const http::client_options& options() const noexcept { return options_; }
    http_session& session() const noexcept { return *session_; }
    retry_budget& retries() noexcept { return retries_; }
    std::size_t idle() const noexcept { return idle_; }
    std::size_t open() const noexcept { return open_ - shared_; }
    /// Tells who wants to know. Nothing but a test of a pointer where nobody does.
    void trace(http::trace_step step, const http_request& request, std::string_view url, std::string_view detail = {}) const {
        if (options_.on_trace) [[unlikely]] tell(step, request, url, detail);
    }
    /// The server insists on HTTP/1.1, though it had agreed to HTTP/2: its next connections are of that. False: the client's options do not allow it.
    bool require_http1(http_origin& origin) noexcept;
    bool traces() const noexcept { return static_cast<bool>(options_.on_trace); }
    /// A number that no other request of the client has.
    std::size_t next_number() noexcept { return ++numbers_; }
    /// A shared connection has ended, or is to be: takes it away, and closes it.
    void session_gone(http2_session& session) noexcept;
    /// Grants what can be granted to requests that wait, now that something of this origin's has become free; forgets an origin that nothing is left of.
    void served_again(http_origin& origin) noexcept;

private:
    friend class lease_wait;
    friend class http_lease;
    friend class http_connection;
    void loop_ends() noexcept override;
    void drop_all_idle() noexcept;
    http_origin& origin_of(const http::url& to);
    void tell(http::trace_step step, const http_request& request, std::string_view url, std::string_view detail) const;
    task<fresh_stream> connect_telling(http_origin& to, const http_request& request, const std::string& url);
    const tls_client_settings& tls_for(const http_origin& to) const noexcept { return to.through_requests || to.http1_required ? tls_http1_ : tls_; }
    bool may_share(const http_origin& origin) const noexcept;
    bool waits_for_probe(const http_origin& origin) const noexcept { return origin.probing && !origin.probe_failed && may_share(origin); }
    bool try_grant(lease_wait& wait) noexcept;
    bool grant_idle(http_origin& origin, reuse how, http_grant& granted) noexcept;
    bool grant_shared(lease_wait& wait) noexcept;
    /// Room for one more, if need be in the place of an idle connection to another origin.
    bool has_room(const http_origin& origin) noexcept;
    /// That is what a connection to it turned out to speak.
    void learn(http_origin& origin, spoken found) noexcept;
    void give_back(http_origin& origin, http_grant granted) noexcept;
    void give_back_stream(http_origin& origin, http2_stream* stream) noexcept;
    void serve(http_origin& freed) noexcept;
    bool serve_first(http_origin& origin) noexcept;
    http_origin* next_in_turn(http_origin& freed) noexcept;
    void join_ring(http_origin& origin) noexcept;
    void leave_ring(http_origin& origin) noexcept;
    void drop_idle(http_connection& connection) noexcept;
    bool drop_some_idle(const http_origin& by) noexcept;
    void unlink(http_connection& connection) noexcept;
    void unlink(http2_session& session) noexcept;
    void forget_if_unused(http_origin& origin) noexcept;

    std::string user_agent_;
    tls_client_settings tls_;
    tls_client_settings tls_http1_;  // to a proxy that gets the requests
    http::client_options options_;
    proxy_choice proxies_;
    std::unique_ptr<http_session> session_;
    retry_budget retries_{options_.retry_budget};
    std::unordered_map<std::string, std::unique_ptr<http_origin>> origins_;
    std::size_t idle_ = 0;
    std::size_t open_ = 0;
    std::size_t shared_ = 0;      // how many more places there are than connections
    std::uint64_t events_ = 0;    // counts connections made and requests that came for one, in one order
    std::uint64_t serves_ = 0;
    std::size_t numbers_ = 0;
    http_origin* ring_ = nullptr; // origins with requests that wait; the next in turn first
    std::unordered_set<std::string> http1_only_;
    std::unordered_set<std::string> http1_required_;
    loop* home_ = nullptr;        // of the connections
    bool closed_ = false;
};

/// Awaits a place. Served in order of arrival within an origin; origins take turns.
class lease_wait final : queued_waiter {
public:
    lease_wait(http_pool& pool, http_origin& origin, reuse how) noexcept;
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
    http_grant granted_;
    std::uint64_t asked_;  // when, in the order of the pool's events
    reuse how_;
};

}  // namespace leat::detail
