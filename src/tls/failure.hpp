#pragma once
#include <exception>
#include <string>
#include <string_view>

#include "leat/tls/error.hpp"
#include "tls/openssl.hpp"

namespace leat::detail {

/// The connection ended in the middle of the handshake, and nobody said why: the next one may get through it.
class handshake_cut : public tls::handshake_error {
public:
    using handshake_error::handshake_error;
};

/// The oldest error on OpenSSL's list for this thread, in words; `otherwise` if there is none. Clears the list.
std::string openssl_reason(std::string_view otherwise);

/// What is wrong with a peer's certificate, by X.509's code. `verified`: the name or address that it had to be for; `of_client`: we are
/// the server.
std::string certificate_problem(const X509* certificate, int problem, std::string_view verified, bool of_client);
/// Why a handshake failed, from OpenSSL's list. `subject`: "example.org:443"; `refusal`: certificate_problem(), if there was one; `first_bytes`: the
/// beginning of what the peer sent.
std::exception_ptr handshake_failure(std::string_view subject, std::string_view refusal, std::string_view first_bytes);
/// The connection ended in the middle of the handshake, of itself (a handshake_cut) or by an error of the TLS that carries it.
std::exception_ptr handshake_broken_off(std::string_view subject, const std::exception_ptr& why);
/// An error of an established connection; the end of the SSL's use.
std::exception_ptr stream_failure(std::string_view subject, std::string_view doing);
/// The connection ended without close_notify.
std::exception_ptr stream_truncated(std::string_view subject);

}  // namespace leat::detail
