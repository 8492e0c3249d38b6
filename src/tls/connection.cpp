#include "leat/tls/connection.hpp"

#include <utility>

#include "tls/open.hpp"
#include "tls/tls_stream.hpp"

namespace leat::tls {
namespace {

task<connection> open_and_wrap(endpoint to, detail::tls_client_settings settings, bytes limit) {
    detail::tcp_stream* opened = co_await detail::open_tls(std::move(to), settings);
    opened->limit = detail::tcp_stream::as_limit(limit.count);
    co_return connection{stream_reader{*opened}, stream_writer{*opened}};
}

std::optional<session> session_of(detail::transport* stream) {
    auto* secured = dynamic_cast<detail::tls_stream*>(stream);
    if (!secured || !secured->established()) return std::nullopt;
    session agreed;
    agreed.version = SSL_get_version(secured->ssl());
    agreed.cipher = SSL_get_cipher_name(secured->ssl());
    agreed.alpn = secured->alpn();
    agreed.resumed = SSL_session_reused(secured->ssl()) == 1;
    return agreed;
}

}  // namespace

task<connection> open_connection(endpoint to, client_options options, connect_options connecting) {
    detail::tls_client_settings settings{options};
    settings.connect_timeout = connecting.timeout;
    return open_and_wrap(std::move(to), std::move(settings), connecting.limit);
}

std::optional<session> session_of(const stream_reader& reader) { return session_of(reader.transport()); }
std::optional<session> session_of(const stream_writer& writer) { return session_of(writer.transport()); }

}  // namespace leat::tls
