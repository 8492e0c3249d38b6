#include "http/exchange.hpp"
#include "http/sending.hpp"
#include "http/request_writer.hpp"
#include "http/url.hpp"
#include "leat/http/content.hpp"
#include "leat/http/error.hpp"
#include "leat/task/timeout.hpp"
#include "leat/tls/error.hpp"

namespace leat::detail {
namespace {

/// What goes onto the request line: of a request that a proxy gets, the whole URL.
std::string_view target_of(const http_origin& to, const http::url& at) { return to.through_requests ? std::string_view{at.string()} : at.target(); }

}  // namespace

bool is_connection_error(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const leat::error&) {
        return true;
    } catch (const http::truncated_error&) {
        return true;
    } catch (const http::connect_error&) {
        return true;
    } catch (const tls::error&) {
        return true;
    } catch (...) {
        return false;
    }
}

namespace {

/// A connection that others share may have had too little while it worked for them.
bool is_lack_of_memory(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
        return true;
    } catch (...) {
        return false;
    }
}

/// The connection ended before a reply: not the body's fault, as truncated_error would have it.
std::exception_ptr without_reply(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const http::truncated_error&) {
        return std::make_exception_ptr(http::connect_error("the server closed the connection without a reply"));
    } catch (...) {
        return error;
    }
}

task<fresh_stream> connect(http_lease& lease, const http_request& request, const std::string& url) {  // check-idioms: allow socket, a function of ours
    http_origin& to = lease.origin();
    auto opened = co_await (lease.pool().connect(to, request, url) | as_result);
    if (opened) co_return std::move(*opened);
    lease.note_failure();
    const std::string name = request_name(request.method, url);
    try {
        std::rethrow_exception(opened.error().exception());
    } catch (const timeout_error& e) {
        throw timeout_error(name + ": no connection to " + to.to.to_string() + ": " + e.what());
    } catch (...) {
        rethrow_named(std::current_exception(), name);
    }
}

void attach(http_lease& lease, fresh_stream made, const http_request& request, const std::string& url) {
    try {
        lease.attach(std::move(made));
    } catch (...) {
        rethrow_named(std::current_exception(), request_name(request.method, url));
    }
}

constexpr int most_refusals = 3;  // a server that says again and again that it has not looked at the request is believed no more

}  // namespace

task<std::unique_ptr<http_exchange>> exchange_heads(std::shared_ptr<http_pool> pool, const http_request& request, const http::url& at) {
    const std::string& url = at.string();
    http::request_head head;
    head.method = request.method;
    head.target = at.target();
    head.host = at.authority();
    head.fields = &request.fields;
    head.added = &request.added;
    head.user_agent = pool->options().user_agent;
    head.accept_encoding = "identity";
    const bool decode = may_decode(request);
    if (decode) head.accept_encoding = accepted_codings();
    if (request.content) {
        head.content_length = request.content->size();
        head.chunked = !head.content_length;
    } else if (request.has_body) {
        head.content_length = request.body.size();
    }
    http::check_request_head(head);
    // Content that comes once is not to be spent on a connection that is closed.
    auto how = request.may_repeat && !request.content ? reuse::quickly : reuse::checked;
    int refusals = 0;
    for (;;) {
        auto waiting = pool->acquire(at, how);
        if (pool->traces() && !waiting.await_ready()) pool->trace(http::trace_step::queued, request, url);
        http_lease lease = co_await waiting;
        const bool reused = lease.connected();
        if (!reused) {
            fresh_stream made = co_await connect(lease, request, url);
            attach(lease, std::move(made), request, url);
        } else {
            pool->trace(http::trace_step::reused, request, url);
        }
        head.target = target_of(lease.origin(), at);
        auto exchange = std::make_unique<http_exchange>(request.method, url, std::move(lease));
        exchange->traced_for(request);
        http_sending sending{*exchange, request, head, at.scheme()};
        std::exception_ptr failed = co_await converse(sending);
        if (!failed) {
            exchange->head_arrived(decode && request.method != "HEAD");
            co_return exchange;
        }
        const http2_stream* stream = exchange->stream();
        const bool to_http1 = stream && stream->wants_http1() && pool->require_http1(exchange->lease().origin());
        const bool untouched = stream && (to_http1 || stream->unprocessed()) && ++refusals <= most_refusals;
        const bool ended = stream ? stream->lost() && (is_connection_error(failed) || is_lack_of_memory(failed)) : is_connection_error(failed);
        const bool stale = reused && how != reuse::never && request.may_repeat && !exchange->started() && ended;
        const bool again = (untouched || stale) && (!sending.content_read || request.content->rewind());
        if (!again) {
            exchange->untraced();
            rethrow_named(exchange->started() ? failed : without_reply(failed), exchange->name());
        }
        how = reuse::never;  // the server had closed it meanwhile, or has not looked at it: once more, on a new connection
    }
}

}  // namespace leat::detail
