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
    /// The oldest version that is accepted.
    version minimum = version::tls_1_2;
    /// From the open connection to the end of the handshake. Zero: none.
    duration handshake_timeout = std::chrono::seconds{30};
    /// Takes an end without close_notify for an orderly one. For protocols that know their own end, with peers that do not close properly.
    bool allow_truncation = false;
    /// The client's own certificate and those that lead to its issuer (PEM), for servers that ask for one, and its key; no `key`: it is in the same file.
    std::string_view certificate = {};
    /// The key's file, if it is another.
    std::string_view key = {};
    /// Revoked certificates (PEM, a list for each issuer). Where it is given, an issuer without a list is an error.
    std::string_view crl_file = {};
};

/// A certificate's files (PEM): the chain, the server's own certificate first, and its key; no `key`: it is in the same file.
struct certificate_files {
    std::string_view chain;     ///< a file (PEM)
    std::string_view key = {};  ///< a file (PEM)
};

/// Does a server ask its clients for certificates?
enum class client_certificates : std::uint8_t {
    none,
    optional,  ///< asked for; who has none may come in all the same: session_of() tells. A bad one is refused
    required,
};

/// How a server secures its connections. All text is copied when the context is made.
struct server_options {
    /// The certificate of the common case: a chain file and a key file (PEM).
    std::string_view certificate = {};
    /// The key's file, if it is another.
    std::string_view key = {};
    /// More of them. A client is shown the first that is for the name it asks for (SNI); the very name goes before a wildcard. Who asks for no
    /// name, or for one that none is for, is shown the first of all.
    std::span<const certificate_files> certificates = {};
    /// Whether clients are asked for certificates.
    tls::client_certificates client_certificates = tls::client_certificates::none;
    /// Who issues the clients' certificates (PEM). To be given if they are asked for.
    std::string_view client_ca_file = {};
    /// Revoked ones (PEM), as for a client.
    std::string_view crl_file = {};
    /// The protocols that are spoken (ALPN), the preferred one first. A client that offers others alone is refused, one that offers none is not.
    std::span<const std::string_view> alpn = {};
    /// The oldest version that is accepted.
    version minimum = version::tls_1_2;
    /// Lets clients resume their sessions by tickets. Their key is the context's own, and new after each reload.
    bool session_tickets = true;
    /// From the accepted connection to the end of the handshake. Zero: none.
    duration handshake_timeout = std::chrono::seconds{10};
    /// As for a client.
    bool allow_truncation = false;
};

}  // namespace leat::tls
