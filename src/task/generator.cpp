#include "leat/task/generator.hpp"

#include <stdexcept>

namespace leat::detail {

void generator_misused() { throw std::logic_error("generator: two calls of next() at once, or moved during one"); }

}  // namespace leat::detail
