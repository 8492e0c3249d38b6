#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::detail {

/// Bytes of a file, from `first` to before `end`.
struct span_of_bytes {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    std::uint64_t size() const noexcept { return end - first; }
    bool operator==(const span_of_bytes&) const = default;
};

/// Which bytes of a file are there: spans in order that neither touch nor overlap.
class byte_ranges {
public:
    void add(span_of_bytes part);
    void clear() noexcept { spans_.clear(); }
    const std::vector<span_of_bytes>& spans() const noexcept { return spans_; }
    /// How many bytes in all.
    std::uint64_t total() const noexcept;
    /// The end of the span that begins at 0: so much may be hashed in order.
    std::uint64_t prefix() const noexcept;
    bool covers(span_of_bytes part) const noexcept;
    /// The first span that is missing at or behind `from`, of a file of that size.
    std::optional<span_of_bytes> missing(std::uint64_t from, std::uint64_t size) const noexcept;
    /// All that is missing.
    std::vector<span_of_bytes> all_missing(std::uint64_t size) const;

    /// As the journal keeps it: varints, at most a few bytes a span.
    std::string encoded() const;
    /// Nothing if it is damaged.
    static std::optional<byte_ranges> decoded(std::string_view text);

private:
    std::vector<span_of_bytes> spans_;
};

}  // namespace leat::detail
