#pragma once
#include <string>
#include <string_view>

namespace leat::log {

/// Appends the text with everything that a terminal or a line-oriented reader would act upon written as an escape.
void append_escaped(std::string& to, std::string_view text);

/// The longest beginning of the text that has at most `limit` bytes and does not end inside a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t limit) noexcept;

}  // namespace leat::log
