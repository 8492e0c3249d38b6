// 6.4.1 Reading a file line by line.
//
//     example_6_4_1_read_lines [FILE]                default: example.txt
#include <fmt/core.h>

#include <leat/leat.hpp>

using namespace std::chrono_literals;

leat::task<> read_lines(leat::path path) {
    auto file = co_await leat::open(path);
    while (auto line = co_await file.read_line()) {
        fmt::print("Reading line: {}\n", line->substr(0, line->find_last_not_of("\r\n") + 1));
        co_await leat::sleep(100ms);  // simulates processing
    }
}

int main(int count, char** values) { return leat::run(read_lines(count > 1 ? values[1] : "example.txt")); }
