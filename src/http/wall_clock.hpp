#pragma once
#include <chrono>
#include <cstdint>

namespace leat::detail {

/// Seconds since 1970: what cookies and their kin are dated by. The loop's clock does not know the date.
inline std::int64_t seconds_since_1970() noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())  // check-idioms: allow clock, a date
        .count();
}

/// The same in nanoseconds, as file systems date files.
inline std::int64_t nanoseconds_since_1970() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())  // check-idioms: allow clock, a date
        .count();
}

}  // namespace leat::detail
