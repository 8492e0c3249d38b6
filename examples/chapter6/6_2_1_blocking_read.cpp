// 6.2.1 Blocking input: plain C++, without leat. The second file is not even opened before the first one has been read.
//
//     example_6_2_1_blocking_read [FILE FILE]        default: example1.txt example2.txt
//
// Files at hand are read within microseconds. Two pipes whose writers take two seconds make a slow source, as in the
// chapter; reading them takes four seconds here, and two in 6.2.2:
//
//     mkfifo slow1 slow2; (sleep 2; echo one) >slow1 & (sleep 2; echo two) >slow2 &
//     example_6_2_1_blocking_read slow1 slow2
#include <fmt/core.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

std::string read_file(const std::string& path) {
    fmt::print("Start reading file: {}\n", path);
    std::ifstream file{path};
    std::string content{std::istreambuf_iterator<char>{file}, {}};
    fmt::print("File {} {}.\n", path, file ? "read" : "cannot be read");
    return content;
}

int main(int count, char** values) {
    const auto start = std::chrono::steady_clock::now();
    read_file(count > 2 ? values[1] : "example1.txt");
    read_file(count > 2 ? values[2] : "example2.txt");
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    fmt::print("Total reading time: {:.3f} seconds\n", taken.count());
}
