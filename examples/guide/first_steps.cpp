// docs/guide/first-steps.md
#include <leat/leat.hpp>

leat::task<> greet(leat::stream_reader reader, leat::stream_writer writer) {
    co_await writer.write("Who is there?\n");
    if (auto name = co_await reader.read_line()) co_await writer.write("Hello, ", *name);
    co_await writer.close();
}

leat::task<> serve() {
    auto server = co_await leat::start_server(greet, {"127.0.0.1", 8888});
    leat::log::info("server started on {}", server.address());
    co_await server.serve_forever();
}

int main() { return leat::run(serve()); }
