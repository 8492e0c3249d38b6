#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace leat::detail {

/// Buffers of a loop's streams and files, by powers of two; a stream that is idle gives its own back.
class buffer_pool {
public:
    static constexpr std::size_t smallest = 4096;

    buffer_pool() = default;
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;
    ~buffer_pool();

    /// What `take` gives for so many bytes.
    static std::size_t rounded(std::size_t size) noexcept;
    /// At least `size` bytes; exactly rounded(size). Throws std::bad_alloc.
    char* take(std::size_t size);
    void give_back(char* memory, std::size_t rounded_size) noexcept;

private:
    static constexpr std::size_t classes = 10;  // 4 KiB … 2 MiB
    static constexpr std::size_t most_kept = 4 << 20;
    struct link {
        link* next;
    };
    std::array<link*, classes> free_{};
    std::size_t kept_ = 0;
};

}  // namespace leat::detail
