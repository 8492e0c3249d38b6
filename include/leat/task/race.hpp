#pragma once
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "leat/task/gather.hpp"

namespace leat {
namespace detail {

/// Which branch was first, and what it threw.
struct race_state {
    std::size_t winner = static_cast<std::size_t>(-1);
    std::exception_ptr error;
    bool decided() const noexcept { return winner != static_cast<std::size_t>(-1); }
};

template <class T, class Store>
task<> run_in_race(task<T> branch, task_group& group, race_state& state, std::size_t index, Store store) {
    if (state.decided()) co_return;  // before it has begun: it takes nothing that it could not give back
    auto outcome = co_await (std::move(branch) | as_result);
    if (state.decided()) co_return;
    state.winner = index;
    if (!outcome)
        state.error = outcome.error().exception();
    else if constexpr (std::is_void_v<T>)
        store(std::monostate{});
    else
        store(std::move(*outcome));
    group.children().cancel_losers();
}

template <std::size_t... I, class... T>
task<std::variant<value_or_monostate<T>...>> race_tasks(std::index_sequence<I...>, task<T>... branches) {
    std::optional<std::variant<value_or_monostate<T>...>> first;
    race_state state;
    task_group group;
    (group.spawn(run_in_race(std::move(branches), group, state, I,
                             [place = &first](auto&& value) { place->emplace(std::in_place_index<I>, std::forward<decltype(value)>(value)); })),
     ...);
    co_await group.join();
    if (state.error) std::rethrow_exception(state.error);
    if (!first) throw cancelled{};
    co_return std::move(*first);
}

}  // namespace detail

/// What `race` over a vector returns: which task was first, and its value.
template <class T>
struct race_winner {
    std::size_t index;                    ///< its place in the list
    detail::value_or_monostate<T> value;  ///< what it gave
};

/// Runs awaitables side by side; the first to end, by value or by error, decides, and the others are cancelled and waited for.
/// Completes when: the first has ended and the others, cancelled, too. @return a `std::variant` whose index says which was first (`std::monostate` in place of void); for a vector of tasks a `race_winner`.
/// Errors: the first one's. Cancellation: cancels all, waits for them. A read that was done in the same turn as the first
/// loses no byte: the next one gets them. Of a task that ends in that turn the value is dropped: race what can be repeated.
/// Tasks are taken by value, awaiters borrowed: `race(reader.read_line(), stop.wait())` must be awaited where it stands.
template <class... Awaitable>
    requires(sizeof...(Awaitable) > 0 && (!detail::is_vector<std::remove_cvref_t<Awaitable>> && ...))
auto race(Awaitable&&... branches) {
    constexpr bool all_tasks = (detail::is_task<std::remove_cvref_t<Awaitable>> && ...);
    return detail::keep_or_borrow<all_tasks>(
        detail::race_tasks(std::index_sequence_for<Awaitable...>{}, detail::as_task(std::forward<Awaitable>(branches))...));
}

/// The same for a list of tasks, which must not be empty.
template <class T>
task<race_winner<T>> race(std::vector<task<T>> branches) {
    std::optional<detail::value_or_monostate<T>> first;
    detail::race_state state;
    task_group group;
    for (std::size_t i = 0; i < branches.size(); ++i)
        group.spawn(detail::run_in_race(std::move(branches[i]), group, state, i, [place = &first](auto&& value) { place->emplace(std::forward<decltype(value)>(value)); }));
    co_await group.join();
    if (state.error) std::rethrow_exception(state.error);
    if (!first) throw cancelled{};
    co_return race_winner<T>{state.winner, std::move(*first)};
}

}  // namespace leat
