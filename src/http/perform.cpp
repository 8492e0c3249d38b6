#include <algorithm>
#include <vector>

#include "http/exchange.hpp"
#include "http/retry.hpp"
#include "http/session.hpp"
#include "http/url.hpp"
#include "leat/http/content.hpp"
#include "leat/http/error.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t worth_draining = 64 * 1024;  // a redirect's body: reading so much is cheaper than another connection
constexpr auto longest_drain = std::chrono::seconds{1};

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

/// What the next request is, as RFC 9110 15.4 and every browser have it.
void adapt(http_request& request, int status, bool same_origin, const std::string& name) {
    // A challenge here is the first of its place, even where the place before had asked as well.
    request.identity.answers = 0;
    request.identity.proxy_answers = 0;
    const bool becomes_get = (status == 303 && request.method != "HEAD") || ((status == 301 || status == 302) && request.method == "POST");
    if (becomes_get) {
        request.method = "GET";
        request.may_repeat = true;
        request.has_body = false;
        request.body.clear();
        request.content = nullptr;
        for (auto field : {"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location", "Transfer-Encoding"})
            request.fields.remove(field);
    } else if (request.content && !request.content->rewind()) {
        throw http::redirect_error(name + ": redirected, and the body cannot be read a second time");
    }
    if (same_origin) return;
    for (auto field : {"Authorization", "Cookie", "Proxy-Authorization", "Host"}) request.fields.remove(field);
}

task<> read_away(http_exchange& exchange) {
    for (std::size_t most = worth_draining; most > 0;) {
        auto piece = co_await (body_read{exchange} | as_result);
        if (!piece || !*piece) co_return;
        most -= std::min(most, (*piece)->size());
    }
}

/// Reads a short body that comes soon, if the connection can be used again behind it.
task<> drain(http_exchange& exchange) {
    if (!exchange.serves_again() || exchange.size().value_or(0) > worth_draining) co_return;
    [[maybe_unused]] auto done = co_await (timeout(longest_drain, read_away(exchange)) | as_result);
}

http::url follow(const http::url& from, std::string_view location, const std::string& name) {
    try {
        return from.resolve(location);
    } catch (const http::url_error& e) {
        throw http::redirect_error(name + ": redirected to a " + e.what());
    }
}

}  // namespace

task<std::unique_ptr<http_exchange>> perform(std::shared_ptr<http_pool> pool, http_request& request) {
    http::url at = http::url::parse(request.url);
    std::vector<std::string> seen;
    http_session& session = pool->session();
    if (!session.ready()) co_await session.load();
    retry_plan retries{pool->retries(), pool->options().retry_delay};
    for (;;) {
        session.prepare(request, at);
        auto tried = co_await (exchange_heads(pool, request, at) | as_result);
        const auto again = retries.next(request, tried);
        if (tried) session.learn(at, **tried);
        if (again) {
            if (tried) {
                (*tried)->untraced();
                co_await drain(**tried);
                tried = failure{};  // its connection is free meanwhile
            }
            ++request.attempt;
            pool->trace(http::trace_step::retried, request, at.string(), again->why);
            co_await sleep(again->pause);
            continue;
        }
        auto exchange = std::move(tried).value();
        if ((exchange->status == 401 || exchange->status == 407) && session.answer_challenge(request, at, *exchange)) {
            exchange->untraced();
            co_await drain(*exchange);
            continue;
        }
        const auto location = is_redirect(exchange->status) ? exchange->fields.get("Location") : std::nullopt;
        if (!location || request.max_redirects == 0) co_return exchange;
        http::url next = follow(at, *location, exchange->name());
        if (seen.size() >= request.max_redirects) {
            const bool loop = std::find(seen.begin(), seen.end(), next.string()) != seen.end() || next.string() == at.string();
            throw http::redirect_error(exchange->name() + ": more than " + std::to_string(request.max_redirects) +
                                       (loop ? " redirects, in a loop" : " redirects"));
        }
        seen.push_back(at.string());
        exchange->untraced();
        co_await drain(*exchange);
        pool->trace(http::trace_step::redirected, request, at.string(), next.string());
        if (request.identity.home.empty()) request.identity.home = at.origin();
        adapt(request, exchange->status, at.same_origin(next), exchange->name());
        at = std::move(next);
    }
}

}  // namespace leat::detail
