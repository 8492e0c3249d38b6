// Rival: bytes received and dropped on standalone Asio with C++20 coroutines, 64 KB at a time.
#include <asio.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

using asio::ip::tcp;

asio::awaitable<void> handle_client(tcp::socket socket) {
    try {
        auto buffer = std::make_unique<std::array<char, 64 * 1024>>();
        for (;;) co_await socket.async_read_some(asio::buffer(*buffer), asio::use_awaitable);
    } catch (const std::system_error&) {
        // The end of the stream.
    }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        asio::co_spawn(acceptor.get_executor(), handle_client(std::move(socket)), asio::detached);
    }
}

int main(int argc, char** argv) {
    asio::io_context context(1);
    unsigned short port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
    std::printf("%u\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, serve(acceptor), asio::detached);
    context.run();
}
