#include "leat/task/interval.hpp"

#include <stdexcept>

namespace leat {

interval::interval(duration period, missed_ticks missed) : period_(period), last_(now()), missed_(missed) {
    if (period <= duration::zero()) throw std::invalid_argument("interval: its period must be longer than nothing");
}

detail::sleep_awaiter interval::next() noexcept {
    const duration behind = now() - last_;
    if (behind < period_ || missed_ == missed_ticks::burst)
        last_ += period_;
    else if (missed_ == missed_ticks::delay)
        last_ += behind;
    else
        last_ += behind / period_ * period_;  // the latest that is due
    return sleep_until(last_);
}

}  // namespace leat
