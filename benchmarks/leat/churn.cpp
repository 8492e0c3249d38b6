// Subject: the line echo server under connections that come and go; the handler exactly as in the guide.
#include <leat/leat.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

leat::task<> handle_client(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

leat::task<> serve(std::uint16_t port) {
    auto server = co_await leat::start_server(handle_client, {"127.0.0.1", port}, {.backlog = 4096});
    std::printf("%u\n", static_cast<unsigned>(server.address().port()));
    std::fflush(stdout);
    co_await server.serve_forever();
}

int main(int argc, char** argv) {
    return leat::run(serve(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0)));
}
