#include "leat/io/result.hpp"

#include "leat/io/error.hpp"

namespace leat {

std::error_code failure::code() const noexcept {
    if (!exception_) return {};
    try {
        std::rethrow_exception(exception_);
    } catch (const std::system_error& e) {
        return e.code();
    } catch (...) {
        return {};
    }
}

std::string failure::message() const { return describe(exception_); }

}  // namespace leat
