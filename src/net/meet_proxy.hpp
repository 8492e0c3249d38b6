#pragma once
#include "leat/io/reader.hpp"
#include "leat/net/server.hpp"
#include "net/network_list.hpp"
#include "net/tcp_stream.hpp"

namespace leat::detail {

/// What a server does about the PROXY protocol.
struct proxy_settings {
    proxy_protocol wanted = proxy_protocol::off;
    network_list trusted;  // empty: everyone
    duration timeout{};
};

enum class meeting : unsigned char {
    served,   // go on: the stream's peer is the client
    refused,  // no header, or none that may be believed: logged, and the connection is to be cut
    left,     // it ended before the first byte, as a health check does
};

/// Takes the header from the front of a new connection.
task<meeting> meet_proxy(stream_reader& reader, tcp_stream& stream, const proxy_settings& settings);

}  // namespace leat::detail
