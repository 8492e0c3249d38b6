#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "leat/net/connection.hpp"
#include "leat/tls/context.hpp"
#include "tls/context.hpp"

namespace leat::detail {

/// leat::tls::client_options with memory of its own: what a client of many connections keeps.
struct tls_client_settings {
    tls_client_settings() = default;
    explicit tls_client_settings(const tls::client_options& options);
    void connect_by(connect_options options) noexcept {
        connecting = options;
        connecting.tls = nullptr;
        connecting.server_name = {};
    }
    tls_trust trust() const { return {ca_file, crl_file, certificate, key, insecure}; }

    std::string ca_file;
    std::string server_name;
    std::vector<std::string> alpn;
    connect_options connecting{.timeout = duration::zero()};  // for the name and the TCP connection; without what points elsewhere
    duration handshake_timeout = std::chrono::seconds{30};
    tls::version minimum = tls::version::tls_1_2;
    bool insecure = false;
    bool allow_truncation = false;
    std::string certificate;
    std::string key;
    std::string crl_file;
};

/// What a leat::tls::context is: how to make OpenSSL's contexts, and those that were made last.
class tls_settings {
public:
    explicit tls_settings(const tls::client_options& options) : client_(options) {}
    explicit tls_settings(const tls::server_options& options);

    bool is_server() const noexcept { return server_ != nullptr; }
    const tls_client_settings& client() const noexcept { return client_; }
    const tls_server_files& server() const noexcept { return *server_; }
    /// What new connections use.
    std::shared_ptr<tls_context> current() const;

    /// Reads the files, in a thread of the pool, and uses what was in them.
    static task<> load(std::shared_ptr<tls_settings> settings);
    static task<tls::context> loaded(std::shared_ptr<tls_settings> settings);

private:
    /// Wherever several loads overlap, the one that began last has the last word.
    void use(std::shared_ptr<tls_context> loaded, std::uint64_t load);

    tls_client_settings client_;
    std::unique_ptr<const tls_server_files> server_;
    mutable std::mutex mutex_;
    std::shared_ptr<tls_context> current_;
    std::uint64_t begun_ = 0;
    std::uint64_t used_ = 0;
};

}  // namespace leat::detail
