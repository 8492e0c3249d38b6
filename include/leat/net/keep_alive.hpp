#pragma once
#include "leat/io/duration.hpp"

namespace leat {

/// Probes on a connection that says nothing (SO_KEEPALIVE), so that a peer which has vanished is noticed: `{.idle = 60s}`. In whole seconds.
struct keep_alive {
    /// Of silence, before the first probe. Zero: no probes.
    duration idle{};
    /// Between two probes.
    duration interval = std::chrono::seconds{15};
    /// Unanswered probes after which the connection is broken ("Connection timed out").
    int count = 4;
};

}  // namespace leat
