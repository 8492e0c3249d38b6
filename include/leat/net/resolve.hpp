#pragma once
#include <vector>

#include "leat/net/address.hpp"
#include "leat/net/connection.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// The addresses of a host, each with the endpoint's port, in the order in which to try them (RFC 6724).
/// Completes when: the names are known: at once for a numeric address, else from /etc/hosts or DNS by c-ares, which never blocks the loop.
/// Errors: `name_error` "resolve HOST: …". Limits: c-ares' own time-outs (/etc/resolv.conf: options timeout, attempts).
/// Cancellation: at once; may be called again. Threads: the loop's own. Allocates: the question and the list. Source: asyncio loop.getaddrinfo.
task<std::vector<address>> resolve(endpoint host);

}  // namespace leat
