// 6.2.2 Non-blocking input: both files are read at the same time, by one thread.
//
//     example_6_2_2_non_blocking_read [FILE FILE]    default: example1.txt example2.txt
#include <fmt/core.h>

#include <chrono>
#include <leat/leat.hpp>
#include <string>

leat::task<std::string> slurp(leat::path path) {
    fmt::print("Start reading file: {}\n", path.string());
    std::string content = co_await leat::read_file(path);
    fmt::print("File {} read.\n", path.string());
    co_return content;
}

leat::task<> read_both(leat::path first, leat::path second) {
    const auto start = leat::now();
    co_await leat::gather(slurp(first), slurp(second));
    const std::chrono::duration<double> taken = leat::now() - start;
    fmt::print("Total reading time: {:.3f} seconds\n", taken.count());
}

int main(int count, char** values) {
    const bool given = count > 2;
    return leat::run(read_both(given ? values[1] : "example1.txt", given ? values[2] : "example2.txt"));
}
