#include "leat/task/detail/context.hpp"
#include "task/small_pool.hpp"

namespace leat::detail {

void* promise_base::operator new(std::size_t size) { return small_pool::allocate(size); }
void promise_base::operator delete(void* frame, std::size_t size) noexcept { small_pool::release(frame, size); }

}  // namespace leat::detail
