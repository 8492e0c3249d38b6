// 6.3.2 An echo server: sends every line back to whoever sent it, to any number of clients at once.
//
//     example_6_3_2_echo_server [HOST PORT]          default: 127.0.0.1 8888; port 0 takes a free one
//
// Ctrl-C stops it in order: no new clients, what has been received is still answered.
#include <fmt/core.h>

#include <cstdlib>
#include <leat/leat.hpp>
#include <string>
#include <string_view>

// Without its line end, and without anything that a stranger's text could do to a terminal.
std::string shown(std::string_view line) { return leat::printable(line.substr(0, line.find_last_not_of("\r\n") + 1)); }

leat::task<> handle_client(leat::stream_reader reader, leat::stream_writer writer) {
    const leat::address peer = writer.peer_address();
    fmt::print("New connection: {}\n", peer);
    while (auto line = co_await reader.read_line()) {
        fmt::print("Received from {}: {}\n", peer, shown(*line));
        co_await writer.write(*line);
    }
    fmt::print("Connection closed: {}\n", peer);
    co_await writer.close();
}

leat::task<> serve(leat::endpoint at) {
    auto server = co_await leat::start_server(handle_client, at);
    fmt::print("Server started on {}\n", server.address());
    co_await server.serve_forever();
}

int main(int count, char** values) {
    const std::string host = count > 1 ? values[1] : "127.0.0.1";
    const int port = count > 2 ? std::atoi(values[2]) : 8888;
    return leat::run(serve({host, static_cast<std::uint16_t>(port)}));
}
