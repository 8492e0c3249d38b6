#pragma once
#include <array>
#include <cstddef>
#include <new>

// Off under AddressSanitizer, so that it sees each use after free.
#if defined(__SANITIZE_ADDRESS__)
#define LEAT_POOLS_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAT_POOLS_OFF 1
#endif
#endif

namespace leat::detail {

/// Coroutine frames, strands and connections: freed ones are kept by size, per thread, and handed out again, last in first out.
/// Memory is carved from larger pieces, so that a frame costs its own size and no header.
class small_pool {
    static constexpr std::size_t step = 16;
    static constexpr std::size_t largest = 2048;
    static constexpr std::size_t piece = 64 * 1024;
    struct link {
        link* next;
    };

public:
    static void* allocate(std::size_t size) {
#ifndef LEAT_POOLS_OFF
        if (size <= largest) {
            auto& head = free_[(size + step - 1) / step];
            if (head) [[likely]] {
                link* taken = head;
                head = taken->next;
                return taken;
            }
            return carve((size + step - 1) / step * step);
        }
#endif
        return ::operator new(size);
    }
    static void release(void* memory, std::size_t size) noexcept {
#ifndef LEAT_POOLS_OFF
        if (size <= largest) {
            auto& head = free_[(size + step - 1) / step];
            auto* returned = static_cast<link*>(memory);
            returned->next = head;
            head = returned;
            return;
        }
#endif
        ::operator delete(memory, size);
    }

private:
    static void* carve(std::size_t size);

    // Never given back: a thread that ends leaves its pieces to whoever still uses objects made on it.
    static inline constinit thread_local std::array<link*, largest / step + 1> free_{};
    static inline constinit thread_local char* next_ = nullptr;
    static inline constinit thread_local char* end_ = nullptr;
};

/// Base for classes that are allocated from the pool. The class must be final or deleted through its own type.
template <class T>
struct pooled {
    static void* operator new(std::size_t size) { return small_pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { small_pool::release(memory, size); }
};

}  // namespace leat::detail
