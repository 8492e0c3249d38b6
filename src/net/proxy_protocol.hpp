#pragma once
#include <cstddef>
#include <string_view>

#include "leat/net/address.hpp"

namespace leat::detail {

/// The header with which a proxy says whose connection it passes on: version 1, a line of text, or 2, binary
/// (haproxy.org/download/2.8/doc/proxy-protocol.txt).
struct proxy_header {
    enum class state : unsigned char { incomplete, complete, malformed };
    state found = state::incomplete;
    std::size_t size = 0;       // complete: its length; incomplete: how many bytes it needs at least
    address client;             // empty if it names none: the proxy's own (health check), or of a family that leat does not know
    address destination;        // where the client meant to go
    const char* wrong = "";     // malformed: what is
};

inline constexpr std::size_t most_proxy_line = 107;     // version 1, its "\r\n" included
inline constexpr std::size_t most_proxy_block = 4096;   // version 2, after the first 16 bytes; the format would allow 65535

/// Looks at the bytes that a connection begins with. Nothing of what follows the header is looked at; what version 2 says beside the
/// addresses (TLVs) is skipped.
proxy_header parse_proxy_header(std::string_view bytes) noexcept;

}  // namespace leat::detail
