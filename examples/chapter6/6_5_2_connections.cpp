// 6.5.2 A server for many connections at once, which answers whatever arrives, line or not.
//
//     example_6_5_2_connections [HOST PORT]          default: 127.0.0.1 8888; port 0 takes a free one
#include <fmt/core.h>

#include <cstdlib>
#include <leat/leat.hpp>
#include <string>

leat::task<> handle_client(leat::stream_reader reader, leat::stream_writer writer) {
    const leat::address peer = writer.peer_address();
    fmt::print("New connection: {}\n", peer);
    while (auto data = co_await reader.read(leat::bytes{100})) {
        const auto message = data->substr(0, data->find_last_not_of(" \t\r\n") + 1);
        fmt::print("Received from {}: {}\n", peer, leat::printable(message));
        co_await writer.write("You said: ", message, "\n");
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
