#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"
#include "leat/tls/options.hpp"

namespace leat::detail {

class tcp_stream;

/// leat::tls::client_options with memory of its own: what a client of many connections keeps.
struct tls_client_settings {
    tls_client_settings() = default;
    explicit tls_client_settings(const tls::client_options& options);

    std::string ca_file;
    std::string server_name;
    std::vector<std::string> alpn;
    duration connect_timeout{0};  // for the name and the TCP connection; zero: none
    duration handshake_timeout = std::chrono::seconds{30};
    tls::version minimum = tls::version::tls_1_2;
    bool insecure = false;
    bool allow_truncation = false;
};

/// A stream that is connected and secured, with neither reader nor writer yet: the caller gives it both, or drops both (as open_tcp).
/// Errors: leat::error and name_error for the connection, tls::error and its kin for the handshake (leat/tls/error.hpp), timeout_error after one of the time-outs.
/// On failure and when cancelled nothing stays open. Whoever awaits it through a combinator wraps it in a task that owns the stream.
task<tcp_stream*> open_tls(endpoint to, const tls_client_settings& settings);

/// The protocol agreed on by ALPN; empty if there is none, or no TLS. Valid as long as the stream.
std::string_view negotiated_protocol(const tcp_stream& stream) noexcept;

}  // namespace leat::detail
