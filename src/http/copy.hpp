#pragma once
#include <cstdint>

#include "leat/http/body.hpp"
#include "leat/io/copy.hpp"

namespace leat::detail {

inline constexpr std::uint64_t no_end = static_cast<std::uint64_t>(-1);

/// As leat::copy from a body to a file, but nothing is written at or behind `end`, a place in the file, which may move while it copies, and which must outlive
/// the task. A body that goes on behind it is left unread. Returns the bytes that were read, a few more than were written where it ended there.
task<std::uint64_t> copy_before(http::body& from, file& to, const std::uint64_t& end);

}  // namespace leat::detail
