#include "tls/failure.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/tls/error.hpp"
#include "tls/certificate.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t name_shown = 80;  // bytes of one

std::string about(std::string_view subject) { return "tls " + printable(subject, 300) + ": "; }

/// Alerts that the peer sent are reasons above this, by the alert's number.
constexpr int alert_offset = SSL_AD_REASON_OFFSET;

bool is_alert(int reason) noexcept { return reason >= alert_offset && reason < alert_offset + 256; }
std::string alert_text(int reason) { return SSL_alert_desc_string_long(reason - alert_offset); }

/// Has the peer sent an alert that says so? RFC 8446, 6.2.
bool is_about_our_certificate(int reason) noexcept {
    switch (reason - alert_offset) {
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_CERTIFICATE_REQUIRED: return true;
        default: return false;
    }
}

bool asks_in_http(std::string_view first_bytes) noexcept {
    static constexpr std::array<std::string_view, 6> methods{"GET ", "HEAD ", "POST ", "PUT ", "OPTIO", "CONNE"};
    return std::any_of(methods.begin(), methods.end(), [&](std::string_view each) { return first_bytes.starts_with(each); });
}

/// "2026-11-22"; of the certificates' two notations for a time.
std::string date_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
    std::array<char, 16> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
    return {text.data(), size};
}

/// What TLS itself found wrong, in a connection that carries this one, is found again.
bool is_cut(const std::exception_ptr& why) {
    if (!why) return true;
    try {
        std::rethrow_exception(why);
    } catch (const tls::truncated_error&) {
        return true;
    } catch (const leat::error&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace

std::string openssl_reason(std::string_view otherwise) {
    const unsigned long code = ERR_peek_error();
    const char* words = code != 0 ? ERR_reason_error_string(code) : nullptr;
    std::string text{words ? std::string_view{words} : otherwise};
    if (ERR_SYSTEM_ERROR(code)) text = std::error_code(ERR_GET_REASON(code), std::generic_category()).message();
    ERR_clear_error();
    return text;
}

std::string certificate_problem(const X509* certificate, int problem, std::string_view verified, bool of_client) {
    const std::string it = of_client ? "the client's certificate" : "the certificate";
    switch (problem) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: {
            std::string text = it + " is not for " + printable(verified, name_shown);
            if (std::string names = certificate ? names_in_brief(certificate) : std::string{}; !names.empty()) text += ", but for " + names;
            return text;
        }
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: {
            std::string text = it + " is signed by itself";
            if (std::string name = certificate ? common_name(X509_get_subject_name(certificate)) : std::string{}; !name.empty()) text += " (" + name + ")";
            return text + ", and not one of those that are trusted";
        }
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: {
            std::string text = it + "'s issuer is unknown";
            if (of_client) text = "the issuer of the client's certificate is unknown";
            if (std::string name = certificate ? common_name(X509_get_issuer_name(certificate)) : std::string{}; !name.empty()) text += " (" + name + ")";
            return text + ": " + X509_verify_cert_error_string(problem);
        }
        case X509_V_ERR_CERT_HAS_EXPIRED: return it + " has expired" + (certificate ? " (" + date_of(X509_get0_notAfter(certificate)) + ")" : "");
        case X509_V_ERR_CERT_NOT_YET_VALID: return it + " is not yet valid" + (certificate ? " (before " + date_of(X509_get0_notBefore(certificate)) + ")" : "");
        case X509_V_ERR_CERT_REVOKED: return it + " has been revoked";
        case X509_V_ERR_UNABLE_TO_GET_CRL: return "no revocation list tells whether " + it + " is still good";
        case X509_V_ERR_INVALID_PURPOSE: return it + " is not meant for a " + (of_client ? "client" : "server");
        default: return it + " was not accepted: " + X509_verify_cert_error_string(problem);
    }
}

std::exception_ptr handshake_failure(std::string_view subject, std::string_view refusal, std::string_view first_bytes) {
    const int reason = ERR_GET_REASON(ERR_peek_error());
    std::string begin = about(subject);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        ERR_clear_error();
        if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) refusal = "the client sent no certificate";
        return std::make_exception_ptr(tls::certificate_error(begin.append(refusal.empty() ? "the certificate was not accepted" : refusal)));
    }
    if (is_about_our_certificate(reason)) {
        ERR_clear_error();
        return std::make_exception_ptr(tls::certificate_error(begin + "the peer does not accept our certificate: " + alert_text(reason)));
    }
    std::string text;
    if (!first_bytes.empty() && (first_bytes[0] < 0x14 || first_bytes[0] > 0x18)) {  // no kind of TLS record
        text = first_bytes.starts_with("HTTP/") ? "the peer answers in plain HTTP, not in TLS"
               : asks_in_http(first_bytes)      ? "the peer asks in plain HTTP, not in TLS"
                                                : "the peer does not speak TLS";
        ERR_clear_error();
    } else if (is_alert(reason)) {
        text = "the peer refused the handshake: " + alert_text(reason);
        ERR_clear_error();
    } else if (reason == SSL_R_NO_APPLICATION_PROTOCOL) {
        text = "the peer offers no protocol (ALPN) that is spoken here";
        ERR_clear_error();
    } else if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW) {
        text = "the peer speaks no version of TLS that is accepted here (unsupported protocol version)";
        ERR_clear_error();
    } else {
        text = "the handshake failed: " + openssl_reason("no reason given");
    }
    return std::make_exception_ptr(tls::handshake_error(begin + text));
}

std::exception_ptr handshake_broken_off(std::string_view subject, const std::exception_ptr& why) {
    std::string text = about(subject);
    text += why ? "the connection broke during the handshake: " + describe(why) : "the peer closed the connection during the handshake";
    if (is_cut(why)) return std::make_exception_ptr(handshake_cut(text));
    return std::make_exception_ptr(tls::handshake_error(text));
}

std::exception_ptr stream_failure(std::string_view subject, std::string_view doing) {
    const int reason = ERR_GET_REASON(ERR_peek_error());
    std::string text = about(subject).append(doing).append(": ");
    if (is_about_our_certificate(reason)) {
        // In TLS 1.3 a server verifies the client's when the client is done already.
        ERR_clear_error();
        return std::make_exception_ptr(tls::certificate_error(text + "the peer does not accept our certificate: " + alert_text(reason)));
    }
    if (is_alert(reason)) {
        ERR_clear_error();
        return std::make_exception_ptr(tls::error(text + "the peer broke the connection off: " + alert_text(reason)));
    }
    return std::make_exception_ptr(tls::error(text + openssl_reason("the connection can no longer be used")));
}

std::exception_ptr stream_truncated(std::string_view subject) {
    return std::make_exception_ptr(tls::truncated_error(about(subject) + "the connection ended without close_notify; something may be missing"));
}

}  // namespace leat::detail
