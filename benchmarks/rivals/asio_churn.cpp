// Rival: line echo on standalone Asio with C++20 coroutines under connections that come and go, as its users write it.
// The concurrency hint of 1 spares the locks a single thread does not need.
#include <asio.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

using asio::ip::tcp;

asio::awaitable<void> handle_client(tcp::socket socket) {
    try {
        std::string data;
        for (;;) {
            std::size_t size =
                co_await asio::async_read_until(socket, asio::dynamic_buffer(data, 65536), '\n', asio::use_awaitable);
            co_await asio::async_write(socket, asio::buffer(data, size), asio::use_awaitable);
            data.erase(0, size);
        }
    } catch (const std::system_error&) {
        // The end of the stream, or a peer that went away.
    }
}

asio::awaitable<void> serve(tcp::acceptor& acceptor) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), handle_client(std::move(socket)), asio::detached);
    }
}

int main(int argc, char** argv) {
    asio::io_context context(1);
    unsigned short port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
    acceptor.listen(4096);
    std::printf("%u\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, serve(acceptor), asio::detached);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](auto, auto) { context.stop(); });
    context.run();
}
