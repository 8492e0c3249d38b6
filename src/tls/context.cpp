#include "tls/context.hpp"

#include <algorithm>
#include <utility>

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

tls_context::tls_context(const tls_trust& trust) : context_(SSL_CTX_new(TLS_client_method())) {
    if (!context_) throw tls::error("tls: OpenSSL could not be set up: " + openssl_reason("no reason given"));
    SSL_CTX* context = context_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle connection owns no buffer
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    if (trust.insecure) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verification);
    X509_VERIFY_PARAM* verification = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(verification, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // Whoever names a certificate means to trust it, be it a root or not.
    X509_VERIFY_PARAM_set_flags(verification, X509_V_FLAG_PARTIAL_CHAIN);
    ERR_clear_error();
    if (trust.ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(context);
        ERR_clear_error();  // a store that is not there is seen when it is needed
    } else if (SSL_CTX_load_verify_file(context, trust.ca_file.c_str()) != 1) {
        throw tls::error("tls: no certificates from " + trust.ca_file + ": " + openssl_reason("no reason given"));
    }
}

void tls_context::observe(SSL* ssl, observer* by) noexcept { SSL_set_app_data(ssl, static_cast<void*>(by)); }

tls_context::host_sessions* tls_context::find(const std::string& host) noexcept {
    auto at = std::find_if(hosts_.begin(), hosts_.end(), [&](const host_sessions& one) { return one.host == host; });
    if (at == hosts_.end()) return nullptr;
    std::rotate(at, at + 1, hosts_.end());
    return &hosts_.back();
}

ssl_session_pointer tls_context::take_session(const std::string& host) {
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
