#pragma once
#include <cstdint>
#include <string>

#include "leat/io/duration.hpp"

namespace tool {

/// "512 B", "1.23 kB", "45.6 MB", "789 GB": three digits, at most 7 columns.
std::string size_text(std::uint64_t bytes);
/// "1.23 MB/s".
std::string rate_text(double bytes_per_second);
/// "0:07", "12:34", "1:02:03"; days beyond that: "3d 04h".
std::string clock_text(leat::duration time);
/// "0.4 s", "12 s", "2:03": how long something took.
std::string elapsed_text(leat::duration time);

}  // namespace tool
