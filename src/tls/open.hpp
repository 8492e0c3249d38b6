#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"
#include "leat/tls/options.hpp"
#include "tls/settings.hpp"

namespace leat::detail {

class tcp_stream;

/// A stream that is connected and secured, with neither reader nor writer yet: the caller gives it both, or drops both (as open_tcp).
/// Errors: leat::error and name_error for the connection, tls::error and its kin for the handshake (leat/tls/error.hpp), timeout_error after one of the time-outs.
/// On failure and when cancelled nothing stays open. Whoever awaits it through a combinator wraps it in a task that owns the stream.
task<tcp_stream*> open_tls(endpoint to, const tls_client_settings& settings);
/// The same with a context that was read before; its files are not looked at.
task<tcp_stream*> open_tls(endpoint to, tls_client_settings settings, std::shared_ptr<tls_context> context);

/// The protocol agreed on by ALPN; empty if there is none, or no TLS. Valid as long as the stream.
std::string_view negotiated_protocol(const tcp_stream& stream) noexcept;

}  // namespace leat::detail
