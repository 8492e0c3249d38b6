// 6.3.2 The echo client: three connections side by side, one message each.
//
//     example_6_3_2_echo_client [HOST PORT]          default: 127.0.0.1 8888
#include <fmt/core.h>

#include <cstdlib>
#include <leat/leat.hpp>
#include <string>
#include <string_view>

std::string shown(std::string_view line) { return leat::printable(line.substr(0, line.find_last_not_of("\r\n") + 1)); }

leat::task<> echo(leat::endpoint server, std::string message) {
    auto [reader, writer] = co_await leat::open_connection(server);

    fmt::print("Sending: {}\n", message);
    co_await writer.write(message, "\n");

    auto reply = co_await reader.read_line();
    fmt::print("Received: {}\n", shown(reply.value_or("nothing")));

    fmt::print("Closing connection\n");
    co_await writer.close();
}

leat::task<> talk(leat::endpoint server) {
    co_await leat::gather(echo(server, "Hello, server!"),   //
                          echo(server, "How are you?"),     //
                          echo(server, "Asynchrony is cool!"));
}

int main(int count, char** values) {
    const std::string host = count > 1 ? values[1] : "127.0.0.1";
    const int port = count > 2 ? std::atoi(values[2]) : 8888;
    return leat::run(talk({host, static_cast<std::uint16_t>(port)}));
}
