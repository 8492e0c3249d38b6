#pragma once
#include <cstdint>

namespace leat::detail {

constexpr std::uint64_t bit_of(int signal) noexcept { return std::uint64_t{1} << signal; }

/// From now on the signal only sets its bit and wakes the loop that looks. Counts: the former action comes back with the last give_signal.
/// Throws leat::error for one that cannot be caught, std::logic_error while no loop looks.
void take_signal(int signal);
void give_signal(int signal) noexcept;

/// One loop at a time looks after the process's signals: the outermost that asked. False if there is one.
bool begin_looking(int wake_descriptor) noexcept;
void end_looking() noexcept;
/// What has come since the last call, a bit each.
std::uint64_t signals_come() noexcept;

}  // namespace leat::detail
