#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tool {

/// How many columns of a terminal a printable text takes: wide characters take two, combining ones none. A byte that is not UTF-8 takes
/// one, as the replacement character that terminals show for it.
std::size_t columns_of(std::string_view text) noexcept;

/// The text cut to at most `columns`, between characters; its end is then "…" (or "." with `unicode` off).
std::string cut_to(std::string_view text, std::size_t columns, bool unicode);

/// The same, and filled up with spaces to exactly `columns`.
std::string fit_to(std::string_view text, std::size_t columns, bool unicode);

}  // namespace tool
