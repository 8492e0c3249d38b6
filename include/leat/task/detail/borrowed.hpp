#pragma once
#include <utility>

#include "leat/task/task.hpp"

namespace leat::detail {

/// What a combinator returns when one of its arguments is an awaiter that it only borrows: to be awaited where it stands.
template <class T>
class [[nodiscard]] borrowing {
public:
    explicit borrowing(task<T> inner) noexcept : inner_(std::move(inner)) {}
    borrowing(const borrowing&) = delete;
    borrowing& operator=(const borrowing&) = delete;

    task_awaiter<T> operator co_await() && noexcept { return std::move(inner_).operator co_await(); }

private:
    task<T> inner_;
};

/// A task where every argument is a task, else something that cannot be kept.
template <bool AllTasks, class T>
auto keep_or_borrow(task<T> made) {
    if constexpr (AllTasks)
        return made;
    else
        return borrowing<T>{std::move(made)};
}

}  // namespace leat::detail
