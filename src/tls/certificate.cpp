#include "tls/certificate.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "leat/log/printable.hpp"
#include "leat/net/address.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t names_in_a_text = 3;
constexpr std::size_t most_names = 100;
constexpr std::size_t longest_name = 80;      // bytes of one that is shown
constexpr std::size_t longest_subject = 300;  // the same of a whole subject

using names_pointer = std::unique_ptr<GENERAL_NAMES, openssl_free<GENERAL_NAMES_free>>;

names_pointer names_in(const X509* certificate) {
    names_pointer names{static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
    ERR_clear_error();  // a broken extension is as good as none
    return names;
}

std::string_view bytes_of(const ASN1_STRING* value) noexcept {
    if (!value || ASN1_STRING_length(value) <= 0) return {};
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)), static_cast<std::size_t>(ASN1_STRING_length(value))};  // check-idioms: allow cast, OpenSSL's bytes
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool may_name_a_host(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '*';
    });
}

std::string address_text(std::string_view raw) {
    std::array<std::uint8_t, 16> bytes{};
    if (raw.size() != 4 && raw.size() != 16) return {};
    std::transform(raw.begin(), raw.end(), bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    return address{raw.size() == 4 ? address::family::ipv4 : address::family::ipv6, bytes, 0}.host();
}

/// Empty for a kind of name that is not shown.
std::string text_of(const GENERAL_NAME* name) {
    switch (name->type) {
        case GEN_DNS: return printable(bytes_of(name->d.dNSName), longest_name);
        case GEN_EMAIL: return printable(bytes_of(name->d.rfc822Name), longest_name);
        case GEN_URI: return printable(bytes_of(name->d.uniformResourceIdentifier), longest_name);
        case GEN_IPADD: return address_text(bytes_of(name->d.iPAddress));
        default: return {};
    }
}

/// The last common name of a subject, as its bytes; what is counted as one by those who verify.
std::string_view raw_common_name(const X509_NAME* of) noexcept {
    int index = -1;
    for (int next = -1; of && (next = X509_NAME_get_index_by_NID(of, NID_commonName, next)) >= 0;) index = next;
    return index < 0 ? std::string_view{} : bytes_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(of, index)));
}

}  // namespace

std::string comparable_name(std::string_view asked) {
    std::string name{asked};
    if (name.size() > 1 && name.ends_with('.')) name.pop_back();
    std::transform(name.begin(), name.end(), name.begin(), lower);
    return name;
}

std::vector<std::string> host_names(const X509* certificate) {
    std::vector<std::string> found;
    const auto add = [&](std::string_view raw) {
        std::string name = comparable_name(raw);
        if (may_name_a_host(name)) found.push_back(std::move(name));
    };
    bool any = false;
    const names_pointer names = names_in(certificate);
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_DNS) continue;
        any = true;
        add(bytes_of(name->d.dNSName));
    }
    if (!any) add(raw_common_name(X509_get_subject_name(certificate)));
    return found;
}

name_match match_name(std::string_view pattern, std::string_view asked) noexcept {
    if (pattern == asked) return name_match::exact;
    // A star stands for one whole label, the first, and never for the one before a top-level domain's.
    if (!pattern.starts_with("*.") || pattern.find('.', 2) == std::string_view::npos) return name_match::none;
    const std::size_t dot = asked.find('.');
    return dot != std::string_view::npos && dot > 0 && asked.substr(dot) == pattern.substr(1) ? name_match::wildcard : name_match::none;
}

std::string common_name(const X509_NAME* of) { return printable(raw_common_name(of), longest_name); }

std::string subject_of(const X509* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    if (!subject || X509_NAME_entry_count(subject) == 0) return {};
    std::unique_ptr<BIO, openssl_free<BIO_free_all>> text{BIO_new(BIO_s_mem())};
    if (!text) throw std::bad_alloc();
    // UTF-8 as it is; the rest of what is unsafe is replaced by printable().
    X509_NAME_print_ex(text.get(), subject, 0, (XN_FLAG_RFC2253 | ASN1_STRFLGS_UTF8_CONVERT) & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    ERR_clear_error();
    char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    return size <= 0 ? std::string{} : printable({data, static_cast<std::size_t>(size)}, longest_subject);
}

std::vector<std::string> alternative_names(const X509* certificate) {
    std::vector<std::string> found;
    const names_pointer names = names_in(certificate);
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()) && found.size() < most_names; ++i)
        if (std::string text = text_of(sk_GENERAL_NAME_value(names.get(), i)); !text.empty()) found.push_back(std::move(text));
    return found;
}

std::string names_in_brief(const X509* certificate) {
    std::vector<std::string> names = alternative_names(certificate);
    if (names.empty())
        if (std::string name = common_name(X509_get_subject_name(certificate)); !name.empty()) names.push_back(std::move(name));
    std::string list;
    for (std::size_t i = 0; i < std::min(names.size(), names_in_a_text); ++i) list += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > names_in_a_text) list += " and " + std::to_string(names.size() - names_in_a_text) + " more";
    return list;
}

std::string fingerprint_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
        ERR_clear_error();
        return {};
    }
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += digits[digest[i] >> 4];
        text += digits[digest[i] & 15u];
    }
    return text;
}

}  // namespace leat::detail
