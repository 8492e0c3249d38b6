#pragma once
// Durations and their literals only. libstdc++ keeps them in a part of its own; all of <chrono> (calendars, time zones, formatting)
// would cost each user's source file a third of a second.
#if __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif

namespace leat {

/// What every time-out and delay is given as; any std::chrono duration converts.
using duration = std::chrono::nanoseconds;

/// A point in time on the loop's clock, which never jumps.
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

}  // namespace leat
