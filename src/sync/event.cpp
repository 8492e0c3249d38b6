#include "leat/sync/event.hpp"

namespace leat {
namespace detail {

event_awaiter::~event_awaiter() {
    if (state_ == 1) of_.waiting_.remove(*this);
}

bool event_awaiter::await_ready() const noexcept { return of_.set_ && spend(); }

bool event_awaiter::start(promise_base& frame, std::source_location at) noexcept {
    if (!suspend(frame, at)) return false;
    if (of_.set_) {
        wake();  // the others have their turn first
        return true;
    }
    of_.waiting_.push(*this);
    state_ = 1;
    return true;
}

void event_awaiter::cancel() noexcept {
    of_.waiting_.remove(*this);
    state_ = 0;
    wake_cancelled();
}

}  // namespace detail

void event::set() noexcept {
    set_ = true;
    while (!waiting_.empty()) {
        auto& next = static_cast<detail::event_awaiter&>(*waiting_.first());
        waiting_.remove(next);
        next.state_ = 0;
        next.wake();
    }
}

}  // namespace leat
