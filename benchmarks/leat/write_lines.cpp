// Subject: lines of 64 bytes written to a file, a call for each.
#include <leat/leat.hpp>

#include <cstdlib>
#include <string>

leat::task<> write_lines(std::string path, long count) {
    auto file = co_await leat::open(path, "w");
    std::string line(63, 'x');
    line += '\n';
    for (long i = 0; i < count; ++i) co_await file.write(line);
    co_await file.close();
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    return leat::run(write_lines(argv[1], std::atol(argv[2])));
}
