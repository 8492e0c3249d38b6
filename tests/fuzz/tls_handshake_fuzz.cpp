// Bytes from a stranger to the TLS of a server or a client, in pieces of several sizes, without a socket. Nothing may be taken for a finished
// handshake, and no error may hold what cannot be printed.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "leat/task/run.hpp"
#include "net/tcp_stream.hpp"
#include "tls/tls_layer.hpp"

using namespace leat;
using namespace leat::detail;

namespace {

/// A key and a certificate of its own, in one file.
std::string make_certificate() {
    std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>> key{EVP_EC_gen("P-256")};
    std::unique_ptr<X509, openssl_free<X509_free>> certificate{X509_new()};
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 100'000);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("www.example.org"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    std::string path = "/tmp/leat-fuzz-XXXXXX";
    std::FILE* file = ::fdopen(::mkstemp(path.data()), "w");
    PEM_write_X509(file, certificate.get());
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    return path;
}

/// The same certificate three times, so that names are looked for; all that a server may ask for.
std::shared_ptr<tls_context> server_context() {
    static const std::shared_ptr<tls_context> made = [] {
        const std::string path = make_certificate();
        tls_server_files files;
        files.certificates = {{path, path}, {path, path}, {path, path}};
        files.clients = tls::client_certificates::required;
        files.client_ca_file = path;
        files.alpn = alpn_wire({"h2", "http/1.1"});
        auto context = std::make_shared<tls_context>(files);
        std::remove(path.c_str());
        return context;
    }();
    return made;
}

std::shared_ptr<tls_context> client_context() {
    static const std::shared_ptr<tls_context> made = std::make_shared<tls_context>(tls_trust{});
    return made;
}

task<> talk(bool as_server, const char* data, std::size_t size, std::size_t piece) {
    tls_identity identity;
    identity.context = as_server ? server_context() : client_context();
    identity.subject = "fuzz";
    ssl_pointer ssl{SSL_new(identity.context->get())};
    if (as_server)
        SSL_set_accept_state(ssl.get());
    else
        SSL_set_connect_state(ssl.get());
    auto* stream = new tcp_stream(-1, address{});
    auto layer = std::make_unique<tls_layer>(*stream, std::move(ssl), std::move(identity));
    tls_layer& added = *layer;
    stream->add_layer(std::move(layer));
    for (std::size_t at = 0; at < size; at += piece) {
        // From memory of exactly that size, so that nothing beyond it is read unnoticed.
        const std::string part{data + at, std::min(piece, size - at)};
        added.take_bytes(part.data(), part.size());
    }
    if (added.established()) std::abort();
    added.receive_ended(nullptr);
    if (!stream->input_at_end || !stream->input_error || !stream->input.empty()) std::abort();
    for (unsigned char c : leat::describe(stream->input_error))
        if (c < 0x20 || c == 0x7F) std::abort();
    stream->reader_dropped();
    stream->writer_dropped();
    co_return;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ::setenv("LEAT_ENGINE", "epoll", 1);
    ::setenv("LEAT_LOG", "error", 1);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t piece = data[1] == 0 ? size : data[1];
    run_until_complete(talk((data[0] & 1u) != 0, reinterpret_cast<const char*>(data) + 2, size - 2, piece));
    return 0;
}
