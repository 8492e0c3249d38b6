#pragma once
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fault/points.hpp"
#include "leat/task/task.hpp"

/// Reruns a scenario until each of its points has failed once. Afterwards it has succeeded with the right bytes, or said what failed; nothing
/// hangs, no descriptor and no child stays, and a server goes on.
///
/// LEAT_FAULT_ONLY="12.1" runs that point and way alone; LEAT_FAULT_SHOW=1 prints what came of each; LEAT_FAULT_TRACE=1 prints where
/// the allocation that fails is made; LEAT_FAULT_COUNT=1 prints how many points have failed. The pools of small objects are off under
/// AddressSanitizer: only there every frame is an allocation.
namespace leat::testing {

/// What a scenario reports beside what it throws: failures that somebody in it was told about.
using reports = std::vector<std::string>;
/// One that needs a loop of its own, and one that runs its own loops.
using scenario = std::function<task<>(reports&)>;
using program = std::function<void(reports&)>;

struct wrong : std::logic_error {
    using std::logic_error::logic_error;
};

inline void demand(bool holds, const char* what) {
    if (!holds) throw wrong(what);
}

/// Awaits a part whose failure does not end the scenario.
task<> part(task<> tried, reports& said);

/// One that has to succeed if what was to fail has failed before it began.
task<> undisturbed_part(task<> tried, reports& said, const char* what);

struct expectations {
    /// An error's text has one of these words in it, which the scenario's calls are named by. None: any will do.
    std::vector<std::string_view> words = {};
    /// Pipes are counted among the descriptors that must not stay. A thread that splices keeps some for the next time.
    bool counts_pipes = false;
};

void every_call_fails_once(const scenario& what, const expectations& expected = {});
/// Each run in a process of its own: what would end it is told about.
void every_allocation_fails_once(const scenario& what, const expectations& expected = {});
void every_allocation_of_a_program_fails_once(const program& what);

}  // namespace leat::testing
