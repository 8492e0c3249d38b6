// Subject: the line echo server behind TLS; only its start differs from the plain one.
// usage: tls_echo PORT CERTIFICATE KEY [sink|source]      sink: receive and drop; source: send as many MB as the peer's first line says
#include <leat/leat.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

leat::task<> handle_client(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

leat::task<> drop_all(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto piece = co_await reader.read()) {}
    co_await writer.close();
}

leat::task<> send_all(leat::stream_reader reader, leat::stream_writer writer) {
    const auto line = co_await reader.read_line();
    const long megabytes = line ? std::atol(std::string{*line}.c_str()) : 0;
    const std::string piece(64 * 1024, 'x');
    for (long left = megabytes * 16; left > 0; --left) co_await writer.write(piece);
    co_await writer.close();
}

leat::task<> serve(std::uint16_t port, const char* certificate, const char* key, const char* what) {
    const auto context = co_await leat::tls::context::server({.certificate = certificate, .key = key});
    const auto handler = std::strcmp(what, "sink") == 0 ? drop_all : std::strcmp(what, "source") == 0 ? send_all : handle_client;
    auto server = co_await leat::start_server(handler, {"127.0.0.1", port}, {.tls = &context});
    std::printf("%u\n", static_cast<unsigned>(server.address().port()));
    std::fflush(stdout);
    co_await server.serve_forever();
}

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    return leat::run(serve(static_cast<std::uint16_t>(std::atoi(argv[1])), argv[2], argv[3], argc > 4 ? argv[4] : "echo"));
}
