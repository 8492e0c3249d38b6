#include "leat/sync/barrier.hpp"

#include <stdexcept>

namespace leat {
namespace detail {

barrier_awaiter::~barrier_awaiter() {
    if (state_ != waiting) return;
    of_.waiting_.remove(*this);
    --of_.arrived_;
}

bool barrier_awaiter::start(promise_base& frame, std::source_location at) noexcept {
    if (of_.broken_) {
        state_ = was_aborted;
        return false;
    }
    if (!suspend(frame, at)) return false;
    of_.waiting_.push(*this);
    state_ = waiting;
    // The last one takes its turn behind the others: they leave in their order, and a barrier of one yields as well.
    if (++of_.arrived_ == of_.parties_) of_.let_go(passed);
    return true;
}

void barrier_awaiter::cancel() noexcept {
    of_.waiting_.remove(*this);
    --of_.arrived_;
    state_ = idle;
    wake_cancelled();
}

std::size_t barrier_awaiter::await_resume() { return finish().value(); }

result<std::size_t> barrier_awaiter::finish() {
    if (was_cancelled()) throw cancelled{};
    if (state_ == passed) return place_;
    const char* why = state_ == was_reset ? "barrier::wait: the barrier was reset" : "barrier::wait: the barrier is broken";
    return failure{std::make_exception_ptr(broken_barrier(why))};
}

}  // namespace detail

barrier::barrier(std::size_t parties) : parties_(parties) {
    if (parties == 0) throw std::invalid_argument("barrier: no parties");
}

void barrier::let_go(std::uint8_t how) noexcept {
    arrived_ = 0;
    for (std::size_t place = 0; !waiting_.empty(); ++place) {
        auto& next = static_cast<detail::barrier_awaiter&>(*waiting_.first());
        waiting_.remove(next);
        next.state_ = how;
        next.place_ = place;
        next.wake();
    }
}

void barrier::reset() noexcept {
    broken_ = false;
    let_go(detail::barrier_awaiter::was_reset);
}

void barrier::abort() noexcept {
    broken_ = true;
    let_go(detail::barrier_awaiter::was_aborted);
}

}  // namespace leat
