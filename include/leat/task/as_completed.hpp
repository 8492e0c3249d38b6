#pragma once
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "leat/task/gather.hpp"

namespace leat {

template <class T>
class completions;

namespace detail {

class completion_awaiter;

/// The order in which tasks ended, and who waits for the next of them.
class completion_order {
public:
    /// How many results have not been given out, of tasks that have ended and of those that run.
    std::size_t remaining() const noexcept { return count_ - taken_; }

protected:
    friend class completion_awaiter;
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    explicit completion_order(std::size_t count);
    ~completion_order() = default;
    void ended(std::size_t index) noexcept;

    std::size_t count_;
    std::size_t taken_ = 0;
    std::size_t last_ = none;         // what next() gave last
    std::vector<std::size_t> order_;  // the tasks that have ended
    completion_awaiter* waiting_ = nullptr;
};

class completion_awaiter : protected waiter {
protected:
    explicit completion_awaiter(completion_order& of) noexcept : of_(of) {}
    ~completion_awaiter() {
        if (of_.waiting_ == this) of_.waiting_ = nullptr;
    }
    bool ready();
    bool start(promise_base& frame, std::source_location at) noexcept;
    /// The task whose result is next, or none.
    std::size_t take();

private:
    friend class completion_order;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "as_completed::next"; }

    completion_order& of_;
};

template <class T>
class next_completion final : completion_awaiter {
    using value = value_or_monostate<T>;

public:
    explicit next_completion(completions<T>& of) noexcept : completion_awaiter(of), all_(of) {}

    bool await_ready() { return ready(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    std::optional<value> await_resume() { return finish().value(); }
    result<std::optional<value>> finish() {
        const std::size_t index = take();
        if (index == all_.none) return std::optional<value>{};
        result<value> outcome = std::move(*all_.outcomes_[index]);
        all_.outcomes_[index].reset();
        if (outcome) return std::optional<value>{std::move(*outcome)};
        if (is_cancelled(outcome.error().exception())) throw cancelled{};
        return outcome.error();
    }

private:
    completions<T>& all_;
};

}  // namespace detail

/// What `as_completed` returns: tasks that run side by side, and their results in the order in which they end. Stays where it was made.
/// Leaving its scope cancels those that still run and destroys them at once, innermost frame first.
template <class T>
class [[nodiscard]] completions : detail::completion_order {
public:
    using value_type = detail::value_or_monostate<T>;

    /// As `as_completed`.
    explicit completions(std::vector<task<T>> tasks) : completion_order(tasks.size()), outcomes_(tasks.size()) {
        for (std::size_t i = 0; i < tasks.size(); ++i) running_.spawn(collect(std::move(tasks[i]), *this, i));
    }
    completions(const completions&) = delete;
    completions& operator=(const completions&) = delete;

    /// Completes when: one more has ended. @return what it returned (`std::monostate` for void), or nullopt when all have been given out.
    /// Errors: that task's own; the others run on, and the next call gives the next. Cancellation: at once; no result is lost, and the
    /// tasks run on until the scope is left. One call at a time (std::logic_error). Allocates: never.
    detail::next_completion<T> next() noexcept { return detail::next_completion<T>{*this}; }
    /// The place, among the tasks given, of the one that `next` gave last.
    std::size_t index() const noexcept { return last_; }
    using completion_order::remaining;

private:
    friend class detail::next_completion<T>;

    static task<> collect(task<T> branch, completions& to, std::size_t index) {
        auto& place = to.outcomes_[index];
        try {
            auto outcome = co_await (std::move(branch) | as_result);
            if (!outcome)
                place.emplace(outcome.error());
            else if constexpr (std::is_void_v<T>)
                place.emplace(std::monostate{});
            else
                place.emplace(std::move(*outcome));
        } catch (...) {
            place.emplace(failure{std::current_exception()});
        }
        to.ended(index);
    }

    std::vector<std::optional<result<value_type>>> outcomes_;
    task_group running_;  // the last: its tasks write into the others
};

/// Runs tasks side by side and gives their results as they come:
///
///     auto pages = leat::as_completed(std::move(tasks));
///     while (auto page = co_await pages.next()) show(*page);
///
/// They start at the loop's next turn. An error comes out of the `next()` whose turn it is, and cancels nobody. For the first result alone
/// there is `race`, which waits for those it cancels; for all of them in their own order, `gather`.
/// Threads: the loop's own. Allocates: two frames a task, and a place for each result. Source: asyncio.as_completed.
template <class T>
completions<T> as_completed(std::vector<task<T>> tasks) {
    return completions<T>{std::move(tasks)};
}
/// The same for a few tasks, one argument each.
template <class T, class... More>
    requires(std::is_same_v<More, task<T>> && ...)
completions<T> as_completed(task<T> first, More... more) {
    std::vector<task<T>> tasks;
    tasks.reserve(1 + sizeof...(more));
    tasks.push_back(std::move(first));
    (tasks.push_back(std::move(more)), ...);
    return completions<T>{std::move(tasks)};
}

}  // namespace leat
