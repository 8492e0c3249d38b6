#include "leat/task/task_local.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task_local<std::string> name;
task_local<int> number;

task<std::string> seen() {
    co_await yield();
    co_return name.get_or("none");
}

TEST(TaskLocal, IsSeenByTheTaskAndWhatItAwaitsUntilTheBindingGoes) {
    in_loop([]() -> task<> {
        EXPECT_EQ(name.get(), nullptr);
        {
            auto bound = name.set("outer");
            EXPECT_EQ(*name.get(), "outer");
            EXPECT_EQ(co_await seen(), "outer");
            {
                auto inner = name.set("inner");
                auto other = number.set(1);
                EXPECT_EQ(co_await seen(), "inner");
                EXPECT_EQ(*number.get(), 1);
            }
            EXPECT_EQ(number.get(), nullptr);
            EXPECT_EQ(*name.get(), "outer");
        }
        EXPECT_EQ(name.get(), nullptr);
    }());
    EXPECT_EQ(name.get(), nullptr);
    EXPECT_EQ(thrown_by([] { auto bound = name.set("nobody"); }), "task_local: set outside a task");
}

TEST(TaskLocal, AChildSeesWhatWasBoundWhenItWasSpawned) {
    in_loop([]() -> task<> {
        std::string order;
        auto child = [&]() -> task<> { order += co_await seen() + " "; };
        task_group group;
        group.spawn(child());
        {
            auto bound = name.set("first");
            group.spawn(child());
            auto again = name.set("second");
            group.spawn(child());
        }  // gone before any of them has run
        group.spawn(child());
        co_await group.join();
        EXPECT_EQ(order, "none first second none ");
    }());
}

TEST(TaskLocal, WhatAChildBindsItsParentAndSiblingsDoNotSee) {
    in_loop([]() -> task<> {
        auto bound = name.set("parent");
        task_group group;
        for (int i = 0; i < 3; ++i)
            group.spawn([i]() -> task<> {
                EXPECT_EQ(*name.get(), "parent");
                auto mine = name.set(std::to_string(i));
                co_await settle();
                EXPECT_EQ(*name.get(), std::to_string(i));
            });
        co_await settle(2);
        EXPECT_EQ(*name.get(), "parent");
        co_await group.join();
    }());
}

TEST(TaskLocal, GoesThroughEveryCombinator) {
    in_loop([]() -> task<> {
        auto bound = name.set("x");
        EXPECT_EQ(co_await timeout(1h, seen()), "x");
        EXPECT_EQ(co_await shield(seen()), "x");
        auto [a, b] = co_await gather(seen(), seen());
        EXPECT_EQ(a + b, "xx");
        auto first = co_await race(seen(), sleep(1h));
        EXPECT_EQ(std::get<0>(first), "x");
        auto results = as_completed(seen());
        EXPECT_EQ(*co_await results.next(), "x");
        const auto in_thread = co_await to_thread([] { return name.get() == nullptr; });
        EXPECT_TRUE(in_thread);
    }());
}

TEST(TaskLocal, AServersHandlerSeesWhatItsStarterHad) {
    in_loop([]() -> task<> {
        std::string seen_by_handler;
        auto handler = [&](stream_reader, stream_writer writer) -> task<> {
            seen_by_handler = name.get_or("none");
            co_await writer.close();
        };
        auto bound = name.set("server");
        auto server = co_await start_server(handler, {"127.0.0.1", 0});
        {
            auto client = name.set("client");
            auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
            while (auto data = co_await reader.read()) {
            }
            co_await writer.close();
        }
        EXPECT_EQ(seen_by_handler, "server");
    }());
}

TEST(TaskLocal, ValuesLiveAsLongAsATaskSeesThem) {
    in_loop([]() -> task<> {
        static task_local<std::shared_ptr<int>> shared;
        auto value = std::make_shared<int>(1);
        task_group group;
        {
            auto bound = shared.set(value);
            EXPECT_EQ(value.use_count(), 2);
            group.spawn([]() -> task<> {
                co_await settle();
                EXPECT_EQ(**shared.get(), 1);
            });
        }
        EXPECT_EQ(value.use_count(), 2);
        co_await group.join();
        EXPECT_EQ(value.use_count(), 1);
        {
            task_group doomed;
            doomed.spawn([value]() -> task<> {
                auto bound = shared.set(value);
                co_await sleep(1h);
            });
            co_await settle();
            EXPECT_EQ(value.use_count(), 3);
            doomed.cancel();
            co_await doomed.join();
            EXPECT_EQ(value.use_count(), 1);
            doomed.spawn([value]() -> task<> {
                auto bound = shared.set(value);
                co_await sleep(1h);
            });
            co_await settle();
        }  // destroyed
        EXPECT_EQ(value.use_count(), 1);
    }());
}

TEST(TaskLocal, BindingsMayGoInAnyOrder) {
    in_loop([]() -> task<> {
        std::optional<task_local_binding> a, b, c;
        struct made {
            int value;
            operator task_local_binding() const { return number.set(value); }
        };
        a.emplace(made{1});
        b.emplace(made{2});
        auto text = name.set("n");
        c.emplace(made{3});
        task_group group;
        group.spawn([]() -> task<> {
            co_await settle();
            EXPECT_EQ(*number.get(), 3);
            EXPECT_EQ(*name.get(), "n");
        });
        b.reset();
        EXPECT_EQ(*number.get(), 3);
        c.reset();
        EXPECT_EQ(*number.get(), 1);
        EXPECT_EQ(*name.get(), "n");
        a.reset();
        EXPECT_EQ(number.get(), nullptr);
        EXPECT_EQ(*name.get(), "n");
        co_await group.join();
    }());
}

TEST(TaskLocal, ABindingInAGeneratorMayOutliveTheTimeoutItWasMadeIn) {
    in_loop([]() -> task<> {
        auto values = []() -> generator<int> {
            auto bound = number.set(5);
            co_yield 1;
            co_yield 2;
        };
        auto all = values();
        EXPECT_EQ(co_await timeout(1h, all.next()), 1);
        EXPECT_EQ(number.get(), nullptr);
        EXPECT_EQ(co_await all.next(), 2);
        EXPECT_EQ(co_await all.next(), std::nullopt);
    }());
}

}  // namespace
}  // namespace leat::testing
