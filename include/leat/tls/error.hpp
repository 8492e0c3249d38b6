#pragma once
#include <stdexcept>

namespace leat::tls {

/// The base of what TLS throws. The text names the peer and what failed: "tls example.org:443: the certificate has expired".
/// It is safe to print: what came from the peer has lost its control characters.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// No secure connection could be agreed on: the peer refused (its alert is in the text), broke off, or does not speak TLS.
class handshake_error : public error {
public:
    using error::error;
};

/// The peer's certificate was not accepted: expired, for another host, from an unknown issuer.
class certificate_error : public handshake_error {
public:
    using handshake_error::handshake_error;
};

/// The connection ended without TLS's own end (close_notify), so something may be missing. What came before can be read.
class truncated_error : public error {
public:
    using error::error;
};

}  // namespace leat::tls
