#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <new>
#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

/// Frames of every size class of the pool and beyond it, filled and checked across a suspension.
template <std::size_t Size>
task<> fill(unsigned char with) {
    std::array<unsigned char, Size> memory;
    memory.fill(with);
    co_await yield();
    for (auto byte : memory)
        if (byte != with) {
            ADD_FAILURE() << "a frame of " << Size << " bytes was overwritten";
            co_return;
        }
}

TEST(Frame, OfEverySizeKeepsItsContent) {
    in_loop([]() -> task<> {
        task_group group;
        for (int i = 0; i < 50; ++i) {
            const auto mark = static_cast<unsigned char>(i);
            group.spawn(fill<1>(mark));
            group.spawn(fill<100>(mark));
            group.spawn(fill<500>(mark));
            group.spawn(fill<1500>(mark));
            group.spawn(fill<1900>(mark));
            group.spawn(fill<2100>(mark));
            group.spawn(fill<10'000>(mark));
            if (i % 7 == 0) co_await group.join();
        }
        co_await group.join();
    }());
}

TEST(Frame, AHundredThousandAtOnce) {
    in_loop([]() -> task<> {
        int done = 0;
        auto one = [&]() -> task<> {
            co_await yield();
            ++done;
        };
        task_group group;
        for (int i = 0; i < 100'000; ++i) group.spawn(one());
        co_await group.join();
        EXPECT_EQ(done, 100'000);
    }());
}

TEST(Frame, MayOutliveTheLoopItWasMadeOn) {
    auto held = std::make_shared<int>();
    task<int> kept;
    in_loop([&]() -> task<> {
        auto make = [](std::shared_ptr<int> p) -> task<int> { co_return *p; };
        kept = make(held);
        co_return;
    }());
    EXPECT_EQ(held.use_count(), 2);
    kept = {};
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace leat::testing
