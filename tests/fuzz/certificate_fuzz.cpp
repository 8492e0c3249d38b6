// A certificate, in PEM or DER form, to everything that reads one: the choice by name, and what is said of a peer's.
#include <openssl/pem.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tls/certificate.hpp"
#include "tls/failure.hpp"

using namespace leat::detail;

namespace {

void check_is_printable(std::string_view text, std::size_t longest) {
    if (text.size() > longest) std::abort();
    for (unsigned char c : text)
        if (c < 0x20 || c == 0x7F) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::unique_ptr<X509, openssl_free<X509_free>> certificate;
    const std::uint8_t* at = data;
    certificate.reset(d2i_X509(nullptr, &at, static_cast<long>(size)));
    if (!certificate) {
        std::unique_ptr<BIO, openssl_free<BIO_free_all>> text{BIO_new_mem_buf(data, static_cast<int>(size))};
        certificate.reset(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    }
    ERR_clear_error();
    if (!certificate) return 0;
    for (const std::string& name : host_names(certificate.get())) {
        check_is_printable(name, 255);
        if (match_name(name, name) != name_match::exact) std::abort();
        if (match_name(name, "www.example.org") == name_match::wildcard && name != "*.example.org") std::abort();
    }
    check_is_printable(subject_of(certificate.get()), 1000);
    for (const std::string& name : alternative_names(certificate.get())) check_is_printable(name, 300);
    check_is_printable(names_in_brief(certificate.get()), 1000);
    if (fingerprint_of(certificate.get()).size() != 64) std::abort();
    for (int problem = 0; problem < 80; ++problem)
        for (bool of_client : {false, true}) check_is_printable(certificate_problem(certificate.get(), problem, "www.example.org", of_client), 2000);
    if (ERR_peek_error() != 0) std::abort();  // it would be taken for the reason of a later failure
    return 0;
}
