#pragma once
#include "leat/net/connection.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

class tcp_stream;

/// A connected stream with neither reader nor writer yet: the caller gives it both, or drops both. Of the options the time-out and the limit are
/// the caller's to apply.
task<tcp_stream*> open_tcp(endpoint to, connect_options options = {});

}  // namespace leat::detail
