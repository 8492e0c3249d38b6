// What the flags of `pkg-config --cflags --libs leat` have to be enough for.
#include <leat/leat.hpp>

#include <chrono>
#include <cstdio>

leat::task<int> wait_a_moment() {
    co_await leat::sleep(std::chrono::milliseconds{1});
    std::puts("0.1.0 works");
    co_return 0;
}

int main() { return leat::run(wait_a_moment()); }
