#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "leat/io/duration.hpp"

namespace tool {

/// One line of JSON, without its end. Bytes that are not UTF-8 become U+FFFD; control characters are escaped, and so are those that reorder a terminal's text or end
/// lines elsewhere (everything beyond ASCII is).
inline std::string json_line(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

/// Seconds, to the microsecond.
inline double json_seconds(leat::duration time) {
    return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(time).count()) / 1e6;
}

}  // namespace tool
