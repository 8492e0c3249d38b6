#include "cancel/quarantine.hpp"

#include <malloc.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define LEAT_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAT_POISONS 1
#endif
#endif

#ifdef LEAT_POISONS
#include <sanitizer/asan_interface.h>
#define LEAT_UNCHECKED __attribute__((no_sanitize("address")))
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define LEAT_UNCHECKED
#endif

namespace leat::testing {
namespace {

struct block {
    unsigned char* memory;
    std::size_t size;
};
struct wound {
    std::size_t size;
    std::size_t at;
    unsigned char bytes[8];
};

constexpr std::size_t most_bytes = 64 << 20;
constexpr std::size_t most_blocks = 1 << 16;

/// A ring; in static memory, since it is used before main and after it.
struct ring {
    std::atomic_flag locked = ATOMIC_FLAG_INIT;
    std::array<block, most_blocks> kept{};
    std::size_t first = 0;
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::array<wound, 16> wounds{};
    std::size_t wounded = 0;
};
constinit ring all;

class ring_guard {
public:
    ring_guard() noexcept {
        while (all.locked.test_and_set(std::memory_order_acquire)) {}
    }
    ~ring_guard() { all.locked.clear(std::memory_order_release); }
    ring_guard(const ring_guard&) = delete;
};

/// The first byte that is no longer the pattern; `size` if all are.
LEAT_UNCHECKED std::size_t first_change(const unsigned char* memory, std::size_t size) noexcept {
    constexpr std::uint64_t eight = 0x0101010101010101u * quarantine::pattern;
    std::size_t at = 0;
    for (; at + 8 <= size; at += 8)
        if (*static_cast<const std::uint64_t*>(static_cast<const void*>(memory + at)) != eight) break;
    while (at < size && memory[at] == quarantine::pattern) ++at;
    return at;
}

/// Looks at a block, notes what is wrong, and makes it whole again.
LEAT_UNCHECKED void examine(const block& b) noexcept {
    const std::size_t at = first_change(b.memory, b.size);
    if (at == b.size) return;
    if (all.wounded < all.wounds.size()) {
        wound& w = all.wounds[all.wounded];
        w.size = b.size;
        w.at = at;
        for (std::size_t i = 0; i < sizeof w.bytes; ++i) w.bytes[i] = at + i < b.size ? b.memory[at + i] : quarantine::pattern;
    }
    ++all.wounded;
    for (std::size_t i = at; i < b.size; ++i) b.memory[i] = quarantine::pattern;
}

void release_oldest() noexcept {
    const block oldest = all.kept[all.first];
    all.first = (all.first + 1) % most_blocks;
    --all.count;
    all.bytes -= oldest.size;
    examine(oldest);
    ASAN_UNPOISON_MEMORY_REGION(oldest.memory, oldest.size);
    std::free(oldest.memory);
}

void keep(void* memory) noexcept {
    if (!memory) return;
    const std::size_t size = ::malloc_usable_size(memory);
    if (size < quarantine::least || size > most_bytes / 4) return std::free(memory);
    std::memset(memory, quarantine::pattern, size);
    ASAN_POISON_MEMORY_REGION(memory, size);
    ring_guard alone;
    while (all.count == most_blocks || all.bytes + size > most_bytes) release_oldest();
    all.kept[(all.first + all.count++) % most_blocks] = {static_cast<unsigned char*>(memory), size};
    all.bytes += size;
}

void* obtain(std::size_t size) {
    if (void* memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc{};
}
void* obtain(std::size_t size, std::align_val_t alignment) {
    const auto by = static_cast<std::size_t>(alignment);
    if (void* memory = std::aligned_alloc(by, (size + by - 1) / by * by)) return memory;
    throw std::bad_alloc{};
}

}  // namespace

std::string quarantine::damage() {
    std::array<wound, 16> wounds;
    std::size_t wounded;
    {
        ring_guard alone;
        for (std::size_t i = 0; i < all.count; ++i) examine(all.kept[(all.first + i) % most_blocks]);
        wounds = all.wounds;
        wounded = all.wounded;
        all.wounded = 0;
    }
    std::string text;
    for (std::size_t i = 0; i < wounded && i < wounds.size(); ++i) {
        text += "a freed block of " + std::to_string(wounds[i].size) + " bytes was written to at byte " + std::to_string(wounds[i].at) + ':';
        for (const unsigned char byte : wounds[i].bytes) text += ' ' + std::to_string(byte);
        text += '\n';
    }
    if (wounded > wounds.size()) text += "and " + std::to_string(wounded - wounds.size()) + " more\n";
    return text;
}

std::size_t quarantine::size() noexcept {
    ring_guard alone;
    return all.bytes;
}

}  // namespace leat::testing

// Every form of them: none may be left to the library, whose memory would come from elsewhere.
void* operator new(std::size_t size) { return leat::testing::obtain(size); }
void* operator new[](std::size_t size) { return leat::testing::obtain(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size ? size : 1); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size ? size : 1); }
void* operator new(std::size_t size, std::align_val_t by) { return leat::testing::obtain(size, by); }
void* operator new[](std::size_t size, std::align_val_t by) { return leat::testing::obtain(size, by); }
void operator delete(void* memory) noexcept { leat::testing::keep(memory); }
void operator delete[](void* memory) noexcept { leat::testing::keep(memory); }
void operator delete(void* memory, std::size_t) noexcept { leat::testing::keep(memory); }
void operator delete[](void* memory, std::size_t) noexcept { leat::testing::keep(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { leat::testing::keep(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { leat::testing::keep(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { leat::testing::keep(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { leat::testing::keep(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { leat::testing::keep(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { leat::testing::keep(memory); }
