#pragma once
#include <memory>
#include <string>

#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"
#include "tls/settings.hpp"

namespace leat::detail {

class tcp_stream;

/// Makes a connected stream a client's secured one. `to`: whom it was connected to, for errors and sessions; `host`: the name to ask for and to verify.
/// The handshake's time-out is among the settings.
/// Errors: tls::handshake_error and its kin, timeout_error. The stream is then of no more use: whoever holds it closes or drops it, which sends an alert if
/// there is one, or aborts it. Cancellation: the same.
task<> secure_client(tcp_stream& stream, std::shared_ptr<tls_context> context, tls_client_settings settings, std::string to, std::string host);

/// The same as a server. What the stream has received is taken for the beginning of the handshake.
task<> secure_server(tcp_stream& stream, std::shared_ptr<tls_settings> settings);

/// For a connection that a server has accepted: as secure_server, but what fails is logged with the peer, and the connection ended.
/// @return may it be given to its handler?
enum class handshake_outcome { agreed, failed };
task<handshake_outcome> secure_accepted(tcp_stream& stream, std::shared_ptr<tls_settings> settings);

/// Throws tls::error if the context is not of that kind.
void check_is_server(const tls::context& context);
void check_is_client(const tls::context& context);

}  // namespace leat::detail
