#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

/// Real peers for the TLS tests: certificates made by the openssl program, servers run by it and by Python.
namespace leat::tls_test {

/// A throwaway authority and what it signed, made once per process in a folder of its own. PEM files; the key is shared.
struct certificates {
    static const certificates& instance();
    ~certificates();
    certificates(const certificates&) = delete;

    std::string authority;  // the root
    std::string key;        // of all the servers' certificates
    std::string good;       // localhost, 127.0.0.1, ::1
    std::string expired;    // the same, until yesterday
    std::string elsewhere;  // elsewhere.example alone
    std::string stranger;   // signed by itself, for localhost
    std::string wildcard;   // *.example.org, and the very name exact.example.org
    std::string exact;      // www.example.org alone
    std::string renewed;    // as good, with another serial number
    std::string alice;      // a client's: CN=alice, alice@example.org
    std::string mallory;    // the same, but for a tab in its name, and signed by an authority that nobody knows
    std::string revoked;    // a client's that the list names
    std::string revocations;
    std::string other_key;  // of none of them
    std::string locked_key; // the key, encrypted with a password
    std::string both;       // `good` and its key in one file

    /// A file of this name that is the test's own to write.
    std::string path(const std::string& name) const { return folder_ + "/" + name; }

private:
    certificates();
    std::string folder_;
};

/// A program that serves on a port of its own, whose number is in the first line it writes. Ended by its destructor.
class peer {
public:
    explicit peer(const std::vector<std::string>& command);
    ~peer();
    peer(const peer&) = delete;

    /// `openssl s_server` with a status page.
    static peer openssl(const std::string& certificate, const std::vector<std::string>& more = {});
    /// One of the servers of tls_support.cpp: echo, truncate, http, silent, watch.
    static peer python(const std::string& what, const std::string& certificate, const std::string& host = "127.0.0.1");

    std::uint16_t port() const noexcept { return port_; }
    /// The next line it writes, without the end.
    std::string line();

private:
    pid_t pid_ = -1;
    int output_ = -1;
    std::uint16_t port_ = 0;
};

/// Bytes that are the same in each run and do not repeat soon.
std::string noise(std::size_t size);

}  // namespace leat::tls_test
