#pragma once
#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

class tcp_stream;

/// A connected stream with neither reader nor writer yet: the caller gives it both, or drops both.
task<tcp_stream*> open_tcp(endpoint to);

}  // namespace leat::detail
