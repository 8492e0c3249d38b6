// docs/guide/observing.md
#include <leat/leat.hpp>
#include <stdexcept>
#include <string>

#include "run_page.hpp"

using namespace std::chrono_literals;

namespace observing {
namespace {

leat::task<> serve() {
    auto server = co_await leat::start_server(guide::echo, {"127.0.0.1", 8888});
    co_await server.serve_forever();
}

// As the page has it: the last line of main.
int run_observably() {
    return leat::run(serve(), {.slow_callback = 100ms, .tasks_on_sigusr1 = true});
}

leat::task<> answer_metrics(leat::stream_reader reader, leat::stream_writer writer) {
    auto head = co_await reader.read_until("\r\n\r\n");
    if (!head) co_return;
    const std::string text = leat::debug::metrics();
    co_await writer.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n", text);
    co_await writer.close();
}
leat::task<> serve_metrics() {
    auto server = co_await leat::start_server(answer_metrics, {"127.0.0.1", 9100});
    co_await server.serve_forever();
}

leat::task<> look() {
    leat::debug::print_tasks();                                       // on standard error
    const std::string tree = leat::debug::format_tasks();             // the same as text
    guide::expect(tree.find("running") != std::string::npos, "the tree has the task that asks");
    co_return;
}

}  // namespace

leat::task<> page() {
    leat::event never;
    leat::task_group group;
    auto wait = [&]() -> leat::task<> { co_await never.wait(); };
    group.spawn(wait);
    co_await leat::yield();
    co_await look();
    group.cancel();
    co_await group.join();

    auto server = co_await leat::start_server(answer_metrics, {"127.0.0.1", 0});
    leat::http::client http;
    auto response = co_await http.get(fmt::format("http://{}/metrics", server.address()));
    auto text = co_await response.text();
    guide::expect(text.find("leat_tasks_started_total{loop=") != std::string::npos, "the counters");
    co_await server.close();
}

// They end with a signal alone.
int not_run_here() { return run_observably() + leat::run(serve_metrics()); }

}  // namespace observing
