#pragma once
#include <compare>
#include <cstddef>

namespace leat {

/// A number of bytes, so that a limit cannot be mistaken for a count of anything else.
/// Written `leat::bytes{4096}` or, with `using namespace leat::literals`, `64_KiB`.
struct bytes {
    std::size_t count = 0;  ///< how many

    /// As their counts compare.
    friend constexpr bool operator==(bytes, bytes) = default;
    friend constexpr auto operator<=>(bytes a, bytes b) { return a.count <=> b.count; }
};

inline namespace literals {
/// Bytes.
constexpr bytes operator""_B(unsigned long long n) { return {static_cast<std::size_t>(n)}; }
/// Times 1024.
constexpr bytes operator""_KiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 10}; }
/// Times 1024 squared.
constexpr bytes operator""_MiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 20}; }
/// Times 1024 cubed.
constexpr bytes operator""_GiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 30}; }
}  // namespace literals

}  // namespace leat
