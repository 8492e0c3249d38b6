#include "tls/context.hpp"

#include <algorithm>
#include <utility>

#include "leat/log/log.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/to_thread.hpp"
#include "leat/tls/error.hpp"
#include "tls/failure.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t hosts_kept = 64;
constexpr std::size_t sessions_per_host = 8;  // tickets are used once each, and connections are opened many at a time
constexpr std::size_t contexts_kept = 8;

int on_new_session(SSL* ssl, SSL_SESSION* session) {
    auto* observer = static_cast<tls_context::observer*>(SSL_get_app_data(ssl));
    if (!observer) return 0;
    observer->new_session(ssl_session_pointer{session});
    return 1;  // the reference is ours now
}

int on_verification(int good, X509_STORE_CTX* verification) {
    if (good) return good;
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (auto* observer = static_cast<tls_context::observer*>(SSL_get_app_data(ssl)))
        observer->certificate_refused(X509_STORE_CTX_get0_cert(verification), X509_STORE_CTX_get_error(verification));
    return good;
}

/// Else OpenSSL would ask whoever sits at the terminal, and wait.
int on_password(char*, int, int, void*) { return -1; }

ssl_context_pointer new_context(const SSL_METHOD* method) {
    ssl_context_pointer made{SSL_CTX_new(method)};
    if (!made) throw tls::error("tls: OpenSSL could not be set up: " + openssl_reason("no reason given"));
    SSL_CTX* context = made.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle connection owns no buffer
    SSL_CTX_set_default_passwd_cb(context, on_password);
    return made;
}

[[noreturn]] void fail_about(const std::string& what, const std::string& file, std::string_view otherwise) {
    std::string why = openssl_reason(otherwise);
    if (why == "no start line") why = otherwise;
    throw tls::error("tls: " + what + " " + file + ": " + why);
}

void load_certificate(SSL_CTX* context, const std::string& chain, const std::string& key) {
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, chain.c_str()) != 1) fail_about("no certificate from", chain, "it holds none in PEM form");
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1) {
        if (SSL_CTX_check_private_key(context) == 1) return;
    }
    const unsigned long code = ERR_peek_last_error();
    const int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) == ERR_LIB_X509 && (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)) {
        ERR_clear_error();
        throw tls::error("tls: the key in " + key + " is not that of the certificate in " + chain);
    }
    for (unsigned long each = 0; (each = ERR_get_error()) != 0;)
        if (ERR_GET_LIB(each) == ERR_LIB_PEM && (ERR_GET_REASON(each) == PEM_R_BAD_PASSWORD_READ || ERR_GET_REASON(each) == PEM_R_PROBLEMS_GETTING_PASSWORD)) {
            ERR_clear_error();
            throw tls::error("tls: no key from " + key + ": it is encrypted with a password");
        } else if (ERR_SYSTEM_ERROR(each)) {
            ERR_clear_error();
            throw tls::error("tls: no key from " + key + ": " + std::error_code(ERR_GET_REASON(each), std::generic_category()).message());
        }
    throw tls::error("tls: no key from " + key + ": it holds none in PEM form");
}

void load_revoked(X509_STORE* store, const std::string& file) {
    if (file.empty()) return;
    ERR_clear_error();
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, file.c_str(), X509_FILETYPE_PEM) < 1) fail_about("no revocation lists from", file, "it holds none in PEM form");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

void load_trusted(SSL_CTX* context, const std::string& file) {
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) fail_about("no certificates from", file, "no reason given");
}

void warn_if_out_of_date(const X509* certificate, const std::string& file) {
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        log::warn("tls: the certificate in {} has expired", file);
    else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        log::warn("tls: the certificate in {} is not yet valid", file);
}

/// One trust's context, or the wait for it.
struct cached {
    tls_trust trust;
    std::shared_ptr<tls_context> context;
    event changed;
    bool being_made = false;
};

std::vector<std::shared_ptr<cached>>& cache() {
    static thread_local std::vector<std::shared_ptr<cached>> contexts;
    return contexts;
}

std::shared_ptr<cached> cached_for(const tls_trust& trust) {
    auto& all = cache();
    auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one->trust == trust; });
    if (at == all.end()) {
        if (all.size() >= contexts_kept) all.erase(all.begin());
        all.push_back(std::make_shared<cached>());
        all.back()->trust = trust;
        return all.back();
    }
    std::rotate(at, at + 1, all.end());
    return all.back();
}

/// However the making ends, those who wait look again.
struct maker {
    explicit maker(cached& entry) noexcept : of(entry) {
        of.being_made = true;
        of.changed.clear();
    }
    ~maker() {
        of.being_made = false;
        of.changed.set();
    }
    maker(const maker&) = delete;
    cached& of;
};

std::shared_ptr<tls_context> make_context(const tls_trust& trust) { return std::make_shared<tls_context>(trust); }

}  // namespace

std::string alpn_wire(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& name : protocols) {
        if (name.empty() || name.size() > 255) throw tls::error("tls: no ALPN protocol name: \"" + name + "\"");
        wire += static_cast<char>(name.size());
        wire += name;
    }
    return wire;
}

tls_context::tls_context(const tls_trust& trust) {
    served_.push_back({new_context(TLS_client_method()), {}});
    SSL_CTX* context = get();
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    if (!trust.certificate.empty()) load_certificate(context, trust.certificate, trust.key.empty() ? trust.certificate : trust.key);
    if (trust.insecure) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verification);
    X509_VERIFY_PARAM* verification = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(verification, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // Whoever names a certificate means to trust it, be it a root or not.
    X509_VERIFY_PARAM_set_flags(verification, X509_V_FLAG_PARTIAL_CHAIN);
    if (trust.ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(context);
        ERR_clear_error();  // a store that is not there is seen when it is needed
    } else {
        load_trusted(context, trust.ca_file);
    }
    load_revoked(SSL_CTX_get_cert_store(context), trust.crl_file);
}

