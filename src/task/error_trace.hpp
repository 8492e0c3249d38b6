#pragma once
#include <exception>
#include <source_location>
#include <string>
#include <vector>

namespace leat::detail {

/// The tasks that an error passed through on its way up, innermost first, a line each; empty if that is no longer known.
std::string trace_of(const std::exception_ptr& error);

/// For an error that goes on in another thread: what is known of its way, taken there along with it.
std::vector<std::source_location> take_trace(const std::exception_ptr& error) noexcept;
void adopt_trace(const std::exception_ptr& error, std::vector<std::source_location> places) noexcept;

}  // namespace leat::detail
