#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "leat/task/detail/mailbox.hpp"

namespace leat {

namespace detail {

struct shared_loop;

/// A callable on its way to a loop.
class posted_call : public letter {
public:
    virtual ~posted_call() = default;

private:
    virtual void call() = 0;
    void arrive() noexcept final;
    void refused() noexcept final { delete this; }
};

template <class Callable>
class posted_call_of final : public posted_call {
public:
    template <class C>
    explicit posted_call_of(C&& callable) : callable_(std::forward<C>(callable)) {}

private:
    void call() override { callable_(); }
    Callable callable_;
};

}  // namespace detail

/// Names a loop, from any thread and for as long as one likes; it does not keep the loop alive. Copies name the same loop.
/// Source: the loop objects of asyncio.
class loop_handle {
public:
    loop_handle() = default;
    /// For leat's own layers.
    explicit loop_handle(std::shared_ptr<detail::shared_loop> of) noexcept : shared_(std::move(of)) {}

    /// Calls `callable()` on the loop's thread, soon, outside any task: it must not wait, and usually spawns a task or sets an event.
    /// What it throws is logged. Posts from one thread are called in their order. May be called from any thread.
    /// @return false if the loop has ended: the callable is destroyed then, uncalled, as it is when the loop ends first.
    /// Allocates: once. Source: asyncio call_soon_threadsafe.
    template <class Callable>
    bool post(Callable&& callable) const {
        return post_call(std::make_unique<detail::posted_call_of<std::decay_t<Callable>>>(std::forward<Callable>(callable)));
    }

    /// Is it the loop of the calling thread?
    bool is_running_here() const noexcept;
    /// The loop's number in the process, as metrics and task trees show it.
    std::uint32_t number() const noexcept;

    /// Does it name a loop, ended or not?
    explicit operator bool() const noexcept { return shared_ != nullptr; }
    /// Do both name the same loop?
    friend bool operator==(const loop_handle&, const loop_handle&) = default;

    /// For leat's own operations.
    const std::shared_ptr<detail::shared_loop>& shared() const noexcept { return shared_; }

private:
    bool post_call(std::unique_ptr<detail::posted_call> call) const;

    std::shared_ptr<detail::shared_loop> shared_;
};

/// The loop of this thread. Throws std::logic_error outside `leat::run`. Source: asyncio.get_running_loop.
loop_handle running_loop();

/// The loops that one call of `leat::run` started together, this thread's among them: `sibling_loops()[i]` runs `main(i)`.
std::vector<loop_handle> sibling_loops();

}  // namespace leat
