// Rival: what coroutines cost on standalone Asio. Prints the JSON lines of benchmarks/leat/tasks.cpp: spawn_join_ns (co_spawn of one that does
// nothing, until all have ended, in batches of 1000) and sleeping_bytes (a coroutine with a timer, its frame included).
#include <asio.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

namespace {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print(const char* name, double value) {
    std::printf("{\"%s\": %.1f}\n", name, value);
    std::fflush(stdout);
}

double resident_bytes() {
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (!file) std::exit(1);
    unsigned long total = 0;
    unsigned long resident = 0;
    const int found = std::fscanf(file, "%lu %lu", &total, &resident);
    std::fclose(file);
    return found == 2 ? static_cast<double>(resident) * 4096 : 0;
}

asio::awaitable<void> nothing() { co_return; }

void spawn_and_join() {
    std::vector<double> figures;
    for (int round = 0; round < 9; ++round) {
        constexpr int batches = 500;
        constexpr int batch = 1000;
        asio::io_context context(1);
        const std::clock_t start = std::clock();
        for (int i = 0; i < batches; ++i) {
            for (int j = 0; j < batch; ++j) asio::co_spawn(context, nothing(), asio::detached);
            context.run();
            context.restart();
        }
        const double passed = static_cast<double>(std::clock() - start) * (1e9 / CLOCKS_PER_SEC);
        figures.push_back(passed / (batches * batch));
    }
    print("spawn_join_ns", median(figures));
}

asio::awaitable<void> sleeper() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(asio::use_awaitable);
}

void sleep_all() {
    constexpr int count = 1'000'000;
    asio::io_context context(1);
    const double before = resident_bytes();
    for (int i = 0; i < count; ++i) asio::co_spawn(context, sleeper(), asio::detached);
    context.poll();
    print("sleeping_bytes", (resident_bytes() - before) / count);
}

}  // namespace

int main(int argc, char** argv) {
    auto wanted = [&](const char* name) { return argc < 2 || std::strcmp(argv[1], name) == 0; };
    if (wanted("sleeping")) sleep_all();
    if (wanted("spawn")) spawn_and_join();
}
