#pragma once
#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "leat/task/gather.hpp"

namespace leat {
namespace detail {

/// Throws std::invalid_argument for a limit of 0.
void check_parallel_limit(std::size_t limit);

/// What the workers of one `parallel_for_each` share.
template <class Iterator, class End, class Function>
struct parallel_work {
    Iterator next;
    End end;
    Function& function;
    bool stopped = false;

    bool more() { return !stopped && next != end; }
    /// The task for the next element; does not run yet.
    auto begin() {
        auto begun = function(*next);
        ++next;
        return begun;
    }
};

/// Takes one element after another; its first is given to it.
template <class Work, class Task>
task<> work_in_parallel(Work& work, Task doing) {
    try {
        co_await std::move(doing);
        while (work.more()) co_await work.begin();
    } catch (...) {
        work.stopped = true;  // the others are cancelled; those between two elements see this
        throw;
    }
}

template <class Range, class Function>
task<> run_parallel(Range range, std::size_t limit, Function function) {
    check_parallel_limit(limit);
    parallel_work<decltype(std::begin(range)), decltype(std::end(range)), Function> work{std::begin(range), std::end(range), function};
    task_group workers;
    // An error here destroys workers that have not run yet.
    while (workers.size() < limit && work.more()) workers.spawn(work_in_parallel(work, work.begin()));
    co_await workers.join();
}

template <class U>
task<> store_at(task<U> doing, std::vector<std::optional<U>>& places, std::size_t index) {
    auto value = co_await std::move(doing);
    places[index].emplace(std::move(value));
}

template <class U, class Range, class Function>
task<std::vector<U>> map_parallel(Range range, std::size_t limit, Function function) {
    std::vector<std::optional<U>> places;
    auto store = [&](auto&& element) {
        places.emplace_back();
        return store_at<U>(function(std::forward<decltype(element)>(element)), places, places.size() - 1);
    };
    co_await run_parallel<Range&, decltype(store)&>(range, limit, store);
    std::vector<U> values;
    values.reserve(places.size());
    for (auto& place : places) values.push_back(take_from(place));
    co_return values;
}

template <class Range, class Function>
using parallel_task = std::invoke_result_t<std::decay_t<Function>&, decltype(*std::begin(std::declval<std::remove_reference_t<Range>&>()))>;

}  // namespace detail

/// Awaits `function(element)` for each element of a range, at most `limit` of them at once, begun in the range's order.
///
///     auto get = [&](const std::string& url) -> leat::task<> { … };
///     co_await leat::parallel_for_each(urls, 32, get);
///
/// Completes when: all have ended. The range may be long or endless: an element is looked at when there is a worker for it.
/// Errors: the first cancels the others, which are waited for, and no element is begun after it; then it is rethrown, several as one
/// `error_group`. std::invalid_argument for a limit of 0. Cancellation: cancels all, waits for them.
/// A range with a name is referred to and must live until the end, a temporary is kept; so is the function. What `*iterator` refers to must
/// stay valid while its task runs, if the function takes a reference. Allocates: a frame and a strand for each of `limit` workers.
template <class Range, class Function>
task<> parallel_for_each(Range&& range, std::size_t limit, Function&& function) {
    static_assert(detail::safe_inline_callable<Function>, "name it first: g++ 12 destroys a closure written inside co_await twice");
    static_assert(detail::is_task<detail::parallel_task<Range, Function>>, "the function has to return a leat::task");
    return detail::run_parallel<Range, std::decay_t<Function>>(std::forward<Range>(range), limit, std::forward<Function>(function));
}

/// The same, and returns what the functions gave, in the order of the range, which has to have an end.
/// Completes when: all have ended. Errors: as `parallel_for_each`. Cancellation: cancels all, waits for them; the values are lost.
/// Allocates: also a place for each value.
template <class Range, class Function>
auto parallel_map(Range&& range, std::size_t limit, Function&& function) {
    static_assert(detail::safe_inline_callable<Function>, "name it first: g++ 12 destroys a closure written inside co_await twice");
    using U = typename detail::parallel_task<Range, Function>::value_type;
    static_assert(!std::is_void_v<U>, "nothing to return: use parallel_for_each");
    return detail::map_parallel<U, Range, std::decay_t<Function>>(std::forward<Range>(range), limit, std::forward<Function>(function));
}

}  // namespace leat
