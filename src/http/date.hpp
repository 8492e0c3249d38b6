#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leat::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT" from seconds since 1970. Years outside 0 to 9999 are clamped to those.
std::string format_date(std::int64_t seconds);

/// Seconds since 1970 from any of the three forms of RFC 9110 5.6.7 (IMF-fixdate, RFC 850, asctime).
std::optional<std::int64_t> parse_date(std::string_view text);

}  // namespace leat::http
