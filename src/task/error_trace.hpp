#pragma once
#include <exception>
#include <string>

namespace leat::detail {

/// The tasks that an error passed through on its way up, innermost first, a line each; empty if that is no longer known.
std::string trace_of(const std::exception_ptr& error);

}  // namespace leat::detail
