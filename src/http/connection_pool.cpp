#include "http/connection_pool.hpp"

#include <algorithm>

#include "http/session.hpp"
#include "task/loop.hpp"

namespace leat::detail {

http_pool::http_pool(const http::client_options& options) : user_agent_(options.user_agent), options_(options), proxies_(options), session_(std::make_unique<http_session>(options)) {
    options_.user_agent = user_agent_;
    tls_.ca_file = options.ca_file;
    tls_.certificate = options.certificate;
    tls_.key = options.key;
    tls_.insecure = options.insecure;
    tls_.handshake_timeout = options.connect_timeout;
    tls_http1_ = tls_;
    tls_http1_.alpn = {"http/1.1"};
    if (options.protocol == http::protocol::automatic) tls_.alpn = {"h2", "http/1.1"};
    if (options.protocol == http::protocol::http1) tls_.alpn = {"http/1.1"};
    if (options.protocol == http::protocol::http2) tls_.alpn = {"h2"};
    options_.ca_file = tls_.ca_file;
    options_.certificate = tls_.certificate;
    options_.key = tls_.key;
    options_.connections = std::max<std::size_t>(options_.connections, 1);
    options_.connections_per_origin = std::max<std::size_t>(options_.connections_per_origin, 1);
    options_.streams_per_connection = std::max<std::size_t>(options_.streams_per_connection, 1);
}

http_pool::~http_pool() {
    close();
    if (home_) home_->unlisten(*this);
}

void http_pool::close() noexcept {
    closed_ = true;
    drop_all_idle();
}

/// A client may outlive the loop, and serve on another: it begins there without connections.
void http_pool::loop_ends() noexcept {
    home_ = nullptr;
    drop_all_idle();
}

void http_pool::drop_all_idle() noexcept {
    // An origin is forgotten with its last connection, so the table changes below the loop's feet.
    while (idle_ != 0) {
        for (auto& [key, origin] : origins_) {
            if (origin->newest) {
                drop_idle(*origin->newest);
                break;
            }
            http2_session* session = origin->sessions;
            while (session && session->active() != 0) session = session->next;
            if (session) {
                session_gone(*session);
                break;
            }
        }
    }
}

http_origin& http_pool::origin_of(const http::url& to) {
    if (auto found = origins_.find(to.origin()); found != origins_.end()) return *found->second;
    auto made = std::make_unique<http_origin>(*this, to.origin(), endpoint{to.host(), to.port()}, to.secure());
    made->via = proxies_.choose(to);
    made->through_requests = made->via && made->via->gets_requests(to);
    made->http1_required = http1_required_.contains(to.origin());
    if (made->http1_required || http1_only_.contains(to.origin())) made->speaks = spoken::http1;
    return *origins_.emplace(to.origin(), std::move(made)).first->second;
}

void http_pool::forget_if_unused(http_origin& origin) noexcept {
    if (origin.open != 0 || origin.pins != 0 || !origin.waiting.empty() || origin.sessions) return;
    const std::string key = std::move(origin.key);
    origins_.erase(key);
}

lease_wait http_pool::acquire(const http::url& to, reuse how) {
    if (!home_) {
        loop::current().listen_for_end(*this);
        home_ = &loop::current();
    }
    return lease_wait{*this, origin_of(to), how};
}

// ---- granting

/// May its next connection turn out to be one that requests share?
bool http_pool::may_share(const http_origin& origin) const noexcept {
    if (origin.through_requests || options_.protocol == http::protocol::http1) return false;
    return options_.protocol == http::protocol::http2 || (origin.secure && origin.speaks != spoken::http1);
}

bool http_pool::grant_idle(http_origin& origin, reuse how, http_grant& granted) noexcept {
    if (!origin.newest) return false;
    const time_point now = coarse_now();
    while (http_connection* candidate = origin.newest) {
        unlink(*candidate);
        if (how != reuse::never && candidate->alive(now, how == reuse::checked)) {
            granted.connection = candidate;
            return true;
        }
        delete candidate;
        --origin.open;
        --open_;
    }
    return false;
}

bool http_pool::has_room(const http_origin& origin) noexcept {
    return origin.open < options_.connections_per_origin && (open_ < options_.connections || drop_some_idle(origin));
}

/// A place on a connection that others use, too, or that lies idle.
bool http_pool::grant_shared(lease_wait& wait) noexcept {
    http_origin& origin = *wait.origin_;
    for (http2_session *session = origin.sessions, *next = nullptr; session; session = next) {
        next = session->next;
        if (wait.how_ == reuse::never && session->born < wait.asked_) {
            // After a failure, only one that was made since. Lying idle it would keep the place that another needs.
            if (session->active() == 0) unlink(*session);
            continue;
        }
        if (!session->accepts()) continue;
        const bool idle = session->active() == 0;
        if (!idle && !has_room(origin)) return false;
        try {
            wait.granted_.stream = new http2_stream(*session);
        } catch (...) {
            return false;
        }
        if (idle) {
            --idle_;
        } else {
            ++origin.open;
            ++open_;
            ++shared_;
        }
        return true;
    }
    return false;
}

/// A connection to be used again, a place on one that is shared, or the right to make one.
bool http_pool::try_grant(lease_wait& wait) noexcept {
    http_origin& origin = *wait.origin_;
    wait.granted_ = {};
    if (grant_idle(origin, wait.how_, wait.granted_) || grant_shared(wait)) return true;
    if (waits_for_probe(origin) || !has_room(origin)) return false;
    ++origin.open;
    ++open_;
    if (!origin.probing && may_share(origin)) origin.probing = wait.granted_.probes = true;
    return true;
}

namespace {

constexpr std::size_t most_remembered = 4096;  // origins that speak HTTP/1.1 alone

}  // namespace

bool http_pool::require_http1(http_origin& origin) noexcept {
    if (options_.protocol != http::protocol::automatic) return false;
    origin.http1_required = true;
    origin.speaks = spoken::http1;
    for (http2_session* session = origin.sessions; session; session = session->next) session->leave();
    try {
        if (http1_required_.size() >= most_remembered) http1_required_.clear();
        http1_required_.insert(origin.key);
    } catch (...) {
        // Not remembered: it has to say it again.
    }
    return true;
}

void http_pool::learn(http_origin& origin, spoken found) noexcept {
    origin.probe_failed = false;
    if (origin.speaks == found || origin.http1_required) return;
    origin.speaks = found;
    try {
        if (http1_only_.size() >= most_remembered) http1_only_.clear();
        if (found == spoken::http1)
            http1_only_.insert(origin.key);
        else
            http1_only_.erase(origin.key);
    } catch (...) {
        // Not remembered: the next time it is asked again.
    }
}

void http_pool::join_ring(http_origin& origin) noexcept {
    if (!ring_) {
        ring_ = origin.next_waiting = origin.previous_waiting = &origin;
        return;
    }
    origin.next_waiting = ring_;
    origin.previous_waiting = ring_->previous_waiting;
    ring_->previous_waiting->next_waiting = &origin;
    ring_->previous_waiting = &origin;
}

void http_pool::leave_ring(http_origin& origin) noexcept {
    if (origin.next_waiting == &origin) {
        ring_ = nullptr;
    } else {
        origin.next_waiting->previous_waiting = origin.previous_waiting;
        origin.previous_waiting->next_waiting = origin.next_waiting;
        if (ring_ == &origin) ring_ = origin.next_waiting;
    }
    origin.next_waiting = origin.previous_waiting = nullptr;
}

bool http_pool::serve_first(http_origin& origin) noexcept {
    auto& first = static_cast<lease_wait&>(*origin.waiting.first());
    if (!try_grant(first)) return false;
    origin.waiting.remove(first);
    leave_ring(origin);
    if (!origin.waiting.empty()) join_ring(origin);  // behind the others
    first.state_ = lease_wait::granted;
    first.wake();
    return true;
}

/// Of the origins that wait, the next that something can be done for. One that has only just got a connection of its own free keeps it for its next
/// request, unless another has fewer: so they share the total evenly, and connections are not closed and made by turns.
http_origin* http_pool::next_in_turn(http_origin& freed) noexcept {
    http_origin* own = nullptr;
    http_origin* each = ring_;
    do {
        if (each->passed_over == serves_) {
            each = each->next_waiting;
            continue;
        }
        const bool has_idle = each->newest != nullptr;
        bool has_shared = false;
        bool has_idle_shared = false;
        for (http2_session* session = each->sessions; session; session = session->next) {
            if (!session->accepts()) continue;
            has_shared = true;
            has_idle_shared = has_idle_shared || session->active() == 0;
        }
        const bool in_limit = each->open < options_.connections_per_origin;
        const bool may_begin = has_shared || !waits_for_probe(*each);
        if (has_idle || has_idle_shared) {
            if (each != &freed || open_ < options_.connections) return each;
            own = each;
        } else if (in_limit && may_begin) {
            if (open_ < options_.connections) return each;
            if (idle_ != 0 && (freed.waiting.empty() || each == &freed || idle_ > 1 || each->open < freed.open)) return each;
        }
        each = each->next_waiting;
    } while (each != ring_);
    return own;
}

void http_pool::serve(http_origin& freed) noexcept {
    if (!ring_) return;
    ++freed.pins;
    ++serves_;
    while (ring_) {
        http_origin* next = next_in_turn(freed);
        if (!next) break;
        if (!serve_first(*next)) next->passed_over = serves_;
    }
    --freed.pins;
}

void http_pool::served_again(http_origin& origin) noexcept {
    ++origin.pins;
    serve(origin);
    --origin.pins;
    forget_if_unused(origin);
}

void http_pool::give_back(http_origin& origin, http_grant granted) noexcept {
    if (granted.probes) origin.probing = false;
    if (granted.failed) origin.probe_failed = true;
    if (granted.stream) return give_back_stream(origin, granted.stream);
    http_connection* connection = granted.connection;
    if (connection && !closed_ && options_.idle_timeout > duration::zero() && connection->reusable()) {
        connection->become_idle(coarse_now(), options_.idle_timeout);
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
    served_again(origin);
}

void http_pool::give_back_stream(http_origin& origin, http2_stream* stream) noexcept {
    http2_session* session = stream->session();
    delete stream;
    if (session && session->active() == 0) {
        ++idle_;
        if (session->leaving() || closed_ || options_.idle_timeout <= duration::zero()) return session_gone(*session);
        session->become_idle();
    } else {
        // One of several, or the connection has gone before it.
        --origin.open;
        --open_;
        --shared_;
    }
    served_again(origin);
}

void http_pool::session_gone(http2_session& session) noexcept {
    http_origin& origin = session.origin;
    unlink(session);
    served_again(origin);
}

/// Closes it. The requests that it still has keep their places.
void http_pool::unlink(http2_session& session) noexcept {
    http_origin& origin = session.origin;
    http2_session** link = &origin.sessions;
    while (*link != &session) link = &(*link)->next;
    *link = session.next;
    if (session.active() == 0) {
        --idle_;
        --origin.open;
        --open_;
    } else {
        ++shared_;
    }
    delete &session;
}

void http_pool::unlink(http_connection& connection) noexcept {
    http_origin& origin = connection.origin;
    (connection.newer ? connection.newer->older : origin.newest) = connection.older;
    (connection.older ? connection.older->newer : origin.oldest) = connection.newer;
    connection.older = connection.newer = nullptr;
    connection.leave_idle();
    --idle_;
}

void http_pool::drop_idle(http_connection& connection) noexcept {
    http_origin& origin = connection.origin;
    unlink(connection);
    delete &connection;
    --origin.open;
    --open_;
    served_again(origin);
}

/// Makes room for another origin.
bool http_pool::drop_some_idle(const http_origin& by) noexcept {
    if (idle_ == 0) return false;
    for (auto& [key, origin] : origins_) {
        if (origin.get() == &by) continue;
        if (http_connection* connection = origin->oldest) {
            unlink(*connection);
            delete connection;
            --origin->open;
            --open_;
            forget_if_unused(*origin);
            return true;
        }
        for (http2_session* session = origin->sessions; session; session = session->next) {
            if (session->active() != 0) continue;
            unlink(*session);
            forget_if_unused(*origin);
            return true;
        }
    }
    return false;
}

}  // namespace leat::detail
