// Subject: what tasks themselves cost. Prints a JSON line a figure, each the median of several rounds; times are the process's CPU:
//   spawn_join_ns    starting a task that does nothing in a group, and joining it, in batches of 1000
//   sleeping_bytes   memory of a task that sleeps, of a million, beside its own frame; sleeping_frame_bytes is that frame
//   timeout_ns       what timeout(1h, …) adds to an acquire that is ready; timeout_waiting_ns: to one that suspends once
#include <leat/leat.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int rounds = 9;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print(const char* name, double value) {
    std::printf("{\"%s\": %.1f}\n", name, value);
    std::fflush(stdout);
}

/// Of this process, in bytes, as the kernel counts it.
double resident_bytes() {
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (!file) std::exit(1);
    unsigned long total = 0;
    unsigned long resident = 0;
    const int found = std::fscanf(file, "%lu %lu", &total, &resident);
    std::fclose(file);
    return found == 2 ? static_cast<double>(resident) * 4096 : 0;
}

double cpu_nanoseconds_since(std::clock_t start) { return static_cast<double>(std::clock() - start) * (1e9 / CLOCKS_PER_SEC); }

leat::task<> nothing() { co_return; }

leat::task<> spawn_and_join() {
    std::vector<double> figures;
    for (int round = 0; round < rounds; ++round) {
        constexpr int batches = 500;
        constexpr int batch = 1000;
        const auto start = std::clock();
        for (int i = 0; i < batches; ++i) {
            leat::task_group group;
            for (int j = 0; j < batch; ++j) group.spawn(nothing());
            co_await group.join();
        }
        figures.push_back(cpu_nanoseconds_since(start) / (batches * batch));
    }
    print("spawn_join_ns", median(figures));
}

leat::task<> acquire_many(leat::semaphore& slots, int count) {
    for (int i = 0; i < count; ++i) auto slot = co_await slots.acquire();
}
leat::task<> acquire_many_in_time(leat::semaphore& slots, int count) {
    for (int i = 0; i < count; ++i) auto slot = co_await leat::timeout(1h, slots.acquire());
}
/// Two that take turns: each wait suspends once.
template <bool Limited>
leat::task<> wait_for_turns(leat::event& mine, leat::event& other, int count) {
    for (int i = 0; i < count; ++i) {
        if constexpr (Limited)
            co_await leat::timeout(1h, mine.wait());
        else
            co_await mine.wait();
        mine.clear();
        other.set();
    }
}

template <bool Limited>
leat::task<double> turns(int count) {
    leat::event a;
    leat::event b;
    leat::task_group group;
    const auto start = std::clock();
    group.spawn(wait_for_turns<Limited>(a, b, count));
    group.spawn(wait_for_turns<Limited>(b, a, count));
    a.set();
    co_await group.join();
    co_return cpu_nanoseconds_since(start) / (2.0 * count);
}

leat::task<> time_out() {
    std::vector<double> ready;
    std::vector<double> waiting;
    for (int round = 0; round < rounds; ++round) {
        constexpr int count = 500'000;
        leat::semaphore slots{1};
        auto start = std::clock();
        co_await acquire_many(slots, count);
        const double bare = cpu_nanoseconds_since(start) / count;
        start = std::clock();
        co_await acquire_many_in_time(slots, count);
        ready.push_back(cpu_nanoseconds_since(start) / count - bare);

        const double bare_turn = co_await turns<false>(count / 2);
        const double limited_turn = co_await turns<true>(count / 2);
        waiting.push_back(limited_turn - bare_turn);
    }
    print("timeout_ns", median(ready));
    print("timeout_waiting_ns", median(waiting));
}

leat::task<> sleeper() { co_await leat::sleep(1h); }

/// The size of the frame, from how far apart two of them are.
double frame_size() {
    std::vector<double> gaps;
    std::vector<leat::task<>> some;
    for (int i = 0; i < 100; ++i) some.push_back(sleeper());
    for (std::size_t i = 1; i < some.size(); ++i)
        gaps.push_back(std::abs(static_cast<double>(static_cast<char*>(some[i].frame().address()) - static_cast<char*>(some[i - 1].frame().address()))));
    return median(gaps);
}

leat::task<> sleep_all() {
    constexpr int count = 1'000'000;
    const double frame = frame_size();
    const double before = resident_bytes();
    leat::task_group group;
    for (int i = 0; i < count; ++i) group.spawn(sleeper());
    for (int i = 0; i < 3; ++i) co_await leat::yield();
    print("sleeping_bytes", (resident_bytes() - before) / count - frame);
    print("sleeping_frame_bytes", frame);
    group.cancel();
    co_await group.join();
}

leat::task<> all(const char* only) {
    auto wanted = [only](const char* name) { return !only || std::strcmp(only, name) == 0; };
    // First: later ones would find the free lists filled.
    if (wanted("sleeping")) co_await sleep_all();
    if (wanted("spawn")) co_await spawn_and_join();
    if (wanted("timeout")) co_await time_out();
}

}  // namespace

int main(int argc, char** argv) {
    return leat::run(all(argc > 1 ? argv[1] : nullptr));
}
