#include "io/buffer_pool.hpp"

#include <bit>
#include <new>

#include "task/small_pool.hpp"

namespace leat::detail {
namespace {

std::size_t class_of(std::size_t rounded_size) noexcept { return std::countr_zero(rounded_size / buffer_pool::smallest); }

}  // namespace

std::size_t buffer_pool::rounded(std::size_t size) noexcept { return size <= smallest ? smallest : std::bit_ceil(size); }

char* buffer_pool::take(std::size_t size) {
    size = rounded(size);
    std::size_t index = class_of(size);
    if (index < classes && free_[index]) {
        link* taken = free_[index];
        free_[index] = taken->next;
        kept_ -= size;
        return static_cast<char*>(static_cast<void*>(taken));
    }
    return static_cast<char*>(::operator new(size));
}

void buffer_pool::give_back(char* memory, std::size_t rounded_size) noexcept {
    std::size_t index = class_of(rounded_size);
#ifndef LEAT_POOLS_OFF
    if (index < classes && kept_ + rounded_size <= most_kept) {
        auto* returned = new (memory) link{free_[index]};
        free_[index] = returned;
        kept_ += rounded_size;
        return;
    }
#endif
    (void)index;
    ::operator delete(memory, rounded_size);
}

buffer_pool::~buffer_pool() {
    for (std::size_t index = 0; index < classes; ++index)
        while (link* kept = free_[index]) {
            free_[index] = kept->next;
            ::operator delete(kept, smallest << index);
        }
}

}  // namespace leat::detail
