// docs/guide/from-asio.md
#include <leat/leat.hpp>
#include <vector>

#include "run_page.hpp"

using namespace std::chrono_literals;

namespace from_asio {
namespace {

leat::task<> echo(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}
leat::task<> listen() {
    auto server = co_await leat::start_server(echo, {"0.0.0.0", 8888});
    co_await server.serve_forever();
}

leat::task<> ask(leat::endpoint peer) {
    auto [reader, writer] = co_await leat::open_connection(peer);
    co_await writer.write("hello\n");
    auto line = co_await leat::timeout(5s, reader.read_line());       // timeout_error; the bytes that came stay in the reader
    guide::expect(line == "hello\n", "the echo of a line");
    co_await writer.close();
}

leat::task<> visit(leat::endpoint peer, leat::semaphore& slots) {
    auto slot = co_await slots.acquire();
    co_await ask(std::move(peer));
}

leat::task<> visit_all(std::vector<leat::endpoint> peers) {
    leat::semaphore slots{32};
    leat::task_group group;
    for (auto& peer : peers) group.spawn(visit(peer, slots));
    co_await group.join();                                          // an error cancels the others and is thrown here
}

leat::task<> all() {
    auto server = co_await leat::start_server(echo, {"127.0.0.1", 0});
    const leat::endpoint here{"127.0.0.1", server.address().port()};
    co_await visit_all(std::vector<leat::endpoint>(40, here));
    co_await server.close();
    co_await guide::stopped_after_some_turns(listen());
}

}  // namespace

leat::task<> page() { return all(); }

}  // namespace from_asio
