#include "http/exchange.hpp"
#include "http/request_writer.hpp"
#include "http/url.hpp"
#include "leat/http/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/timeout.hpp"
#include "leat/tls/error.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t longest_shown = 300;         // of a URL, in an error's text

std::string name_of(const http_request& request, const http::url& at) { return request.method + " " + printable(at.string(), longest_shown); }

void write_head(std::string& out, const http_request& request, const http::url& at) {
    http::request_head head;
    head.method = request.method;
    head.target = at.target();
    head.host = at.authority();
    head.fields = &request.fields;
    std::string authorization;
    if (at.has_credentials()) authorization = http::basic_authorization(at.user(), at.password());
    head.authorization = authorization;
    if (request.has_body) head.content_length = request.body.size();
    http::write_request_head(out, head);
}

bool is_connection_error(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const leat::error&) {
        return true;
    } catch (const http::truncated_error&) {
        return true;
    } catch (const tls::error&) {
        return true;
    } catch (...) {
        return false;
    }
}

task<> write_both(http_connection& connection, std::string_view head, std::string_view body) {
    co_await pieces_write<2>{connection.stream, head, body};
}

task<> send_within(http_connection& connection, std::string_view head, std::string_view body, duration limit) {
    if (limit == duration::zero()) co_return co_await write_both(connection, head, body);
    co_await timeout(limit, write_both(connection, head, body));
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

task<fresh_stream> connect(http_pool& pool, http_origin& to, const std::string& name) {  // check-idioms: allow socket, a function of ours
    auto opened = co_await (pool.connect(to) | as_result);
    if (opened) co_return std::move(*opened);
    try {
        std::rethrow_exception(opened.error().exception());
    } catch (const timeout_error& e) {
        throw timeout_error(name + ": no connection to " + to.to.to_string() + ": " + e.what());
    } catch (...) {
        rethrow_named(std::current_exception(), name);
    }
}

/// Sends the request over the exchange's connection and reads the head of the response. Null, or what went wrong.
task<std::exception_ptr> converse(http_exchange& exchange, const http_request& request, std::string_view head) {
    http_connection& connection = exchange.connection();
    const duration stall = exchange.stall();
    connection.prepare(request.method == "HEAD", stall, request.deadline);
    if (request.body.size() + head.size() <= connection.stream.high_water) {
        // Accepted whole, and sent when the loop next enters the kernel. An error comes to light with the response that does not come.
        [[maybe_unused]] auto sent = co_await (pieces_write<2>{connection.stream, head, request.body} | as_result);
    } else {
        // The server has to take it, or to say that it will not: then its response is there to be read.
        auto sent = co_await (send_within(connection, head, request.body, stall) | as_result);
        if (!sent && !is_connection_error(sent.error().exception())) co_return sent.error().exception();
    }
    co_return co_await head_read{exchange};
}

}  // namespace

task<std::unique_ptr<http_exchange>> exchange_heads(std::shared_ptr<http_pool> pool, const http_request& request, const http::url& at) {
    std::string head;
    head.reserve(256);
    write_head(head, request, at);
    const std::string name = name_of(request, at);
    auto how = request.may_repeat ? reuse::quickly : reuse::checked;
    for (;;) {
        http_lease lease = co_await pool->acquire(at, how);
        const bool reused = lease.connection() != nullptr;
        if (!reused) {
            fresh_stream made = co_await connect(*pool, lease.origin(), name);
            lease.attach(std::move(made));
        }
        auto exchange = std::make_unique<http_exchange>(name, at.string(), std::move(lease));
        std::exception_ptr failed = co_await converse(*exchange, request, head);
        if (!failed) {
            exchange->head_arrived();
            co_return exchange;
        }
        http_connection& connection = exchange->connection();
        const bool stale = reused && how != reuse::never && request.may_repeat && !connection.parser.started() && is_connection_error(failed);
        if (!stale) rethrow_named(connection.parser.started() ? failed : without_reply(failed), name);
        how = reuse::never;  // the server had closed it meanwhile: once more, on a new connection
    }
}

}  // namespace leat::detail
