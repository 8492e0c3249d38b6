#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "leat/io/duration.hpp"

namespace leat::tls {

/// The oldest version of the protocol that is spoken. Older ones than these are not offered at all.
enum class version : std::uint8_t { tls_1_2, tls_1_3 };

/// How a client secures a connection. The defaults verify the peer's certificate and its host name against the system's trust store.
/// All text is copied when the connection is opened.
struct client_options {
    /// Certificates (PEM) to trust instead of the system's. The system's store is OpenSSL's: SSL_CERT_FILE and SSL_CERT_DIR from the
    /// environment, else /etc/ssl/certs.
    std::string_view ca_file = {};
    /// Accepts any certificate, so that anyone on the way can read and change everything. The first use logs a warning.
    bool insecure = false;
    /// The name to ask for (SNI) and to verify, where it is not the endpoint's host. A numeric address is verified as one, and not sent.
    std::string_view server_name = {};
    /// Protocols to offer (ALPN), the preferred one first: "h2", "http/1.1". None: no offer.
    std::span<const std::string_view> alpn = {};
    version minimum = version::tls_1_2;
    /// From the open connection to the end of the handshake. Zero: none.
    duration handshake_timeout = std::chrono::seconds{30};
    /// Takes an end without close_notify for an orderly one. For protocols that know their own end, with peers that do not close properly.
    bool allow_truncation = false;
};

}  // namespace leat::tls
