#include "leat/task/as_completed.hpp"

#include <stdexcept>

namespace leat::detail {

completion_order::completion_order(std::size_t count) : count_(count) { order_.reserve(count); }

void completion_order::ended(std::size_t index) noexcept {
    order_.push_back(index);  // there is room
    if (waiting_) waiting_->wake();
}

bool completion_awaiter::ready() {
    if (of_.waiting_) throw std::logic_error("as_completed: two calls of next() at once");
    return (of_.taken_ < of_.order_.size() || of_.remaining() == 0) && spend();
}

bool completion_awaiter::start(promise_base& frame, std::source_location at) noexcept {
    if (!suspend(frame, at)) return false;
    of_.waiting_ = this;
    if (of_.taken_ < of_.order_.size() || of_.remaining() == 0) wake();  // the others have their turn first
    return true;
}

std::size_t completion_awaiter::take() {
    if (of_.waiting_ == this) of_.waiting_ = nullptr;
    if (was_cancelled()) throw cancelled{};
    if (of_.remaining() == 0) return completion_order::none;
    return of_.last_ = of_.order_[of_.taken_++];
}

void completion_awaiter::cancel() noexcept {
    of_.waiting_ = nullptr;
    wake_cancelled();
}

}  // namespace leat::detail
