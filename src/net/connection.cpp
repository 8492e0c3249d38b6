#include "leat/net/connection.hpp"

#include "engine/socket.hpp"
#include "leat/task/timeout.hpp"
#include "net/happy_eyeballs.hpp"
#include "net/open.hpp"
#include "net/resolver.hpp"
#include "net/tcp_stream.hpp"
#include "task/loop.hpp"
#include "tls/open.hpp"
#include "tls/secure.hpp"

namespace leat {
namespace detail {

task<tcp_stream*> open_tcp(endpoint to, connect_options options) {
    std::vector<address> addresses = co_await resolve(to);
    connected_socket socket = co_await connect_to_first(std::move(addresses), to.to_string(), options);
    const address peer = socket.to();
    const int fd = socket.take();
    if (options.no_delay) set_no_delay(fd);
    set_keep_alive(fd, options.keep_alive);
    try {
        co_return new tcp_stream(fd, peer);
    } catch (...) {
        loop::current().close(fd);  // by the engine, which knows it since it was connecting
        throw;
    }
}

}  // namespace detail

namespace {

task<connection> connect_and_wrap(endpoint to, connect_options options) {
    detail::tcp_stream* opened = co_await detail::open_tcp(std::move(to), options);
    opened->limit = detail::tcp_stream::as_limit(options.limit.count);
    co_return connection{stream_reader{*opened}, stream_writer{*opened}};
}

task<connection> open_plain(endpoint to, connect_options options) {
    if (options.timeout <= duration::zero()) co_return co_await connect_and_wrap(std::move(to), options);
    const std::string name = to.to_string();
    auto opened = co_await (timeout(options.timeout, connect_and_wrap(std::move(to), options)) | as_result);
    if (opened) co_return std::move(*opened);
    try {
        std::rethrow_exception(opened.error().exception());
    } catch (const timeout_error& e) {
        throw timeout_error("connect " + name + ": " + e.what());
    }
}

task<connection> open_secured(endpoint to, detail::tls_client_settings settings, std::shared_ptr<detail::tls_context> context, bytes limit) {
    detail::tcp_stream* opened = co_await detail::open_tls(std::move(to), std::move(settings), std::move(context));
    opened->limit = detail::tcp_stream::as_limit(limit.count);
    co_return connection{stream_reader{*opened}, stream_writer{*opened}};
}

}  // namespace

task<connection> open_connection(endpoint to, connect_options options) {
    if (!options.tls) return open_plain(std::move(to), options);
    detail::check_is_client(*options.tls);
    detail::tls_client_settings settings = options.tls->settings()->client();
    if (!options.server_name.empty()) settings.server_name = options.server_name;
    settings.connect_by(options);
    return open_secured(std::move(to), std::move(settings), options.tls->settings()->current(), options.limit);
}

}  // namespace leat
