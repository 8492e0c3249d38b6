#pragma once
#include <vector>

#include "leat/net/address.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// The addresses of a host, in the order in which to try them. Throws name_error.
task<std::vector<address>> resolve(endpoint host);

}  // namespace leat::detail
