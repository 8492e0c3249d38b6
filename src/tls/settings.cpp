#include "tls/settings.hpp"

#include <utility>

#include "leat/task/to_thread.hpp"

namespace leat::detail {
namespace {

std::shared_ptr<tls_context> read_files(const std::shared_ptr<tls_settings>& settings) {
    if (settings->is_server()) return std::make_shared<tls_context>(settings->server());
    return std::make_shared<tls_context>(settings->client().trust());
}

}  // namespace

tls_client_settings::tls_client_settings(const tls::client_options& options)
    : ca_file(options.ca_file),
      server_name(options.server_name),
      alpn(options.alpn.begin(), options.alpn.end()),
      handshake_timeout(options.handshake_timeout),
      minimum(options.minimum),
      insecure(options.insecure),
      allow_truncation(options.allow_truncation),
      certificate(options.certificate),
      key(options.key),
      crl_file(options.crl_file) {}

tls_settings::tls_settings(const tls::server_options& options) {
    auto files = std::make_unique<tls_server_files>();
    const auto add = [&](std::string_view chain, std::string_view key) {
        files->certificates.push_back({std::string{chain}, std::string{key.empty() ? chain : key}});
    };
    if (!options.certificate.empty()) add(options.certificate, options.key);
    for (const tls::certificate_files& each : options.certificates) add(each.chain, each.key);
    files->clients = options.client_certificates;
    files->client_ca_file = options.client_ca_file;
    files->crl_file = options.crl_file;
    files->alpn = alpn_wire({options.alpn.begin(), options.alpn.end()});
    files->minimum = options.minimum;
    files->session_tickets = options.session_tickets;
    files->handshake_timeout = options.handshake_timeout;
    files->allow_truncation = options.allow_truncation;
    server_ = std::move(files);
}

std::shared_ptr<tls_context> tls_settings::current() const {
    const std::lock_guard lock{mutex_};
    return current_;
}

void tls_settings::use(std::shared_ptr<tls_context> loaded, std::uint64_t load) {
    const std::lock_guard lock{mutex_};
    if (load < used_) return;
    used_ = load;
    current_.swap(loaded);
}

task<> tls_settings::load(std::shared_ptr<tls_settings> settings) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock{settings->mutex_};
        number = ++settings->begun_;
    }
    auto read = co_await to_thread(&read_files, settings);
    settings->use(std::move(read), number);
}

task<tls::context> tls_settings::loaded(std::shared_ptr<tls_settings> settings) {
    co_await load(settings);
    co_return tls::context{std::move(settings)};
}

}  // namespace leat::detail

namespace leat::tls {

task<context> context::client(const client_options& options) {
    return detail::tls_settings::loaded(std::make_shared<detail::tls_settings>(options));
}

task<context> context::server(const server_options& options) {
    return detail::tls_settings::loaded(std::make_shared<detail::tls_settings>(options));
}

task<> context::reload() const { return detail::tls_settings::load(settings_); }

bool context::is_server() const noexcept { return settings_->is_server(); }

}  // namespace leat::tls
