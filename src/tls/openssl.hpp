#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

namespace leat::detail {

/// Gives an OpenSSL object back by its own function.
template <auto Free>
struct openssl_free {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};

using ssl_context_pointer = std::unique_ptr<SSL_CTX, openssl_free<SSL_CTX_free>>;
using ssl_pointer = std::unique_ptr<SSL, openssl_free<SSL_free>>;
using ssl_session_pointer = std::unique_ptr<SSL_SESSION, openssl_free<SSL_SESSION_free>>;
using x509_store_pointer = std::unique_ptr<X509_STORE, openssl_free<X509_STORE_free>>;

}  // namespace leat::detail
