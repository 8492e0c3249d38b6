// docs/guide/sockets.md
#include <leat/leat.hpp>

#include "run_page.hpp"

namespace sockets {
namespace {

leat::task<> handle(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

leat::task<> over_a_path() {
    auto server = co_await leat::start_unix_server(handle, "/run/app.sock", {.file_mode = 0660});
    auto [reader, writer] = co_await leat::open_unix_connection("/run/app.sock");
    co_await writer.write("hello\n");
    co_await writer.close();
    co_await server.close();
}

leat::task<> answer_each() {
    auto socket = co_await leat::bind_udp({"127.0.0.1", 5353});
    for (;;) {
        const leat::datagram question = co_await socket.receive_from();  // .data, .from, .truncated
        co_await socket.send_to(question.data, question.from);
    }
}

leat::task<> behind_a_proxy() {
    leat::server_options options{.proxy_protocol = leat::proxy_protocol::required, .trusted_proxies = "10.0.0.0/8, ::1"};
    auto server = co_await leat::start_server(handle, {"", 8080}, options);
    co_await server.serve_forever();
}

}  // namespace

leat::task<> page() {
    try {
        co_await over_a_path();
    } catch (const leat::error& e) {  // who may not write to /run sees that
        leat::log::info("{}", e.what());
    }
    try {
        co_await guide::stopped_after_some_turns(answer_each());
    } catch (const leat::error& e) {  // somebody has the port
        leat::log::info("{}", e.what());
    }
    auto pair = leat::unix_socket_pair();
    co_await pair.first.writer.write("hello\n");
    co_await pair.first.writer.write_eof();
    co_await handle(std::move(pair.second.reader), std::move(pair.second.writer));
    auto echoed = co_await pair.first.reader.read_line();
    guide::expect(echoed == "hello\n", "an echo");
}

// Behind a proxy alone.
leat::task<> not_run_here() { co_await behind_a_proxy(); }

}  // namespace sockets
