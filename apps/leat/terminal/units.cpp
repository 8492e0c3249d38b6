#include "terminal/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tool {

std::string size_text(std::uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    constexpr const char* units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    // 999.5 would be shown as 1000.
    while (value >= 999.5 && unit + 1 < std::size(units)) value /= 1000, ++unit;
    const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, digits, units[unit]);
}

std::string rate_text(double bytes_per_second) {
    const double bounded = std::isfinite(bytes_per_second) ? std::clamp(bytes_per_second, 0.0, 1e18) : 0.0;
    return size_text(static_cast<std::uint64_t>(bounded)) + "/s";
}

std::string clock_text(leat::duration time) {
    const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(time).count());
    const auto minutes = seconds / 60, hours = minutes / 60;
    if (hours >= 24) return fmt::format("{}d {:02}h", hours / 24, hours % 24);
    if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes % 60, seconds % 60);
    return fmt::format("{}:{:02}", minutes, seconds % 60);
}

std::string elapsed_text(leat::duration time) {
    const double seconds = std::chrono::duration<double>(time).count();
    if (seconds < 9.95) return fmt::format("{:.1f} s", std::max(seconds, 0.0));
    if (seconds < 60) return fmt::format("{:.0f} s", std::floor(seconds));
    return clock_text(time);
}

}  // namespace tool
