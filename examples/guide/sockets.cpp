// docs/guide/sockets.md
#include <leat/leat.hpp>

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

leat::task<> all() {
    co_await over_a_path();
    co_await leat::gather(answer_each(), behind_a_proxy());
}

}  // namespace sockets
