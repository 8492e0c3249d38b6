#include "engine/socket.hpp"
#include "http/connection_pool.hpp"
#include "http/exchange.hpp"
#include "leat/task/timeout.hpp"
#include "net/happy_eyeballs.hpp"
#include "net/open.hpp"
#include "net/resolver.hpp"
#include "task/loop.hpp"
#include "tls/context.hpp"
#include "tls/secure.hpp"

namespace leat::detail {
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

/// The same step by step, for who wants to be told of each.
task<fresh_stream> http_pool::connect_telling(http_origin& to, const http_request& request, const std::string& url) {
    const tls_client_settings& settings = tls_for(to);
    if (to.via) {
        fresh_stream made = co_await open_stream(to.to, to.secure, to.via, settings);
        trace(http::trace_step::connected, request, url);
        if (to.secure) trace(http::trace_step::tls_done, request, url, negotiated_protocol(*made));
        co_return made;
    }
    const std::string name = to.to.to_string();
    std::vector<address> addresses = co_await resolve(to.to);
    if (address::parse(to.to.host(), to.to.port()).empty()) trace(http::trace_step::name_resolved, request, url);
    const connect_options how{.timeout = duration::zero()};
    connected_socket socket = co_await connect_to_first(std::move(addresses), name, how);
    const address peer = socket.to();
    const int fd = socket.take();
    set_no_delay(fd);
    fresh_stream made;
    try {
        made = fresh_stream{new tcp_stream(fd, peer)};
    } catch (...) {
        loop::current().close(fd);
        throw;
    }
    trace(http::trace_step::connected, request, url);
    if (to.secure) {
        auto context = co_await shared_tls_context(settings.trust());
        std::string host = to.to.host();
        co_await secure_client(*made, std::move(context), settings, name, std::move(host));
        trace(http::trace_step::tls_done, request, url, negotiated_protocol(*made));
    }
    co_return made;
}

task<fresh_stream> http_pool::connect(http_origin& to, const http_request& request, const std::string& url) {
    const duration limit = options_.connect_timeout;
    task<fresh_stream> opening = traces() ? connect_telling(to, request, url) : open_stream(to.to, to.secure, to.via, tls_for(to));
    if (limit <= duration::zero()) return opening;
    return [](duration most, task<fresh_stream> opened) -> task<fresh_stream> { co_return co_await timeout(most, std::move(opened)); }(limit, std::move(opening));
}

void http_pool::tell(http::trace_step step, const http_request& request, std::string_view url, std::string_view detail) const {
    http::trace_event event{.step = step, .method = request.method, .url = url, .detail = detail};
    event.since_start = clock_now() - request.started;
    event.attempt = request.attempt;
    event.request = request.number;
    options_.on_trace(event);
}

}  // namespace leat::detail
