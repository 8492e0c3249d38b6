#pragma once
#include <exception>

namespace leat::detail {

/// The exception that `make` returns; where there is no memory for its words, the one that says so. For places that must not throw.
template <class Make>
std::exception_ptr error_from(Make make) noexcept {
    try {
        return std::make_exception_ptr(make());
    } catch (...) {
        return std::current_exception();
    }
}

}  // namespace leat::detail
