// Rival: line echo behind TLS on standalone Asio with C++20 coroutines, a write for each line, as its users write it.
// The concurrency hint of 1 spares the locks a single thread does not need.
// usage: asio_tls_echo PORT CERTIFICATE KEY [sink|source]      sink: receive and drop; source: send as many MB as the peer's first line says
#include <asio.hpp>
#include <asio/ssl.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

using asio::ip::tcp;
using stream = asio::ssl::stream<tcp::socket>;

namespace {

constexpr std::size_t piece_size = 64 * 1024;

asio::awaitable<void> echo(stream& peer) {
    std::string data;
    for (;;) {
        std::size_t size = co_await asio::async_read_until(peer, asio::dynamic_buffer(data, 65536), '\n', asio::use_awaitable);
        co_await asio::async_write(peer, asio::buffer(data, size), asio::use_awaitable);
        data.erase(0, size);
    }
}

asio::awaitable<void> sink(stream& peer) {
    std::vector<char> piece(piece_size);
    for (;;) co_await peer.async_read_some(asio::buffer(piece), asio::use_awaitable);
}

asio::awaitable<void> source(stream& peer) {
    std::string line;
    co_await asio::async_read_until(peer, asio::dynamic_buffer(line, 64), '\n', asio::use_awaitable);
    const std::vector<char> piece(piece_size);
    for (long left = std::atol(line.c_str()) * 16; left > 0; --left) co_await asio::async_write(peer, asio::buffer(piece), asio::use_awaitable);
    co_await peer.async_shutdown(asio::use_awaitable);
}

using service = asio::awaitable<void> (*)(stream&);

asio::awaitable<void> handle_client(stream peer, service serves) {
    try {
        co_await peer.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
        co_await serves(peer);
    } catch (const std::system_error&) {
        // The end of the stream, or a peer that went away.
    }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor, asio::ssl::context& tls, service serves) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), handle_client(stream(std::move(socket), tls), serves), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    const char* what = argc > 4 ? argv[4] : "echo";
    asio::io_context context(1);
    asio::ssl::context tls(asio::ssl::context::tls_server);
    tls.use_certificate_chain_file(argv[2]);
    tls.use_private_key_file(argv[3], asio::ssl::context::pem);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::atoi(argv[1]))});
    acceptor.listen(4096);
    std::printf("%u\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    const service serves = std::strcmp(what, "sink") == 0 ? sink : std::strcmp(what, "source") == 0 ? source : echo;
    asio::co_spawn(context, serve(acceptor, tls, serves), asio::detached);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](auto, auto) { context.stop(); });
    context.run();
}
