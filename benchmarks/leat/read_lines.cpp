// Subject: the lines of a file. Prints their count and bytes.
#include <leat/leat.hpp>

#include <cstddef>
#include <cstdio>
#include <string>

leat::task<> read_lines(std::string path) {
    auto file = co_await leat::open(path, "r");
    std::size_t count = 0;
    std::size_t total = 0;
    while (auto line = co_await file.read_line()) {
        ++count;
        total += line->size();
    }
    std::printf("%zu %zu\n", count, total);
}

int main(int argc, char** argv) {
    return leat::run(read_lines(argc > 1 ? argv[1] : ""));
}
