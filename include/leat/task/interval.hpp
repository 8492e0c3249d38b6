#pragma once
#include <cstdint>

#include "leat/task/sleep.hpp"

namespace leat {

/// What becomes of ticks that nobody was there to take.
enum class missed_ticks : std::uint8_t {
    burst,  ///< they come at once, one after the other, until the count is right again
    skip,   ///< they are left out: the next is the next that is due
    delay,  ///< the period begins anew from the late one
};

/// A clock that ticks at a fixed rate, whatever the work in between takes: `leat::interval every{1s}; for (;;) { co_await every.next(); … }`.
/// A loop of `sleep` instead would drift by the length of the work. Threads: the loop's own. Source: tokio's interval; asyncio has none.
class interval {
public:
    /// @param period at least 1 ns; shorter is std::invalid_argument. The first tick is due one period from now.
    explicit interval(duration period, missed_ticks missed = missed_ticks::skip);

    /// Completes when: the next tick is due; a due one still lets every other ready task run first. Errors: none.
    /// Cancellation: at once; the tick is gone, the next `next()` waits for the one after it. Allocates: never.
    detail::sleep_awaiter next() noexcept;

    /// The tick that the last next() waited for, or the begin of the first period.
    time_point last() const noexcept { return last_; }
    duration period() const noexcept { return period_; }  ///< between two ticks

private:
    duration period_;
    time_point last_;
    missed_ticks missed_;
};

}  // namespace leat
