#include "http/connection_pool.hpp"
#include "leat/http/error.hpp"
#include "task/loop.hpp"

namespace leat::detail {

void http_lease::attach(fresh_stream stream) {
    const http::client_options& options = pool_->options();
    const bool agreed = negotiated_protocol(*stream) == "h2";
    const bool wants_http2 = options.protocol == http::protocol::http2;
    if (wants_http2 && origin_->through_requests) throw http::connect_error("no HTTP/2: a proxy gets the request, by HTTP/1.1");
    if (wants_http2 && origin_->secure && !agreed) throw http::connect_error("the server does not agree to HTTP/2 (by ALPN), and nothing else is wanted");
    const bool shares = !origin_->through_requests && (agreed || (wants_http2 && !origin_->secure));
    if (!shares) {
        http::parser_limits limits;
        limits.head = options.head_limit.count;
        limits.fields = options.field_limit;
        granted_.connection = new http_connection(*stream, *origin_, limits);
        stream.release();
    } else {
        http2_limits limits;
        limits.head = options.head_limit.count;
        limits.fields = options.field_limit;
        limits.streams = options.streams_per_connection;
        limits.idle = options.idle_timeout;
        auto made = std::make_unique<http2_session>(*stream, *origin_, limits);
        stream.release();
        made->begin();
        granted_.stream = new http2_stream(*made);
        made->born = ++pool_->events_;
        made->next = origin_->sessions;
        origin_->sessions = made.release();
    }
    pool_->learn(*origin_, shares ? spoken::http2 : spoken::http1);
    if (std::exchange(granted_.probes, false)) origin_->probing = false;
    pool_->serve(*origin_);
}

void http_lease::drop_connection() noexcept {
    delete std::exchange(granted_.connection, nullptr);
    // A stream goes with its place: whether the connection lives on is not its business.
}

void http_lease::release() noexcept {
    if (!origin_) return;
    auto pool = std::move(pool_);  // it may be the last to hold it
    pool->give_back(*std::exchange(origin_, nullptr), std::exchange(granted_, {}));
}

lease_wait::lease_wait(http_pool& pool, http_origin& origin, reuse how) noexcept : pool_(pool), origin_(&origin), asked_(++pool.events_), how_(how) { ++origin.pins; }

lease_wait::~lease_wait() {
    if (!origin_) return;
    --origin_->pins;
    if (state_ == granted) {
        pool_.give_back(*origin_, std::exchange(granted_, {}));
    } else {
        if (state_ == queued) withdraw();
        pool_.forget_if_unused(*origin_);
    }
}

bool lease_wait::await_ready() {
    if (state_ == granted) return true;
    if (!origin_->waiting.empty() || !pool_.try_grant(*this)) return false;
    state_ = granted;
    return true;
}

bool lease_wait::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    if (origin_->waiting.empty()) pool_.join_ring(*origin_);
    origin_->waiting.push(*this);
    state_ = queued;
    return true;
}

void lease_wait::withdraw() noexcept {
    origin_->waiting.remove(*this);
    if (origin_->waiting.empty()) pool_.leave_ring(*origin_);
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
    return http_lease{pool_.shared_from_this(), origin, std::exchange(granted_, {})};
}

}  // namespace leat::detail
