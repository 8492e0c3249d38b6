#pragma once
#include "leat/net/connection.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"

namespace leat::testing {

/// A leat connection and the plain socket at its other end.
struct connected {
    stream_reader reader;
    stream_writer writer;
    raw_socket peer;
};

inline task<connected> connect_pair(connect_options options = {}, bool ipv6 = false, bool narrow = false) {
    raw_listener listener(ipv6);
    if (narrow) listener.narrow();
    const char* host = ipv6 ? "::1" : "127.0.0.1";
    auto opened = co_await open_connection({host, listener.port()}, options);
    co_return connected{std::move(opened.reader), std::move(opened.writer), listener.accept()};
}

}  // namespace leat::testing
