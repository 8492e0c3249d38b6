#include "leat/task/sleep.hpp"
#include "task/loop.hpp"

namespace leat {
namespace detail {

void timer::arm(duration delay) noexcept { arm_at(clock_now() + delay); }
void timer::arm_at(time_point when) noexcept { loop::current_or_null()->timers().insert(*this, when); }
void timer::disarm() noexcept {
    if (armed()) loop::current_or_null()->timers().remove(*this);
}

bool sleep_awaiter::start(promise_base& frame, std::source_location at) noexcept {
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
    return detail::sleep_awaiter{delay <= duration::zero() ? time_point{} : detail::clock_now() + delay};
}
detail::sleep_awaiter sleep_until(time_point when) noexcept { return detail::sleep_awaiter{when}; }
detail::sleep_awaiter yield() noexcept { return detail::sleep_awaiter{time_point{}}; }
time_point now() noexcept { return detail::clock_now(); }

}  // namespace leat
