#include "leat/task/detail/context.hpp"

#include <typeinfo>
#include <utility>

#include "leat/io/error.hpp"
#include "task/local_value.hpp"
#include "task/loop.hpp"

namespace leat::detail {

bool waiter::suspend(promise_base& frame, std::source_location at) noexcept {
    if (frame.strand->cancelled) [[unlikely]] {
        cancelled_ = true;
        return false;
    }
    suspend_regardless(frame, at);
    return true;
}

void waiter::suspend_regardless(promise_base& frame, std::source_location at) noexcept {
    frame.waits_at = at;
    context_ = frame.strand;
    context_->leaf = this;
    context_->top = &frame;
}

void waiter::wake() noexcept {
    if (context_) loop::current_or_null()->make_ready(*context_);
}

bool waiter::spend() noexcept { return --loop::current_or_null()->budget > 0; }

void waiter::wake_now() noexcept {
    if (!context_) return;
    if (context_->ready_slot != 0) return;
    loop::current_or_null()->resume(*context_);
}

void waiter::leave() noexcept {
    if (context_->leaf == this) context_->leaf = nullptr;
    if (context_->ready_slot != 0) loop::current_or_null()->take_from_ready(*context_);
    context_ = nullptr;
}

context::context(context* up, finished_function when_finished) noexcept : parent(up), finished(when_finished) {
    if (!parent) return;
    if (parent->locals) [[unlikely]] inherit_locals(*this, *parent);
    next = parent->first_child;
    if (next) next->previous = this;
    parent->first_child = this;
    cancelled = parent->cancelled;
}

context::~context() {
    // An awaiter that a combinator only borrowed lives in an outer frame, and longer: it must not wait here any more.
    if (waiter* borrowed = leaf) {
        if (ready_slot != 0)
            borrowed->give_back();
        else if (!cancelled)
            borrowed->cancel();
        borrowed->leave();
    }
    if (ready_slot != 0) loop::current_or_null()->take_from_ready(*this);
    if (scheduled)
        if (loop* here = loop::current_or_null()) here->counters().strands_ended.add();
    if (locals) [[unlikely]] forget_locals(*this);
    // A server that was moved out of the task that started it outlives that: it is nobody's child then.
    for (context* child = first_child; child; child = child->next) child->parent = nullptr;
    if (!parent) return;
    (previous ? previous->next : parent->first_child) = next;
    if (next) next->previous = previous;
}

void context::cancel() noexcept {
    if (cancelled) return;
    cancelled = true;
    // One that is ready has its result already, and the result wins.
    if (leaf && ready_slot == 0) leaf->cancel();
}

void context::cancel_children() noexcept {
    for (context* child = first_child; child;) {
        context* following = child->next;
        child->cancel();
        child = following;
    }
}

bool start_strand(context& strand, promise_base& first) noexcept {
    loop& here = *loop::current_or_null();
    first.strand = &strand;
    strand.top = &first;
    first.starting = true;
    context* before = std::exchange(here.running, &strand);
    first.handle().resume();
    here.running = before;
    return !std::exchange(first.starting, false);
}

void schedule_strand(context& strand, promise_base& first) noexcept {
    first.strand = &strand;
    strand.top = &first;
    strand.scheduled = true;
    loop& here = *loop::current_or_null();
    here.counters().strands_started.add();
    here.make_ready(strand);
}

bool start_child(promise_base& parent, promise_base& child, std::source_location at) noexcept {
    parent.waits_at = at;
    child.parent = &parent;
    child.strand = parent.strand;
    loop& here = *loop::current_or_null();
    if (here.budget <= 1 && parent.strand->cancelled) [[unlikely]] {
        // The yield that is due is a cancellation point. Nothing has been done that could be lost.
        child.error = std::make_exception_ptr(cancelled{});
        return true;
    }
    child.starting = true;
    child.handle().resume();
    if (std::exchange(child.starting, false)) return false;
    if (--here.budget > 0) return true;
    // A task that never waits has had its turn: the others run, what was written is sent, then it goes on.
    parent.strand->top = &parent;
    here.make_ready(*parent.strand);
    return false;
}

void frame_ended(promise_base& frame) noexcept {
    if (!std::exchange(frame.starting, false)) loop::current_or_null()->ended = &frame;
}

context* running_strand() noexcept {
    loop* here = loop::current_or_null();
    return here ? here->running : nullptr;
}

bool is_cancelled(const std::exception_ptr& error) noexcept {
    return error && *error.__cxa_exception_type() == typeid(cancelled);
}

}  // namespace leat::detail
