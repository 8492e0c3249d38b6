#pragma once
#include <cstdint>
#include <string_view>

#include "leat/io/duration.hpp"

namespace tool {

/// "512", "10K", "1.5M", "2GiB", "700MB". K, M, G, T, P in either case, and KiB and so on, are powers of 1024, as in curl, wget and aria2; kB, MB and so on are
/// powers of 1000. Throws std::invalid_argument that names the text.
std::uint64_t parse_size(std::string_view text);
/// As a size, with or without "/s" behind it: bytes a second. 0: no limit.
std::uint64_t parse_rate(std::string_view text);
/// "30" and "0.5" are seconds; "500ms", "30s", "5m", "2h", "1d", "1h30m". Throws std::invalid_argument that names the text.
leat::duration parse_duration(std::string_view text);

}  // namespace tool
