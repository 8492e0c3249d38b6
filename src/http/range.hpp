#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::http {

/// A piece of a representation, both ends included, as HTTP counts.
struct byte_range {
    std::uint64_t first;
    std::uint64_t last;
    std::uint64_t size() const noexcept { return last - first + 1; }
    bool operator==(const byte_range&) const = default;
};

enum class range_outcome : unsigned char {
    whole,          // no range, one that is malformed, or too many: answer 200 with everything
    partial,        // answer 206
    unsatisfiable,  // answer 416
};

struct requested_ranges {
    range_outcome outcome = range_outcome::whole;
    std::vector<byte_range> ranges;  // at least one if partial; clamped to the size, in the order asked for
};

/// Reads the value of a Range field for a representation of `size` bytes. More than `most` ranges, or ranges that
/// overlap so that their sum exceeds the size, are answered as a whole: either is an attack or a mistake.
requested_ranges parse_range(std::string_view value, std::uint64_t size, std::size_t most = 16);

/// "bytes=5-9", or "bytes=5-" for everything from there on.
std::string format_range(std::uint64_t first, std::optional<std::uint64_t> last = std::nullopt);

/// "bytes 5-9/100", or with an unknown total "bytes 5-9/*".
std::string format_content_range(byte_range range, std::optional<std::uint64_t> total);
/// "bytes */100": what a 416 says.
std::string format_unsatisfied_range(std::uint64_t total);

struct content_range {
    std::optional<byte_range> range;     // nothing in a 416
    std::optional<std::uint64_t> total;  // nothing for "*"
};

/// Reads the value of a Content-Range field; nothing if it is malformed or contradicts itself.
std::optional<content_range> parse_content_range(std::string_view value);

}  // namespace leat::http
