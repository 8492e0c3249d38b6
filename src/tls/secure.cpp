#include "tls/secure.hpp"

#include <atomic>
#include <utility>

#include "leat/io/writer.hpp"
#include "leat/log/log.hpp"
#include "leat/task/timeout.hpp"
#include "tls/failure.hpp"
#include "leat/net/address.hpp"
#include "net/tcp_stream.hpp"
#include "tls/tls_layer.hpp"

namespace leat::detail {
namespace {

void warn_of_insecurity(const std::string& subject) {
    static std::atomic<bool> warned = false;
    if (!warned.exchange(true))
        log::warn("tls {}: certificates are not verified (insecure): anyone on the way can read and change what is sent; said once", subject);
}

void set_alpn(SSL* ssl, const std::vector<std::string>& protocols) {
    const std::string wire = alpn_wire(protocols);
    if (wire.empty()) return;
    // The one function of OpenSSL that returns 0 for success.
    if (SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(wire.data()), static_cast<unsigned>(wire.size())) != 0)  // check-idioms: allow cast, OpenSSL's bytes
        throw tls::error("tls: ALPN: " + openssl_reason("not accepted"));
}

/// Whom the certificate has to be for, and what the hello says.
std::string set_host(SSL* ssl, std::string name) {
    if (name.size() > 1 && name.ends_with('.')) name.pop_back();
    X509_VERIFY_PARAM* verification = SSL_get0_param(ssl);
    if (const address literal = address::parse(name, 0); !literal.empty()) {
        if (X509_VERIFY_PARAM_set1_ip(verification, literal.raw().data(), literal.is_ipv6() ? 16 : 4) != 1)
            throw tls::error("tls: " + name + ": " + openssl_reason("not accepted"));
        return literal.host();
    }
    if (name.empty() || name.size() > 255 || X509_VERIFY_PARAM_set1_host(verification, name.data(), name.size()) != 1 ||
        SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
        throw tls::error("tls: \"" + name + "\" is no host name");
    return name;
}

ssl_pointer new_ssl(const tls_identity& identity) {
    ssl_pointer ssl{SSL_new(identity.context->get())};
    if (!ssl) throw tls::error("tls " + identity.subject + ": " + openssl_reason("out of memory"));
    return ssl;
}

ssl_pointer client_ssl(const tls_client_settings& settings, tls_identity& identity, std::string host) {
    ssl_pointer ssl = new_ssl(identity);
    SSL_set_connect_state(ssl.get());
    if (settings.minimum == tls::version::tls_1_3) SSL_set_min_proto_version(ssl.get(), TLS1_3_VERSION);
    identity.verified = set_host(ssl.get(), std::move(host));
    set_alpn(ssl.get(), settings.alpn);
    if (ssl_session_pointer session = identity.context->take_session(identity.subject + '/' + identity.verified)) SSL_set_session(ssl.get(), session.get());
    return ssl;
}

/// The same error, with what it was about in front if it is the time-out's.
[[noreturn]] void rethrow_naming(const std::exception_ptr& why, const std::string& about) {
    try {
        std::rethrow_exception(why);
    } catch (const timeout_error& e) {
        throw timeout_error(about + ": " + e.what());
    }
}

task<> shake_hands(tls_layer& layer, duration limit) {
    if (limit <= duration::zero()) {
        co_await layer.handshake();
        co_return;
    }
    auto agreed = co_await (timeout(limit, layer.handshake()) | as_result);
    if (!agreed) rethrow_naming(agreed.error().exception(), "tls handshake " + layer.subject());
}

tls_layer& add_layer(tcp_stream& stream, ssl_pointer ssl, tls_identity identity) {
    auto layer = std::make_unique<tls_layer>(stream, std::move(ssl), std::move(identity));
    tls_layer& added = *layer;
    // Through a proxy that is spoken to over TLS itself.
    if (stream.layered()) layer->stand_on(std::unique_ptr<tls_layer>{static_cast<tls_layer*>(stream.take_layer().release())});
    stream.add_layer(std::move(layer));
    return added;
}

/// What must hold before a stream in use is secured. Throws.
void check_may_start(const tcp_stream& stream, bool as_server) {
    const std::string name = "start_tls " + stream.subject();
    if (stream.layered()) throw tls::error(name + ": the connection is secured already");
    if (stream.closed() || stream.output_ended()) throw tls::error(name + ": the connection is closed");
    if (stream.reading) throw std::logic_error(name + ": a read is under way");
    const std::string_view early = stream.input.unread();
    if (early.empty()) return;
    // A server may have the beginning of the handshake already. Nothing else may be there: it came unencrypted, so anyone on the way may have put it
    // there for the secured conversation.
    if (as_server && early.front() == 0x16) return;
    throw tls::error(name + ": " + std::to_string(early.size()) + " bytes were received before the handshake; they are not to be trusted");
}

task<> start_on(tcp_stream& stream, std::shared_ptr<tls_settings> settings, std::string host) {
    check_may_start(stream, settings->is_server());
    // What was written before is for the other side to read before the handshake.
    co_await transport_waiter{stream, transport_waiter::event::all_sent};
    if (settings->is_server()) {
        check_may_start(stream, true);
        co_await secure_server(stream, std::move(settings));
        co_return;
    }
    check_may_start(stream, false);
    if (host.empty()) host = settings->client().server_name;
    const address peer = stream.peer();
    std::string to = host.empty() ? peer.to_string() : endpoint{host, peer.port()}.to_string();
    if (host.empty()) host = peer.host();
    co_await secure_client(stream, settings->current(), settings->client(), std::move(to), std::move(host));
}

}  // namespace

void check_is_server(const tls::context& context) {
    if (!context.is_server()) throw tls::error("tls: a server needs a server's context, and this is a client's");
}

void check_is_client(const tls::context& context) {
    if (context.is_server()) throw tls::error("tls: a client needs a client's context, and this is a server's");
}

task<> secure_client(tcp_stream& stream, std::shared_ptr<tls_context> context, tls_client_settings settings, std::string to, std::string host) {
    tls_identity identity;
    identity.subject = std::move(to);
    identity.context = std::move(context);
    identity.allow_truncation = settings.allow_truncation;
    if (settings.insecure) warn_of_insecurity(identity.subject);
    ssl_pointer ssl = client_ssl(settings, identity, std::move(host));
    tls_layer& layer = add_layer(stream, std::move(ssl), std::move(identity));
    co_await shake_hands(layer, settings.handshake_timeout);
}

task<> secure_server(tcp_stream& stream, std::shared_ptr<tls_settings> settings) {
    tls_identity identity;
    identity.subject = stream.subject();
    identity.context = settings->current();
    identity.allow_truncation = settings->server().allow_truncation;
    ssl_pointer ssl = new_ssl(identity);
    SSL_set_accept_state(ssl.get());
    tls_layer& layer = add_layer(stream, std::move(ssl), std::move(identity));
    co_await shake_hands(layer, settings->server().handshake_timeout);
}

task<handshake_outcome> secure_accepted(tcp_stream& stream, std::shared_ptr<tls_settings> settings) {
    std::exception_ptr failure;
    try {  // no result: there may be no memory even for the task that would give it
        co_await secure_server(stream, std::move(settings));
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    if (!failure) co_return handshake_outcome::agreed;
    log::warn("{}", leat::describe(failure));
    // An alert is still sent, in the order of an ordinary close; a peer that does not even say anything is not waited for.
    const tls_layer* layer = tls_layer::of(stream);
    if (!layer || !layer->has_last_words()) stream.abort();
    co_return handshake_outcome::failed;
}

}  // namespace leat::detail

namespace leat {

task<> stream_writer::start_tls(const tls::context& context, start_tls_options options) {
    auto* stream = dynamic_cast<detail::tcp_stream*>(of_);
    if (!stream) throw tls::error("start_tls: only a network connection can be secured");
    return detail::start_on(*stream, context.settings(), std::string{options.server_name});
}

}  // namespace leat
