// Feeds the front of a connection as it would come, a piece at a time: the verdict must not depend on the pieces, nothing behind the header may
// be asked for, and what a text header says must come back from its own addresses.

#include <cstdint>
#include <string>

#include "net/proxy_protocol.hpp"
#include "require.hpp"

using namespace leat;
using detail::parse_proxy_header;
using state = detail::proxy_header::state;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    const auto whole = parse_proxy_header(data);
    if (whole.found == state::complete) {
        require(whole.size <= size && whole.size >= 15 && whole.size <= 16 + detail::most_proxy_block);
        require(data.front() != 'P' || whole.size <= detail::most_proxy_line);
        // The header alone says the same.
        const auto alone = parse_proxy_header(data.substr(0, whole.size));
        require(alone.found == state::complete && alone.client == whole.client && alone.destination == whole.destination);
        if (!whole.client.empty() && !whole.client.is_unix()) {
            const std::string line = std::string{whole.client.is_ipv6() ? "PROXY TCP6 " : "PROXY TCP4 "} + whole.client.host() + ' ' +
                                     whole.destination.host() + ' ' + std::to_string(whole.client.port()) + ' ' +
                                     std::to_string(whole.destination.port()) + "\r\n";
            const auto again = parse_proxy_header(line);
            require(again.found == state::complete && again.client == whole.client && again.destination == whole.destination);
        }
        (void)whole.client.to_string();
    }
    // As a server reads it: exactly as many bytes as are asked for.
    std::size_t given = 0;
    auto header = parse_proxy_header({});
    while (header.found == state::incomplete) {
        require(header.size > given);
        if (header.size > size) break;
        given = header.size;
        header = parse_proxy_header(data.substr(0, given));
    }
    if (header.found == state::complete) {
        require(whole.found == state::complete && given == whole.size && header.size == whole.size);
    } else if (whole.found == state::complete) {
        require(false);
    }
    if (header.found == state::malformed) require(whole.found == state::malformed && header.wrong[0] != '\0');
    return 0;
}
