#pragma once
#include "leat/task/task_local.hpp"

namespace leat::detail {

/// A strand ends: it lets go of what it sees.
void forget_locals(context& strand) noexcept;

}  // namespace leat::detail
