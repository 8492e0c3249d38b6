#include "leat/io/error.hpp"

#include <new>
#include <utility>

namespace leat {
namespace {

std::string named(std::string_view operation, std::string_view subject) {
    std::string text{operation};
    if (!subject.empty()) text.append(" ").append(subject);
    return text;
}

}  // namespace

error::error(std::error_code code, std::string_view operation, std::string_view subject)
    : std::system_error(code), operation_(operation), subject_(subject), text_(named(operation, subject)) {
    text_.append(": ").append(code.message());
    if (code.category() == std::generic_category() || code.category() == std::system_category())
        text_.append(" (errno ").append(std::to_string(code.value())).append(")");
}

error::error(int errno_value, std::string_view operation, std::string_view subject)
    : error(std::error_code(errno_value, std::generic_category()), operation, subject) {}

limit_error::limit_error(std::string_view operation, std::string_view subject, std::size_t limit)
    : std::runtime_error(named(operation, subject) + ": no end within the limit of " + std::to_string(limit) + " bytes"), limit_(limit) {}

incomplete_read::incomplete_read(std::string_view operation, std::string_view subject, std::size_t expected, std::size_t received)
    : std::runtime_error(named(operation, subject) + ": the stream ended after " + std::to_string(received) +
                         (expected ? " of " + std::to_string(expected) + " bytes" : " bytes, before the separator")),
      expected_(expected),
      received_(received) {}

error_group::error_group(std::vector<std::exception_ptr> errors) : errors_(std::move(errors)) {
    text_ = std::to_string(errors_.size()) + " errors";
    const char* between = ": ";
    for (const auto& e : errors_) {
        text_.append(between).append(describe(e));
        between = "; ";
    }
}

std::string describe(const std::exception_ptr& error) {
    if (!error) return "no error";
    try {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            return e.what();
        } catch (const cancelled&) {
            return "cancelled";
        } catch (...) {
            return "unknown exception";
        }
    } catch (const std::bad_alloc&) {  // of the text's. Most who ask have nobody to tell
        return "out of memory";
    }
}

}  // namespace leat
