#include "tls/failure.hpp"

#include <vector>

#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/tls/error.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t names_shown = 3;
constexpr std::size_t name_shown = 80;  // bytes of one

std::string about(std::string_view subject) { return "tls " + printable(subject, 300) + ": "; }

std::string text_of(const ASN1_STRING* value) {
    return printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)), static_cast<std::size_t>(ASN1_STRING_length(value))},  // check-idioms: allow cast, OpenSSL's bytes
                     name_shown);
}

std::string common_name(const X509_NAME* of) {
    const int index = of ? X509_NAME_get_index_by_NID(of, NID_commonName, -1) : -1;
    if (index < 0) return {};
    return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(of, index)));
}

/// The host names that a certificate is for, as a list for people.
std::string names_of(const X509* certificate) {
    std::vector<std::string> names;
    std::size_t more = 0;
    auto* alternatives = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
        if (name->type != GEN_DNS) continue;
        if (names.size() < names_shown)
            names.push_back(text_of(name->d.dNSName));
        else
            ++more;
    }
    GENERAL_NAMES_free(alternatives);
    if (names.empty())
        if (std::string name = common_name(X509_get_subject_name(certificate)); !name.empty()) names.push_back(std::move(name));
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    if (more != 0) list += " and " + std::to_string(more) + " more";
    return list;
}

/// Alerts that the peer sent are reasons above this, by the alert's number.
constexpr int alert_offset = SSL_AD_REASON_OFFSET;

std::string alert_text(int reason) { return SSL_alert_desc_string_long(reason - alert_offset); }

}  // namespace

std::string openssl_reason(std::string_view otherwise) {
    const unsigned long code = ERR_peek_error();
    const char* words = code != 0 ? ERR_reason_error_string(code) : nullptr;
    std::string text{words ? std::string_view{words} : otherwise};
    if (ERR_SYSTEM_ERROR(code)) text = std::error_code(ERR_GET_REASON(code), std::generic_category()).message();
    ERR_clear_error();
    return text;
}

std::string certificate_problem(const X509* certificate, int problem, std::string_view verified) {
    switch (problem) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: {
            std::string text = "the certificate is not for " + printable(verified, name_shown);
            if (std::string names = certificate ? names_of(certificate) : std::string{}; !names.empty()) text += ", but for " + names;
            return text;
        }
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: {
            std::string text = "the certificate's issuer is unknown";
            if (std::string name = certificate ? common_name(X509_get_issuer_name(certificate)) : std::string{}; !name.empty()) text += " (" + name + ")";
            return text + ": " + X509_verify_cert_error_string(problem);
        }
        case X509_V_ERR_CERT_HAS_EXPIRED: return "the certificate has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID: return "the certificate is not yet valid";
        default: return std::string{"the certificate was not accepted: "} + X509_verify_cert_error_string(problem);
    }
}

std::exception_ptr handshake_failure(std::string_view subject, std::string_view refusal, std::string_view first_bytes) {
    const int reason = ERR_GET_REASON(ERR_peek_error());
    std::string begin = about(subject);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        ERR_clear_error();
        return std::make_exception_ptr(tls::certificate_error(begin.append(refusal.empty() ? "the certificate was not accepted" : refusal)));
    }
    std::string text;
    if (!first_bytes.empty() && (first_bytes[0] < 0x14 || first_bytes[0] > 0x18)) {  // no kind of TLS record
        text = first_bytes.starts_with("HTTP/") ? "the peer answers in plain HTTP, not in TLS" : "the peer does not speak TLS";
        ERR_clear_error();
    } else if (reason >= alert_offset && reason < alert_offset + 256) {
        text = "the peer refused the handshake: " + alert_text(reason);
        ERR_clear_error();
    } else {
        text = "the handshake failed: " + openssl_reason("no reason given");
    }
    return std::make_exception_ptr(tls::handshake_error(begin + text));
}

std::exception_ptr handshake_broken_off(std::string_view subject, const std::exception_ptr& why) {
    std::string text = about(subject);
    text += why ? "the connection broke during the handshake: " + describe(why) : "the peer closed the connection during the handshake";
    return std::make_exception_ptr(tls::handshake_error(text));
}

std::exception_ptr stream_failure(std::string_view subject, std::string_view doing) {
    const int reason = ERR_GET_REASON(ERR_peek_error());
    std::string text = about(subject).append(doing).append(": ");
    if (reason >= alert_offset && reason < alert_offset + 256) {
        ERR_clear_error();
        return std::make_exception_ptr(tls::error(text + "the peer broke the connection off: " + alert_text(reason)));
    }
    return std::make_exception_ptr(tls::error(text + openssl_reason("the connection can no longer be used")));
}

std::exception_ptr stream_truncated(std::string_view subject) {
    return std::make_exception_ptr(tls::truncated_error(about(subject) + "the connection ended without close_notify; something may be missing"));
}

}  // namespace leat::detail
