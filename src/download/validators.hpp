#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/headers.hpp"

namespace leat::detail {

/// What tells whether a server's file is still the same, byte by byte: only strong validators (RFC 9110 8.8).
struct validators {
    std::string etag;           // a strong one, as it came; empty: none
    std::string last_modified;  // one that no later change can share (8.8.2.2), as it came; empty: none

    static validators of(const http::headers& fields);
    /// What an answer says, weak or strong: to be compared with strong ones, since what differs from them is another file even in the second of its change.
    static validators said_by(const http::headers& fields);
    bool none() const noexcept { return etag.empty() && last_modified.empty(); }
    /// The value of an If-Range field.
    const std::string& if_range() const noexcept { return etag.empty() ? last_modified : etag; }
    /// Does another answer speak of the same bytes, as far as it says?
    bool agree_with(const validators& other) const noexcept;
};

/// What a 206 brings.
struct part_answer {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    std::optional<std::uint64_t> total;
};
/// Nothing if its Content-Range is missing or malformed.
std::optional<part_answer> part_answer_of(const http::headers& fields);
/// The size that a 416 tells.
std::optional<std::uint64_t> total_of_unsatisfied(const http::headers& fields);

}  // namespace leat::detail
