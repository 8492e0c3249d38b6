#pragma once
#include <string>

namespace leat::debug {

/// The counters of every loop of the process in Prometheus' text format (version 0.0.4), to be served as `text/plain`:
/// tasks (started, alive), resumptions, operations by what they wait for, bytes received and sent by streams, turns, the time that a turn kept
/// ready tasks from the kernel (a histogram; every sixteenth turn is measured), and how often `run_options::slow_callback` was exceeded.
/// Each has the label `loop`. A loop that has ended is no longer listed.
/// Threads: any. Never waits; allocates the text. The counting itself is a few plain additions an operation.
std::string metrics();

}  // namespace leat::debug
