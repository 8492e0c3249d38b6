#include "leat/http/error.hpp"

#include "leat/log/printable.hpp"

namespace leat::http {

namespace {

std::string truncation_text(std::optional<std::uint64_t> expected, std::uint64_t received) {
    std::string text = "the body stopped short: " + std::to_string(received);
    if (expected) text += " of " + std::to_string(*expected);
    return text + " bytes received";
}

std::string status_text(int status, std::string_view reason, std::string_view url) {
    std::string text = std::to_string(status);
    // Appended, not added up: g++ 12 takes `" " + string` for overlapping memory and warns.
    if (!reason.empty()) text.append(" ").append(printable(reason));
    return text.append(": ").append(printable(url));
}

}  // namespace

truncated_error::truncated_error(std::optional<std::uint64_t> expected, std::uint64_t received)
    : truncated_error(truncation_text(expected, received), expected, received) {}

truncated_error::truncated_error(const std::string& what, std::optional<std::uint64_t> expected,
                                 std::uint64_t received)
    : error(what), expected_(expected), received_(received) {}

status_error::status_error(int status, std::string_view reason, std::string_view url)
    : error(status_text(status, reason, url)), status_(status), reason_(reason), url_(url) {}

}  // namespace leat::http
