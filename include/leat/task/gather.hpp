#pragma once
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "leat/task/detail/borrowed.hpp"
#include "leat/task/group.hpp"

namespace leat {
namespace detail {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
using value_or_monostate = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
task<> store(task<T> branch, std::optional<value_or_monostate<T>>& place) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(branch);
        place.emplace();
    } else {
        place.emplace(co_await std::move(branch));
    }
}

/// A branch may have thrown `cancelled` by itself, which is no error of the group: then there is nothing to give.
template <class T>
T take_from(std::optional<T>& place) {
    if (!place) throw cancelled{};
    return std::move(*place);
}

template <class... T>
task<std::tuple<value_or_monostate<T>...>> gather_tasks(task<T>... branches) {
    std::tuple<std::optional<value_or_monostate<T>>...> places;
    task_group group;
    std::apply([&](auto&... place) { (group.spawn(store(std::move(branches), place)), ...); }, places);
    co_await group.join();
    co_return std::apply([](auto&... place) { return std::tuple<value_or_monostate<T>...>{take_from(place)...}; }, places);
}

}  // namespace detail

/// Runs awaitables side by side and returns what each gave, in their order.
/// @return a tuple, with `std::monostate` in place of void. For a vector of tasks: a vector (nothing for `task<>`).
/// Completes when: all have ended. Errors: the first cancels the others, which are waited for; it is then rethrown (several: `error_group`).
/// Cancellation: cancels all, waits for them. Tasks are taken by value, awaiters (`reader.read_line()`) are borrowed: then the whole must be
/// awaited where it stands. Allocates: two frames a branch. Source: asyncio.gather, with the structure of TaskGroup.
template <class... Awaitable>
    requires(sizeof...(Awaitable) > 0 && (!detail::is_vector<std::remove_cvref_t<Awaitable>> && ...))
auto gather(Awaitable&&... branches) {
    constexpr bool all_tasks = (detail::is_task<std::remove_cvref_t<Awaitable>> && ...);
    return detail::keep_or_borrow<all_tasks>(detail::gather_tasks(detail::as_task(std::forward<Awaitable>(branches))...));
}

/// The same for a list of tasks: their values, in its order.
template <class T>
task<std::vector<T>> gather(std::vector<task<T>> branches) {
    std::vector<std::optional<T>> places(branches.size());
    task_group group;
    for (std::size_t i = 0; i < branches.size(); ++i) group.spawn(detail::store(std::move(branches[i]), places[i]));
    co_await group.join();
    std::vector<T> values;
    values.reserve(places.size());
    for (auto& place : places) values.push_back(detail::take_from(place));
    co_return values;
}

/// The same for a list of tasks that give nothing.
inline task<> gather(std::vector<task<>> branches) {
    task_group group;
    for (auto& branch : branches) group.spawn(std::move(branch));
    co_await group.join();
}

namespace detail {

template <class T>
task<result<T>> keep_result(task<T> branch) {
    auto outcome = co_await (std::move(branch) | as_result);
    co_return std::move(outcome);
}

}  // namespace detail

/// The same for tasks of which each may fail by itself: none cancels another, and each answers with its `result`
/// (asyncio's `return_exceptions=True`). A few: `gather(a() | as_result, b() | as_result)`.
/// Completes when: all have ended. Errors: none of the tasks' own. Cancellation: cancels all, waits for them. Allocates: a frame more for each task.
template <class T>
task<std::vector<result<T>>> gather(std::vector<task<T>> branches, as_result_t) {
    std::vector<task<result<T>>> settled;
    settled.reserve(branches.size());
    for (auto& branch : branches) settled.push_back(detail::keep_result(std::move(branch)));
    return gather(std::move(settled));
}

}  // namespace leat
