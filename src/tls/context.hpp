#pragma once
#include <memory>
#include <string>
#include <vector>

#include "leat/task/task.hpp"
#include "tls/openssl.hpp"

namespace leat::detail {

/// Whom a client believes.
struct tls_trust {
    std::string ca_file;  // empty: the system's store
    bool insecure = false;
    friend bool operator==(const tls_trust&, const tls_trust&) = default;
};

/// What the connections of one loop with the same trust share: OpenSSL's context with the trust store, and sessions to resume.
class tls_context {
public:
    /// Reads files, so it is not for the loop's thread. Throws tls::error.
    explicit tls_context(const tls_trust& trust);

    SSL_CTX* get() const noexcept { return context_.get(); }
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
    host_sessions* find(const std::string& host) noexcept;

    ssl_context_pointer context_;
    std::vector<host_sessions> hosts_;  // the one used last is last
};

/// This thread's context for this trust; made by a thread of the pool if it is the first.
task<std::shared_ptr<tls_context>> shared_tls_context(tls_trust trust);

}  // namespace leat::detail
