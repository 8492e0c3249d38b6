#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "leat/task/task.hpp"
#include "leat/tls/options.hpp"
#include "tls/certificate.hpp"
#include "tls/openssl.hpp"

namespace leat::detail {

/// Whom a client believes, and as whom it comes.
struct tls_trust {
    std::string ca_file;  // empty: the system's store
    std::string crl_file = {};
    std::string certificate = {};
    std::string key = {};
    bool insecure = false;
    friend bool operator==(const tls_trust&, const tls_trust&) = default;
};

/// leat::tls::server_options with memory of its own.
struct tls_server_files {
    struct pair {
        std::string chain;
        std::string key;
    };
    std::vector<pair> certificates;
    std::string client_ca_file;
    std::string crl_file;
    std::string alpn;  // as it is on the wire
    tls::client_certificates clients = tls::client_certificates::none;
    tls::version minimum = tls::version::tls_1_2;
    duration handshake_timeout{0};
    bool session_tickets = true;
    bool allow_truncation = false;
};

/// The names of protocols as ALPN sends them. Throws tls::error.
std::string alpn_wire(const std::vector<std::string>& protocols);

/// What connections of the same kind share: OpenSSL's contexts with certificates and trust store, and, for clients, sessions to resume.
/// Any thread may use it.
class tls_context {
public:
    // Both read files, so they are not for the loop's thread. They throw tls::error.
    explicit tls_context(const tls_trust& trust);
    explicit tls_context(const tls_server_files& files);
    tls_context(const tls_context&) = delete;

    /// What an SSL is made of; a server's changes to the one for the name that is asked for during the handshake.
    SSL_CTX* get() const noexcept { return served_.front().context.get(); }
    /// A session to resume with this host; null if there is none. Of TLS 1.3 each is used once.
    ssl_session_pointer take_session(const std::string& host);
    void keep_session(const std::string& host, ssl_session_pointer session);
    /// Whoever owns an SSL is told by it of what the context's callbacks learn.
    struct observer {
        virtual void new_session(ssl_session_pointer session) noexcept = 0;
        /// The peer's certificate will not be accepted. OpenSSL keeps it no longer than this call.
        virtual void certificate_refused(const X509* certificate, int problem) noexcept = 0;

    protected:
        ~observer() = default;
    };
    static void observe(SSL* ssl, observer* by) noexcept;

private:
    struct host_sessions {
        std::string host;
        std::vector<ssl_session_pointer> sessions;
    };
    struct served {
        ssl_context_pointer context;
        std::vector<std::string> names;
    };
    host_sessions* find(const std::string& host) noexcept;
    SSL_CTX* for_name(std::string_view asked) const noexcept;
    static int on_server_name(SSL* ssl, int* alert, void* self) noexcept;
    static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered, unsigned offered_size,
                       void* self) noexcept;

    std::vector<served> served_;
    std::string alpn_;
    std::mutex mutex_;
    std::vector<host_sessions> hosts_;  // the one used last is last
};

/// This thread's context for this trust; made by a thread of the pool if it is the first.
task<std::shared_ptr<tls_context>> shared_tls_context(tls_trust trust);

}  // namespace leat::detail
