// docs/guide/many-cores.md
#include <atomic>
#include <leat/leat.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "run_page.hpp"

namespace many_cores {
namespace {

leat::task<> handle_client(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

leat::task<> serve() {
    auto server = co_await leat::start_server(handle_client, {"", 8888}, {.reuse_port = true});   // each loop has one
    co_await server.serve_forever();
}
int serve_on_every_core() { return leat::run([] { return serve(); }, {.threads = 0}); }             // 0: as many as there are cores

thread_local std::unordered_map<std::string, int> visits;                    // each loop has its own part

leat::task<int> count_visit(std::string name) { co_return ++visits[name]; }  // runs where the part is

leat::task<int> visit(std::string name) {
    const auto loops = leat::sibling_loops();
    const auto owner = loops[std::hash<std::string>{}(name) % loops.size()];
    co_return co_await leat::run_on(owner, count_visit(name));
}

struct job {
    int number = 0;
};
long work_on(const job& which) { return 2L * which.number; }

leat::task<> hand_out(leat::channel<job>& jobs) {
    for (int i = 0; i < 100; ++i) co_await jobs.send({i});                    // waits while 16 are in it
    jobs.close();
}
leat::task<> take(leat::channel<job>& jobs, std::atomic<long>& sum) {
    while (auto next = co_await jobs.receive()) sum += work_on(*next);
}
long share_work() {
    leat::channel<job> jobs{16};
    std::atomic<long> sum = 0;
    auto main = [&](std::size_t index) { return index == 0 ? hand_out(jobs) : take(jobs, sum); };
    leat::run(main, {.threads = 3});
    return sum;
}

/// Called by a library, in a thread of its own.
void when_measured(leat::loop_handle loop, leat::event& measured) {
    loop.post([&measured] { measured.set(); });
}

leat::task<> wait_for_a_measurement() {
    leat::event measured;
    auto loop = leat::running_loop();
    auto library = [&] { when_measured(loop, measured); };
    co_await leat::to_thread(library);
    co_await measured.wait();
}

leat::task<> all(std::size_t index) {
    if (index != 0) co_return;
    auto first = co_await visit("ada");
    auto second = co_await visit("ada");
    guide::expect(first == 1 && second == 2, "one count for one name");
    co_await wait_for_a_measurement();
    co_await guide::stopped_after_some_turns(serve());
}

}  // namespace

int page() {
    guide::expect(share_work() == 9900, "each job done once");
    return leat::run(all, {.threads = 2});
}

// It ends with a signal alone.
int not_run_here() { return serve_on_every_core(); }

}  // namespace many_cores
