// 6.6.4 Closing resources. What leaves its scope is closed, also when an exception takes it along; close() is there to
// hear of errors, since what was written late may fail late.
//
//     example_6_6_4_resources [FILE]                 default: output.txt
#include <fmt/core.h>

#include <filesystem>
#include <iterator>
#include <leat/leat.hpp>
#include <stdexcept>

auto open_descriptors() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
}

leat::task<> leave_early(leat::path path) {
    auto file = co_await leat::open(path, "w");
    co_await file.write("written, though nobody closed the file\n");
    throw std::runtime_error("something went wrong");
}

leat::task<> fill_the_disk() {
    auto file = co_await leat::open("/dev/full", "w");
    co_await file.write("a line for a disk that is full\n");  // goes into the buffer
    co_await file.close();                                    // goes to the disk
}

leat::task<> show(leat::path path) {
    const auto before = open_descriptors();
    auto left = co_await (leave_early(path) | leat::as_result);
    fmt::print("Left early: {}\n", left.error().message());
    auto filled = co_await (fill_the_disk() | leat::as_result);
    fmt::print("Closed: {}\n", filled.error().message());
    const auto content = co_await leat::read_file(path);
    fmt::print("The file holds: {}", content);
    fmt::print("Descriptors that were left open: {}\n", open_descriptors() - before);
}

int main(int count, char** values) { return leat::run(show(count > 1 ? values[1] : "output.txt")); }
