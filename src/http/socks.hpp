#pragma once
#include <string>

#include "leat/net/address.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

class tcp_stream;

/// What a SOCKS proxy said to one address; 0: connected.
struct socks_reply {
    unsigned code = 0;
    /// The host could not be reached there: another address may do.
    bool may_try_another() const noexcept { return code == 3 || code == 4 || code == 5 || code == 6 || code == 8; }
};
/// "host unreachable"
std::string socks_reason(unsigned code);

/// Asks for a connection to `to`, by `numeric` if that is not empty, else by name (RFC 1928, RFC 1929). Reads not one byte too many.
/// Errors: leat::error; http::connect_error "proxy NAME: …" for a refusal of the credentials, and for what is no SOCKS5.
task<socks_reply> socks_connect(tcp_stream& stream, std::string proxy, endpoint to, address numeric, std::string user, std::string password);

}  // namespace leat::detail
