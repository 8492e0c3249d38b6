#pragma once
#include <optional>
#include <string_view>

#include "leat/net/endpoint.hpp"

namespace tool {

/// "127.0.0.1:8888", "example.org:80", "[::1]:80", ":80" (every local address). Nothing if it is none of these.
std::optional<leat::endpoint> parse_endpoint(std::string_view text);

}  // namespace tool
