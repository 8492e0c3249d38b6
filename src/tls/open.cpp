#include "tls/open.hpp"

#include <atomic>
#include <utility>

#include "leat/log/log.hpp"
#include "leat/net/address.hpp"
#include "leat/task/timeout.hpp"
#include "leat/tls/error.hpp"
#include "net/open.hpp"
#include "tls/failure.hpp"
#include "tls/tls_stream.hpp"

namespace leat::detail {
namespace {

/// Owns a stream that nobody else holds yet.
class held_stream {
public:
    explicit held_stream(tcp_stream* stream) noexcept : stream_(stream) {}
    held_stream(held_stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)), orderly_(other.orderly_) {}
    held_stream& operator=(held_stream&&) = delete;
    /// Only while it holds none.
    void take(held_stream&& other) noexcept { stream_ = other.release(); }
    ~held_stream() {
        if (!stream_) return;
        if (!orderly_) stream_->abort();
        stream_->reader_dropped();
        stream_->writer_dropped();
    }
    tcp_stream* get() const noexcept { return stream_; }
    tcp_stream* release() noexcept { return std::exchange(stream_, nullptr); }
    /// If it is dropped, what there is to send (an alert) is sent first.
    void drop_in_order() noexcept { orderly_ = true; }

private:
    tcp_stream* stream_;
    bool orderly_ = false;
};

task<held_stream> connect_held(endpoint to) {
    tcp_stream* opened = co_await open_tcp(std::move(to));
    co_return held_stream{opened};
}

void warn_of_insecurity(const std::string& subject) {
    static std::atomic<bool> warned = false;
    if (!warned.exchange(true))
        log::warn("tls {}: certificates are not verified (insecure): anyone on the way can read and change what is sent; said once", subject);
}

void set_alpn(SSL* ssl, const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& name : protocols) {
        if (name.empty() || name.size() > 255) throw tls::error("tls: no ALPN protocol name: \"" + name + "\"");
        wire += static_cast<char>(name.size());
        wire += name;
    }
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

ssl_pointer make_ssl(const tls_client_settings& settings, tls_identity& identity, const endpoint& to) {
    ssl_pointer ssl{SSL_new(identity.context->get())};
    if (!ssl) throw tls::error("tls " + identity.subject + ": " + openssl_reason("out of memory"));
    SSL_set_connect_state(ssl.get());
    if (settings.minimum == tls::version::tls_1_3) SSL_set_min_proto_version(ssl.get(), TLS1_3_VERSION);
    identity.verified = set_host(ssl.get(), settings.server_name.empty() ? to.host() : settings.server_name);
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

task<tcp_stream*> open_with(endpoint to, tls_client_settings settings) {
    tls_identity identity;
    identity.subject = to.to_string();
    identity.allow_truncation = settings.allow_truncation;
    if (settings.insecure) warn_of_insecurity(identity.subject);
    tls_trust trust;
    trust.ca_file = settings.ca_file;
    trust.insecure = settings.insecure;
    identity.context = co_await shared_tls_context(std::move(trust));
    ssl_pointer ssl = make_ssl(settings, identity, to);

    held_stream plain{nullptr};
    if (settings.connect_timeout > duration::zero()) {
        auto connected = co_await (timeout(settings.connect_timeout, connect_held(to)) | as_result);
        if (!connected) rethrow_naming(connected.error().exception(), "connect " + identity.subject);
        plain.take(std::move(*connected));
    } else {
        plain.take(co_await connect_held(to));
    }

    const std::string subject = identity.subject;
    const address peer = plain.get()->peer();
    auto* secured = new tls_stream(plain.get()->descriptor(), peer, std::move(ssl), std::move(identity));
    plain.release()->give_up_descriptor();
    held_stream stream{secured};
    if (settings.handshake_timeout > duration::zero()) {
        auto agreed = co_await (timeout(settings.handshake_timeout, secured->handshake()) | as_result);
        if (!agreed) {
            if (secured->broken()) stream.drop_in_order();  // so that the peer hears why
            rethrow_naming(agreed.error().exception(), "tls handshake " + subject);
        }
    } else {
        auto agreed = co_await (secured->handshake() | as_result);
        if (!agreed) {
            if (secured->broken()) stream.drop_in_order();
            std::rethrow_exception(agreed.error().exception());
        }
    }
    co_return stream.release();
}

}  // namespace

tls_client_settings::tls_client_settings(const tls::client_options& options)
    : ca_file(options.ca_file),
      server_name(options.server_name),
      alpn(options.alpn.begin(), options.alpn.end()),
      handshake_timeout(options.handshake_timeout),
      minimum(options.minimum),
      insecure(options.insecure),
      allow_truncation(options.allow_truncation) {}

task<tcp_stream*> open_tls(endpoint to, const tls_client_settings& settings) { return open_with(std::move(to), settings); }

std::string_view negotiated_protocol(const tcp_stream& stream) noexcept {
    return stream.layered() ? static_cast<const tls_stream&>(stream).alpn() : std::string_view{};
}

}  // namespace leat::detail
