#pragma once
#include <cerrno>
#include <coroutine>
#include <source_location>
#include <utility>

#include "engine/operation.hpp"
#include "leat/io/error.hpp"
#include "leat/task/detail/context.hpp"
#include "task/loop.hpp"

namespace leat::detail {

/// An operation on the heap with everything the kernel may touch: it outlives whoever waits for it. `Operation` is an operation class that
/// lacks only complete(), and has `void unclaimed(int result)` for a result that nobody took (a descriptor to close). One with a constant `goes_on`
/// is left to end by itself when nobody waits for it any more.
template <class Operation>
class held_operation final : public Operation, private resident {
public:
    using Operation::Operation;

    struct listener {
        virtual void ended() noexcept = 0;
    };
    /// Without a listener nobody waits; the loop still sees it through.
    void begin(listener* owner) {
        owner_ = owner;
        loop::current().adopt(*this);
        loop::current().submit(*this);
    }
    void abandon() noexcept {
        owner_ = nullptr;
        if (this->in_flight()) {
            if constexpr (!requires { Operation::goes_on; }) loop::current().cancel(*this);
            return;
        }
        this->unclaimed(result);
        delete this;
    }
    int result = -ECANCELED;  // until it has ended, and if it never began

private:
    void complete(completion done) noexcept override {
        result = done.result;
        if (owner_) return owner_->ended();
        this->unclaimed(result);
        delete this;
    }
    void abort() noexcept override { loop::current().cancel(*this); }
    listener* owner_ = nullptr;
};

/// Awaits such an operation: its result, or -errno. Cancellation abandons it.
template <class Operation>
class operation_awaiter final : waiter, held_operation<Operation>::listener {
public:
    operation_awaiter(const char* name, held_operation<Operation>* operation) noexcept : operation_(operation), name_(name) {}
    ~operation_awaiter() {
        if (operation_) operation_->abandon();
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        if (!suspend(frame.promise(), at)) {
            operation_->result = -ECANCELED;
            return false;
        }
        operation_->begin(this);
        return true;
    }
    int await_resume() {
        if (was_cancelled()) throw cancelled{};
        auto* done = std::exchange(operation_, nullptr);
        const int result = done->result;
        delete done;
        return result;
    }
    /// Null once it was cancelled.
    Operation* operation() noexcept { return operation_; }

private:
    void ended() noexcept override { wake(); }
    void cancel() noexcept override {
        std::exchange(operation_, nullptr)->abandon();
        wake_cancelled();
    }
    const char* describe() const noexcept override { return name_; }

    held_operation<Operation>* operation_;
    const char* name_;
};

}  // namespace leat::detail
