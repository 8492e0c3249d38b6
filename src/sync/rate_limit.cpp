#include "leat/sync/rate_limit.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "leat/task/sleep.hpp"

namespace leat {
namespace {

/// Sums of fractions come out a little short of what they should be.
constexpr double rounding = 1e-9;

void check(double per_second, double burst) {
    if (!(per_second > 0) || !(burst > 0) || !std::isfinite(per_second) || !std::isfinite(burst))
        throw std::invalid_argument("rate_limit: the rate and the burst must be positive");
}

}  // namespace

namespace detail {

rate_awaiter::~rate_awaiter() {
    if (state_ == queued) leave_queue();
    if (state_ == granted) of_.put_back(wanted_);  // granted, but its frame died before it went on
}

void rate_awaiter::leave_queue() noexcept {
    of_.waiting_.remove(*this);
    state_ = idle;
    of_.serve();  // the next may want less
}

bool rate_awaiter::await_ready() noexcept {
    if (!of_.waiting_.empty() || !spend() || !of_.take(wanted_)) return false;
    state_ = granted;
    return true;
}

bool rate_awaiter::start(promise_base& frame, std::source_location at) noexcept {
    if (!suspend(frame, at)) return false;
    of_.waiting_.push(*this);
    state_ = queued;
    of_.serve();
    return true;
}

void rate_awaiter::cancel() noexcept {
    leave_queue();
    wake_cancelled();
}

void rate_awaiter::give_back() noexcept {
    if (state_ != granted) return;
    state_ = idle;
    of_.put_back(wanted_);
    wake_cancelled();
}

void rate_awaiter::await_resume() {
    if (was_cancelled()) throw cancelled{};
    state_ = idle;
}

}  // namespace detail

rate_limit::rate_limit(double per_second) : rate_limit(per_second, std::max(per_second, 1.0)) {}

rate_limit::rate_limit(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst), filled_(now()) { check(per_second, burst); }

void rate_limit::refill() noexcept {
    const time_point here = now();
    tokens_ = std::min(burst_, tokens_ + static_cast<double>((here - filled_).count()) * 1e-9 * per_second_);
    filled_ = here;
}

bool rate_limit::take(double count) noexcept {
    refill();
    if (tokens_ + rounding * burst_ < std::min(count, burst_)) return false;
    tokens_ -= count;
    return true;
}

void rate_limit::put_back(double count) noexcept {
    tokens_ = std::min(burst_, tokens_ + count);
    serve();
}

void rate_limit::serve() noexcept {
    while (!waiting_.empty()) {
        auto& next = static_cast<detail::rate_awaiter&>(*waiting_.first());
        if (!take(next.wanted_)) {
            const double seconds = (std::min(next.wanted_, burst_) - tokens_) / per_second_;
            // Rounded up, so that it need not wake twice; and no longer than a clock can tell.
            arm(duration{seconds < 1e9 ? static_cast<duration::rep>(std::ceil(seconds * 1e9)) : duration::rep{1'000'000'000'000'000'000}});
            return;
        }
        waiting_.remove(next);
        next.state_ = detail::rate_awaiter::granted;
        next.wake();
    }
    disarm();
}

void rate_limit::expired() noexcept { serve(); }

bool rate_limit::try_acquire(double count) noexcept { return waiting_.empty() && take(std::max(count, 0.0)); }

void rate_limit::set_rate(double per_second, double burst) {
    check(per_second, burst);
    refill();
    per_second_ = per_second;
    burst_ = burst;
    tokens_ = std::min(tokens_, burst);
    serve();
}

double rate_limit::available() noexcept {
    refill();
    return tokens_;
}

}  // namespace leat
