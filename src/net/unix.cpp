#include "leat/net/unix.hpp"

#include <cerrno>

#include "engine/owned_descriptor.hpp"
#include "engine/socket.hpp"
#include "engine/unix_socket.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "net/server_core.hpp"
#include "net/tcp_stream.hpp"

namespace leat {
namespace {

connection wrap(detail::owned_descriptor opened, const address& peer, bytes limit) {
    auto* stream = new detail::tcp_stream(opened.get(), peer);
    opened.release();
    stream->limit = detail::tcp_stream::as_limit(limit.count);
    return {stream_reader{*stream}, stream_writer{*stream}};
}

/// A unix connect does not wait, except for a place in the server's queue, of which nothing tells: then again, soon, and later less often.
task<connection> connect_patiently(unix_address to, connect_options options) {
    duration pause = std::chrono::milliseconds{1};
    for (;;) {
        const int fd = detail::connect_to_unix(to.address());
        if (fd >= 0) {
            detail::set_buffers(fd, options.receive_buffer.count, options.send_buffer.count);
            co_return wrap(detail::owned_descriptor{fd}, to.address(), options.limit);
        }
        if (fd != -EAGAIN) throw error(-fd, "connect", to.to_string());
        co_await sleep(pause);
        pause = std::min<duration>(pause * 2, std::chrono::milliseconds{50});
    }
}

task<connection> connect_in_time(unix_address to, connect_options options) {
    auto opened = co_await (timeout(options.timeout, connect_patiently(to, options)) | as_result);
    if (opened) co_return std::move(*opened);
    try {
        std::rethrow_exception(opened.error().exception());
    } catch (const timeout_error& e) {
        throw timeout_error("connect " + to.to_string() + ": " + e.what());
    }
}

}  // namespace

unix_address::unix_address(std::string_view path) : address_(address::unix_named(path)) {
    const int wrong = path.empty() || path.find('\0') != std::string_view::npos ? EINVAL : path.size() >= address::most_name ? ENAMETOOLONG : 0;
    if (wrong != 0) throw error(wrong, "unix address", path.substr(0, path.find('\0')));
}

unix_address unix_address::abstract(std::string_view name) {
    const int wrong = name.empty() ? EINVAL : name.size() >= address::most_name ? ENAMETOOLONG : 0;
    if (wrong != 0) throw error(wrong, "unix address", "@" + std::string{name});
    std::string known{'\0'};
    return unix_address{address::unix_named(known.append(name))};
}

task<connection> open_unix_connection(unix_address to, connect_options options) {
    return options.timeout > duration::zero() ? connect_in_time(to, options) : connect_patiently(to, options);
}

std::pair<connection, connection> unix_socket_pair(bytes limit) {
    int made[2];
    if (const int failed = detail::make_unix_pair(made); failed != 0) throw error(failed, "socketpair", "");
    detail::owned_descriptor one{made[0]};
    detail::owned_descriptor other{made[1]};
    const address unnamed = address::unix_named("");
    connection first = wrap(std::move(one), unnamed, limit);
    return {std::move(first), wrap(std::move(other), unnamed, limit)};
}

peer_credentials credentials_of(const stream_writer& writer) {
    // A unix connection's transport is this kind of stream, and no other has a unix peer that is not behind a proxy.
    const detail::transport* of = writer.transport();
    const auto* stream = dynamic_cast<const detail::tcp_stream*>(of);
    detail::unix_credentials found{};
    const int failed = stream == nullptr ? EINVAL : stream->descriptor() < 0 ? EBADF : detail::credentials_of(stream->descriptor(), found);
    if (failed != 0) throw error(failed, "peer credentials", stream ? stream->subject() : std::string{});
    return {found.process, found.user, found.group};
}

namespace detail {

namespace {

task<server> start_unix_core(std::unique_ptr<connection_handler> handler, unix_address at, server_settings settings) {
    auto core = std::make_unique<server_core>(std::move(handler), std::move(settings));
    // A server that was killed is replaced at once, though the kernel closes an io_uring's sockets a little after the process's end.
    constexpr int tries = 100;
    for (int i = 1; !core->listen_unix(at.address(), i < tries); ++i) co_await sleep(std::chrono::milliseconds{10});
    core->start_accepting();
    co_return server{std::move(core)};
}

/// An error of the options comes with the await, as every other.
task<server> refuse(std::exception_ptr why) {
    std::rethrow_exception(std::move(why));
    co_return server{nullptr};
}

}  // namespace

task<server> start_unix_server_with(std::unique_ptr<connection_handler> handler, unix_address at, const server_options& options) {
    try {
        return start_unix_core(std::move(handler), at, server_settings{options});
    } catch (const std::exception&) {
        return refuse(std::current_exception());
    }
}

}  // namespace detail
}  // namespace leat
