#pragma once
#include <memory>
#include <type_traits>
#include <utility>

namespace leat {

/// A callable that lives elsewhere: two pointers, trivially destructible, so that it may stand in an option struct. It binds to a named
/// callable only, which must outlive every call; a temporary does not compile.
template <class Signature>
class function_ref;

/// A callable that lives elsewhere, with its arguments and its result spelled out: `function_ref<void(int)>`.
template <class R, class... Arguments>
class function_ref<R(Arguments...)> {
public:
    constexpr function_ref() noexcept = default;
    /// None.
    constexpr function_ref(std::nullptr_t) noexcept {}
    /// A function.
    constexpr function_ref(R (*function)(Arguments...)) noexcept
        : call_([](storage target, Arguments... arguments) -> R { return target.function(std::forward<Arguments>(arguments)...); }) {
        target_.function = function;
    }
    /// A named callable object.
    template <class Callable>
        requires(!std::is_function_v<Callable> && !std::is_same_v<std::remove_cv_t<Callable>, function_ref> &&
                 std::is_invocable_r_v<R, Callable&, Arguments...>)
    constexpr function_ref(Callable& callable) noexcept
        : call_([](storage target, Arguments... arguments) -> R { return (*static_cast<Callable*>(target.object))(std::forward<Arguments>(arguments)...); }) {
        target_.object = const_cast<void*>(static_cast<const void*>(std::addressof(callable)));
    }
    template <class Callable>
        requires(!std::is_lvalue_reference_v<Callable> && std::is_class_v<Callable> && !std::is_same_v<std::remove_cv_t<Callable>, function_ref>)
    function_ref(Callable&&) = delete;

    /// Is there one?
    constexpr explicit operator bool() const noexcept { return call_ != nullptr; }
    /// Calls it; there must be one.
    R operator()(Arguments... arguments) const { return call_(target_, std::forward<Arguments>(arguments)...); }

private:
    union storage {
        void* object;
        R (*function)(Arguments...);
    };
    storage target_{};
    R (*call_)(storage, Arguments...) = nullptr;
};

}  // namespace leat
