#pragma once
#include <cstdint>
#include <type_traits>
#include <utility>

#include "leat/task/detail/context.hpp"

namespace leat {

template <class T>
class task_local;

namespace detail {

/// One value that a strand sees, and those that it saw before. Shared: a child keeps what its parent had when it was spawned.
struct local_value {
    using destroy_function = void (*)(local_value&) noexcept;

    std::uint32_t users;
    context* strand;           // where it was bound; null once that has ended
    local_value* outer;        // what was seen before it
    const void* variable;      // the task_local
    const void* value;
    destroy_function destroy;  // deletes the whole; null: stands for `original`, after a value in the middle has gone
    local_value* original;
};

/// Puts a value on top of what the running task sees; throws std::logic_error outside a task.
void bind_local(local_value& value);
/// Takes it off again, wherever in the list it is.
void unbind_local(local_value& value) noexcept;
/// The value that the running task sees, or null.
const void* find_local(const void* variable) noexcept;

template <class T>
struct local_holder final : local_value {
    template <class U>
    local_holder(const void* of, U&& from)
        : local_value{1, nullptr, nullptr, of, nullptr, [](local_value& self) noexcept { delete static_cast<local_holder*>(&self); }, nullptr},
          held(std::forward<U>(from)) {
        value = &held;
    }
    const T held;
};

}  // namespace detail

/// A value that is bound to a task; made by `task_local::set`. Its destructor unbinds it. Keep it as a variable of the task.
class [[nodiscard("the value is bound as long as this lives: auto bound = …")]] task_local_binding {
public:
    task_local_binding(const task_local_binding&) = delete;
    task_local_binding& operator=(const task_local_binding&) = delete;
    ~task_local_binding() { detail::unbind_local(value_); }

private:
    template <class T>
    friend class task_local;
    explicit task_local_binding(detail::local_value& value) : value_(value) { detail::bind_local(value); }

    detail::local_value& value_;
};

/// A variable of which each task, with all that it starts, may have a value of its own: a request's number for the log, a user, a deadline.
///
///     leat::task_local<std::string> request_id;        // at namespace scope, usually; must outlive its bindings
///     auto bound = request_id.set("r-17");             // for this task, until `bound` goes
///     if (const std::string* id = request_id.get()) …  // anywhere below
///
/// A child (of a group, of `gather`, `race`, `timeout`, a server's handler) sees what its spawner saw when it was spawned, and keeps it alive: a
/// binding that goes before the child has ended changes nothing for the child. What a child binds, its parent and its siblings do not see.
/// A `generator` runs in the task that awaits it, and sees and binds what that does: do not keep a binding across its `co_yield`.
/// Threads: the loop's own; a function in `to_thread` sees nothing. Costs: nothing where it is not used but a pointer a strand; `set` allocates
/// once; `get` walks the values bound, the newest first. Source: contextvars.ContextVar.
template <class T>
class task_local {
    static_assert(!std::is_reference_v<T> && !std::is_const_v<T>, "the plain type of the value");

public:
    task_local() = default;
    task_local(const task_local&) = delete;
    task_local& operator=(const task_local&) = delete;

    /// Binds a value for the running task. Throws std::logic_error outside a task. Keep what it returns.
    template <class U = T>
    task_local_binding set(U&& value) {
        return task_local_binding{*new detail::local_holder<T>{this, std::forward<U>(value)}};
    }
    /// What the running task sees; null if nothing is bound, and outside a task. Valid as long as the binding, and in every task that
    /// was spawned under it.
    const T* get() const noexcept { return static_cast<const T*>(detail::find_local(this)); }
    /// The same, or `otherwise`.
    T get_or(T otherwise) const {
        if (const T* found = get()) return *found;
        return otherwise;
    }
};

}  // namespace leat
