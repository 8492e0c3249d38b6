#include "task/small_pool.hpp"

#include <mutex>
#include <vector>

namespace leat::detail {

void* small_pool::carve(std::size_t size) {
    if (static_cast<std::size_t>(end_ - next_) < size) {
        // Kept reachable for leak checkers; what is left of the old piece is lost, at most one object's size in 64 KiB.
        static std::mutex mutex;
        static auto* pieces = new std::vector<void*>;
        next_ = static_cast<char*>(::operator new(piece));
        end_ = next_ + piece;
        std::lock_guard lock(mutex);
        pieces->push_back(next_);
    }
    void* taken = next_;
    next_ += size;
    return taken;
}

}  // namespace leat::detail
