#include "leat/task/parallel_for_each.hpp"

#include <stdexcept>

namespace leat::detail {

void check_parallel_limit(std::size_t limit) {
    if (limit == 0) throw std::invalid_argument("parallel_for_each: a limit of 0 at once");
}

}  // namespace leat::detail
