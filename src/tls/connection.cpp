#include "leat/tls/connection.hpp"

#include <utility>

#include "leat/log/printable.hpp"
#include "tls/open.hpp"
#include "tls/certificate.hpp"
#include "tls/tls_layer.hpp"

namespace leat::tls {
namespace {

task<connection> open_and_wrap(endpoint to, detail::tls_client_settings settings, bytes limit) {
    detail::tcp_stream* opened = co_await detail::open_tls(std::move(to), settings);
    opened->limit = detail::tcp_stream::as_limit(limit.count);
    co_return connection{stream_reader{*opened}, stream_writer{*opened}};
}

std::optional<session> session_of(detail::transport* stream) {
    const auto* connection = dynamic_cast<const detail::tcp_stream*>(stream);
    const detail::tls_layer* secured = connection ? detail::tls_layer::of(*connection) : nullptr;
    if (!secured || !secured->established()) return std::nullopt;
    session agreed;
    agreed.version = SSL_get_version(secured->ssl());
    agreed.cipher = SSL_get_cipher_name(secured->ssl());
    agreed.alpn = printable(secured->alpn(), 255);
    agreed.resumed = SSL_session_reused(secured->ssl()) == 1;
    if (const char* name = SSL_get_servername(secured->ssl(), TLSEXT_NAMETYPE_host_name)) agreed.server_name = printable(name, 255);
    if (const X509* certificate = SSL_get0_peer_certificate(secured->ssl())) {
        agreed.peer_subject = detail::subject_of(certificate);
        agreed.peer_names = detail::alternative_names(certificate);
        agreed.peer_fingerprint = detail::fingerprint_of(certificate);
    }
    return agreed;
}

}  // namespace

task<connection> open_connection(endpoint to, client_options options, connect_options connecting) {
    detail::tls_client_settings settings{options};
    settings.connect_by(connecting);
    return open_and_wrap(std::move(to), std::move(settings), connecting.limit);
}

std::optional<session> session_of(const stream_reader& reader) { return session_of(reader.transport()); }
std::optional<session> session_of(const stream_writer& writer) { return session_of(writer.transport()); }

}  // namespace leat::tls
