#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace leat {

/// Why an operation failed, without the cost of a throw.
class failure {
public:
    failure() = default;
    /// Takes the exception that `value()` would throw.
    explicit failure(std::exception_ptr exception) noexcept : exception_(std::move(exception)) {}

    /// The error code; an empty one where the exception has none (a limit, an application's own exception).
    std::error_code code() const noexcept;
    /// The text of the exception.
    std::string message() const;
    /// The exception itself.
    const std::exception_ptr& exception() const noexcept { return exception_; }

private:
    std::exception_ptr exception_;
};

/// A value, or the failure that took its place: what `co_await (operation | leat::as_result)` returns.
/// Cancellation is no failure: it is thrown as `leat::cancelled` in this style too.
template <class T>
class [[nodiscard]] result {
public:
    /// The value.
    result(T value) : value_(std::move(value)) {}
    /// The failure.
    result(failure why) noexcept : failure_(std::move(why)) {}

    /// Is there a value?
    bool has_value() const noexcept { return value_.has_value(); }
    /// The same.
    explicit operator bool() const noexcept { return has_value(); }
    /// The value; throws the failure's exception if there is none.
    T& value() & {
        if (!value_) std::rethrow_exception(failure_.exception());
        return *value_;
    }
    /// The same, moved out.
    T value() && {
        if (!value_) std::rethrow_exception(failure_.exception());
        return std::move(*value_);
    }
    /// The value, which must be there.
    T& operator*() & noexcept { return *value_; }
    /// The same, moved out.
    T&& operator*() && noexcept { return std::move(*value_); }
    /// The value, which must be there.
    T* operator->() noexcept { return &*value_; }
    /// The failure, which must be there.
    const failure& error() const noexcept { return failure_; }

private:
    std::optional<T> value_;
    failure failure_;
};

/// Success, or the failure that took its place.
template <>
class [[nodiscard]] result<void> {
public:
    result() = default;
    /// The failure.
    result(failure why) noexcept : failure_(std::move(why)) {}

    /// Did it succeed?
    bool has_value() const noexcept { return failure_.exception() == nullptr; }
    /// The same.
    explicit operator bool() const noexcept { return has_value(); }
    /// Throws the failure's exception, if there is one.
    void value() const {
        if (!has_value()) std::rethrow_exception(failure_.exception());
    }
    /// The failure, which must be there.
    const failure& error() const noexcept { return failure_; }

private:
    failure failure_;
};

namespace detail {

/// What `co_await` does to an awaitable: the awaiter, found as the language finds it.
template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
    if constexpr (requires { std::forward<A>(awaitable).operator co_await(); })
        return std::forward<A>(awaitable).operator co_await();
    else
        return std::forward<A>(awaitable);
}

/// An operation asked to answer with a result. Borrows the awaiter, or owns the one that a task's `operator co_await` made.
template <class Awaiter>
class as_result_awaiter {
    using awaiter = std::remove_reference_t<Awaiter>;

public:
    explicit as_result_awaiter(Awaiter&& inner) : inner_(std::forward<Awaiter>(inner)) {}
    template <class Awaitable>
    as_result_awaiter(std::in_place_t, Awaitable&& awaitable) : inner_(awaiter_of(std::forward<Awaitable>(awaitable))) {}
    as_result_awaiter(const as_result_awaiter&) = delete;
    as_result_awaiter& operator=(const as_result_awaiter&) = delete;

    bool await_ready() { return inner_.await_ready(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return inner_.await_suspend(frame, at);
    }
    auto await_resume() { return inner_.finish(); }

private:
    Awaiter inner_;
};

}  // namespace detail

/// `co_await (operation | leat::as_result)` returns a `result` where `co_await operation` would throw.
struct as_result_t {};
/// The one object of that type.
inline constexpr as_result_t as_result{};

/// Asks an awaitable to answer with a `result`. To be awaited where it stands, or given to `gather`, `race` or `timeout`.
template <class Awaitable>
    requires(!std::is_lvalue_reference_v<Awaitable>)
auto operator|(Awaitable&& awaitable, as_result_t) {
    using awaiter = decltype(detail::awaiter_of(std::forward<Awaitable>(awaitable)));
    return detail::as_result_awaiter<awaiter>{std::in_place, std::forward<Awaitable>(awaitable)};
}

}  // namespace leat
