#pragma once
#include <memory>

#include "leat/task/task.hpp"
#include "leat/tls/error.hpp"
#include "leat/tls/options.hpp"

namespace leat {

namespace detail {
class tls_settings;
}

namespace tls {

/// Certificates, keys and whom to trust, read once for many connections: what Python calls an SSLContext.
///
///     auto context = co_await leat::tls::context::server({.certificate = "chain.pem", .key = "key.pem"});
///     auto server = co_await leat::start_server(handle_client, {"", 8443}, {.tls = &context});
///
/// A handle: copies are the same context, and whatever was started with it keeps it alive. Sessions that may be resumed are kept in it.
/// Threads: may be used on several loops at once.
class context {
public:
    /// Reads what a client needs.
    /// Completes when: the files were read, in a thread of the pool. Errors: `tls::error` that names the file and what is wrong with it.
    /// Cancellation: as `to_thread`. Source: ssl.create_default_context().
    static task<context> client(const client_options& options = {});
    /// Reads what a server needs: at least one certificate.
    /// Completes when: the files were read, in a thread of the pool. Errors: `tls::error` that names the file and what is wrong with it: missing, no PEM, a
    /// key that does not match, a key with a password. Cancellation: as `to_thread`. Source: ssl.SSLContext.load_cert_chain().
    static task<context> server(const server_options& options);

    /// Reads all the files again. Connections that begin from then on use what is in them; open ones go on as they are. A session that began before
    /// is not resumed.
    /// Completes when: the new files are in use. Errors: as when it was made; the old ones then stay in use.
    /// Cancellation: as `to_thread`; either all is new or nothing.
    task<> reload() const;

    /// Is it a server's?
    bool is_server() const noexcept;

    /// For leat's own layers.
    const std::shared_ptr<detail::tls_settings>& settings() const noexcept { return settings_; }

private:
    explicit context(std::shared_ptr<detail::tls_settings> settings) noexcept : settings_(std::move(settings)) {}
    friend class detail::tls_settings;
    std::shared_ptr<detail::tls_settings> settings_;
};

}  // namespace tls
}  // namespace leat
