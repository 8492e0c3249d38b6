// 6.6.1 Use asynchronous libraries, and a thread for what is none: the loop ticks while a call blocks until you have
// typed a line.
//
//     example_6_6_1_nothing_blocks
//
// A call that runs in a thread cannot be stopped: after Ctrl-C it is waited for, so press Enter, too.
#include <fmt/core.h>

#include <iostream>
#include <leat/leat.hpp>
#include <string>

using namespace std::chrono_literals;

std::string read_a_line() {  // blocks, as most libraries do
    std::string line;
    std::getline(std::cin, line);
    return line;
}

leat::task<> tick() {
    for (int i = 1;; ++i) {
        fmt::print("Tick {}\n", i);
        co_await leat::sleep(100ms);
    }
}

leat::task<> show() {
    auto first = co_await leat::race(leat::to_thread(read_a_line), tick());
    fmt::print("Read: {}\n", std::get<0>(first));
}

int main() { return leat::run(show()); }
