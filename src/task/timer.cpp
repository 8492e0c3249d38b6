#include <algorithm>

#include "leat/task/sleep.hpp"
#include "task/loop.hpp"

namespace leat {
namespace detail {
namespace {

/// From now on; the longest delays mean never.
time_point after(duration delay) noexcept {
    const time_point here = clock_now();
    return delay > time_point::max() - here ? time_point::max() : here + std::max(delay, duration::zero());
}

}  // namespace

void timer::arm(duration delay) { arm_at(after(delay)); }
void timer::arm_at(time_point when) { loop::current_or_null()->timers().insert(*this, when); }
void timer::disarm() noexcept {
    if (armed()) loop::current_or_null()->timers().remove(*this);
}

bool sleep_awaiter::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    // No delay is no timer: the strand goes to the end of the queue, after everything that is ready.
    if (until_ == time_point{})
        wake();
    else
        arm_at(until_);
    return true;
}

void sleep_awaiter::cancel() noexcept {
    disarm();
    wake_cancelled();
}

}  // namespace detail

detail::sleep_awaiter sleep(duration delay) noexcept {
    return detail::sleep_awaiter{delay <= duration::zero() ? time_point{} : detail::after(delay)};
}
detail::sleep_awaiter sleep_until(time_point when) noexcept { return detail::sleep_awaiter{when}; }
detail::sleep_awaiter yield() noexcept { return detail::sleep_awaiter{time_point{}}; }
time_point now() noexcept { return detail::clock_now(); }

}  // namespace leat
