// 6.4.2 Writing a file line by line.
//
//     example_6_4_2_write_lines [FILE]               default: output.txt
#include <fmt/core.h>

#include <leat/leat.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

leat::task<> write_lines(leat::path path, std::vector<std::string> lines) {
    auto file = co_await leat::open(path, "w");
    for (const std::string& line : lines) {
        co_await file.write(line, "\n");
        fmt::print("Written line: {}\n", line);
        co_await leat::sleep(100ms);  // simulates a delay
    }
    co_await file.close();  // an error of the last write, a full disk for one, surfaces here
}

int main(int count, char** values) {
    return leat::run(write_lines(count > 1 ? values[1] : "output.txt", {"Line 1", "Line 2", "Line 3"}));
}