tls_context::tls_context(const tls_server_files& files) : alpn_(files.alpn) {
    if (files.certificates.empty()) throw tls::error("tls: a server needs a certificate, and none was given");
    const bool ask = files.clients != tls::client_certificates::none;
    if (ask && files.client_ca_file.empty()) throw tls::error("tls: client certificates are asked for, and no client_ca_file says whose are good");
    for (const auto& [chain, key] : files.certificates) {
        served one{new_context(TLS_server_method()), {}};
        SSL_CTX* context = one.context.get();
        load_certificate(context, chain, key);
        const X509* certificate = SSL_CTX_get0_certificate(context);
        warn_if_out_of_date(certificate, chain);
        one.names = host_names(certificate);
        if (files.minimum == tls::version::tls_1_3) SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
        SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
        SSL_CTX_set_tlsext_servername_arg(context, this);
        if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, on_alpn, this);
        // Sessions are in the tickets alone: a stranger's handshakes leave nothing in this process's memory.
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        if (!files.session_tickets) {
            SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
            SSL_CTX_set_num_tickets(context, 0);
        }
        static constexpr unsigned char name[] = {'l', 'e', 'a', 't'};
        SSL_CTX_set_session_id_context(context, name, sizeof name);
        if (ask) {
            const int required = files.clients == tls::client_certificates::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, on_verification);
            if (served_.empty()) {
                X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
                load_trusted(context, files.client_ca_file);
                load_revoked(SSL_CTX_get_cert_store(context), files.crl_file);
            } else {
                SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(get()));
            }
            SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(files.client_ca_file.c_str()));
            ERR_clear_error();
        }
        served_.push_back(std::move(one));
    }
}

// ---- what a client asks for

SSL_CTX* tls_context::for_name(std::string_view asked) const noexcept {
    const served* by_wildcard = nullptr;
    for (const served& one : served_)
        for (const std::string& name : one.names) {
            const name_match match = match_name(name, asked);
            if (match == name_match::exact) return one.context.get();
            if (match == name_match::wildcard && !by_wildcard) by_wildcard = &one;
        }
    return by_wildcard ? by_wildcard->context.get() : get();
}

int tls_context::on_server_name(SSL* ssl, int*, void* self) noexcept {
    auto& of = *static_cast<tls_context*>(self);
    const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (!asked) return SSL_TLSEXT_ERR_NOACK;
    try {
        SSL_CTX* chosen = of.served_.size() == 1 ? of.get() : of.for_name(comparable_name(asked));
        if (chosen != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, chosen);
    } catch (...) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;  // no memory
    }
    return SSL_TLSEXT_ERR_OK;
}

int tls_context::on_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered, unsigned offered_size,
                         void* self) noexcept {
    const std::string& spoken = static_cast<tls_context*>(self)->alpn_;
    unsigned char* found = nullptr;
    const auto* ours = reinterpret_cast<const unsigned char*>(spoken.data());  // check-idioms: allow cast, OpenSSL's bytes
    if (SSL_select_next_proto(&found, chosen_size, ours, static_cast<unsigned>(spoken.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, 3.2
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

// ---- sessions of a client

void tls_context::observe(SSL* ssl, observer* by) noexcept { SSL_set_app_data(ssl, static_cast<void*>(by)); }

tls_context::host_sessions* tls_context::find(const std::string& host) noexcept {
    auto at = std::find_if(hosts_.begin(), hosts_.end(), [&](const host_sessions& one) { return one.host == host; });
    if (at == hosts_.end()) return nullptr;
    std::rotate(at, at + 1, hosts_.end());
    return &hosts_.back();
}

ssl_session_pointer tls_context::take_session(const std::string& host) {
    const std::lock_guard lock{mutex_};
    host_sessions* known = find(host);
    while (known && !known->sessions.empty()) {
        SSL_SESSION* last = known->sessions.back().get();
        const bool once = SSL_SESSION_get_protocol_version(last) >= TLS1_3_VERSION;
        if (SSL_SESSION_is_resumable(last) && !once) {
            SSL_SESSION_up_ref(last);
            return ssl_session_pointer{last};
        }
        ssl_session_pointer taken = std::move(known->sessions.back());
        known->sessions.pop_back();
        if (SSL_SESSION_is_resumable(taken.get())) return taken;
    }
    return nullptr;
}

void tls_context::keep_session(const std::string& host, ssl_session_pointer session) {
    const std::lock_guard lock{mutex_};
    host_sessions* known = find(host);
    if (!known) {
        if (hosts_.size() >= hosts_kept) hosts_.erase(hosts_.begin());
        hosts_.push_back({host, {}});
        known = &hosts_.back();
    }
    if (known->sessions.size() >= sessions_per_host) known->sessions.erase(known->sessions.begin());
    known->sessions.push_back(std::move(session));
}

task<std::shared_ptr<tls_context>> shared_tls_context(tls_trust trust) {
    std::shared_ptr<cached> entry = cached_for(trust);
    while (!entry->context) {
        if (entry->being_made) {
            co_await entry->changed.wait();
            continue;
        }
        maker making{*entry};
        entry->context = co_await to_thread(&make_context, trust);
    }
    co_return entry->context;
}

}  // namespace leat::detail
