// Subject: reads the files of a list, one after the other, and prints their count and bytes.
#include <leat/leat.hpp>

#include <cstddef>
#include <cstdio>
#include <string>

leat::task<> read_all(std::string listing) {
    auto paths = co_await leat::open(listing, "r");
    std::size_t count = 0;
    std::size_t total = 0;
    while (auto line = co_await paths.read_line()) {
        line->remove_suffix(1);
        std::string content = co_await leat::read_file(*line);
        total += content.size();
        ++count;
    }
    std::printf("%zu %zu\n", count, total);
}

int main(int argc, char** argv) {
    return leat::run(read_all(argc > 1 ? argv[1] : ""));
}
