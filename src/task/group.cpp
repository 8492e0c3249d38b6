#include "leat/task/group.hpp"

#include <stdexcept>
#include <utility>

#include "leat/log/log.hpp"
#include "task/loop.hpp"
#include "task/small_pool.hpp"

namespace leat::detail {

/// One child: its strand, and the frame it owns.
struct nursery::child final : context, pooled<child> {
    child(context& scope, promise_base& first_frame) noexcept : context(&scope, &nursery::child_finished), first(first_frame) {}
    ~child() { first.handle().destroy(); }

    using pooled<child>::operator new;
    using pooled<child>::operator delete;

    promise_base& first;
};

nursery::nursery() noexcept : context(running_strand(), nullptr) {}

nursery::~nursery() {
    // The newest first, as the frames of one task would go.
    while (first_child) delete static_cast<child*>(first_child);
    // It was never joined, since something was thrown in between, which goes on its way. These cannot, but are not swallowed.
    for (const auto& error : errors_) log::error("task_group: not joined, and a child had failed: {}", describe(error));
}

void nursery::adopt(promise_base& first) {
    if (!loop::current_or_null()) {
        first.handle().destroy();
        loop::current();  // throws
    }
    auto* added = new child(*this, first);
    // The scope was made before its parent was cancelled, perhaps.
    if (parent && parent->cancelled) added->cancelled = true;
    // It sees what the task that spawns it sees now, which the scope, made earlier, may not.
    if (const context* spawner = running_strand(); spawner && spawner->locals != added->locals) [[unlikely]] inherit_locals(*added, *spawner);
    ++size_;
    schedule_strand(*added, first);
    if (joining_ && size_ == 1) joining_->unwake();
}

void nursery::cancel() noexcept {
    cancelled = true;
    cancel_children();
}

void nursery::give_back() noexcept {
    for (context* child = first_child; child; child = child->next) child->give_back();
}

void nursery::cancel_losers() noexcept {
    cancel();
    give_back();
}

void nursery::child_finished(context& strand) noexcept {
    auto& ended = static_cast<child&>(strand);
    auto& owner = static_cast<nursery&>(*ended.parent);
    std::exception_ptr error = std::move(ended.first.error);
    delete &ended;
    --owner.size_;
    if (error && !is_cancelled(error)) {
        owner.errors_.push_back(std::move(error));
        owner.cancel();
    }
    if (owner.empty() && owner.joining_) owner.joining_->wake();
}

bool join_awaiter::start(promise_base& frame, std::source_location at) {
    if (children_.joining_) throw std::logic_error("task_group: joined twice at once");
    const bool was_cancelled_before = frame.strand->cancelled;
    suspend_regardless(frame, at);
    children_.joining_ = this;
    if (was_cancelled_before) cancel();
    if (children_.empty()) wake();  // nothing to wait for, but the others' turn
    return true;
}

void join_awaiter::unwake() noexcept {
    if (strand()->ready_slot != 0) loop::current().take_from_ready(*strand());
}

void join_awaiter::cancel() noexcept {
    state_ = 1;
    children_.cancel();
}

std::exception_ptr join_awaiter::take_error() {
    std::vector<std::exception_ptr> errors;
    errors.swap(children_.errors_);
    children_.context::cancelled = false;  // the next children have their chance
    if (errors.empty()) return state_ == 1 ? std::make_exception_ptr(cancelled{}) : nullptr;
    if (errors.size() == 1) return errors.front();
    return std::make_exception_ptr(error_group(std::move(errors)));
}

void join_awaiter::await_resume() {
    if (auto error = take_error()) std::rethrow_exception(error);
}

result<void> join_awaiter::finish() {
    auto error = take_error();
    if (!error) return {};
    if (is_cancelled(error)) throw cancelled{};
    return failure{std::move(error)};
}

}  // namespace leat::detail
