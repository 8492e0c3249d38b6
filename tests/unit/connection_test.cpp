#include "leat/net/connection.hpp"

#include <gtest/gtest.h>

#include <string>

#include "leat/leat.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Connection, ARefusedOneNamesTheEndpoint) {
    in_loop([]() -> task<> {
        std::uint16_t port;
        {
            raw_listener gone;
            port = gone.port();
        }
        std::string text;
        try {
            co_await open_connection({"127.0.0.1", port});
        } catch (const error& e) {
            text = e.what();
            EXPECT_EQ(e.operation(), "connect");
            EXPECT_EQ(e.code(), std::errc::connection_refused);
        }
        EXPECT_EQ(text, "connect 127.0.0.1:" + std::to_string(port) + ": Connection refused (errno 111)");
        auto six = co_await (open_connection({"::1", port}) | as_result);
        EXPECT_FALSE(six);
        EXPECT_EQ(six.error().message(), "connect [::1]:" + std::to_string(port) + ": Connection refused (errno 111)");
    }());
}

TEST(Connection, AHostNameIsResolvedAndEachAddressTried) {
    in_loop([]() -> task<> {
        raw_listener listener;  // 127.0.0.1 alone: where localhost stands for ::1 as well, that one refuses
        auto opened = co_await open_connection({"localhost", listener.port()});
        EXPECT_EQ(opened.writer.peer_address().host(), "127.0.0.1");
    }());
}

TEST(Connection, ANameThatDoesNotResolveIsANameError) {
    in_loop([]() -> task<> {
        for (std::string_view name : {"", "a..b", "no such name"}) {
            std::string text;
            try {
                co_await open_connection({name, 80});
            } catch (const name_error& e) {
                text = e.what();
            }
            EXPECT_EQ(text.find("resolve"), 0u) << name << ": " << text;
        }
    }());
}

// The queue of a listener that accepts nothing: once it is full, the kernel answers no more.
TEST(Connection, ATimeoutNamesTheEndpoint) {
    in_loop([]() -> task<> {
        raw_listener listener(false, 0);
        std::vector<connection> fill;
        std::string text;
        for (int i = 0; i < 8 && text.empty(); ++i) {
            auto outcome = co_await (open_connection({"127.0.0.1", listener.port()}, {.timeout = 50ms}) | as_result);
            if (outcome)
                fill.push_back(std::move(*outcome));
            else
                text = outcome.error().message();
        }
        EXPECT_EQ(text, "connect 127.0.0.1:" + std::to_string(listener.port()) + ": timed out after 50 ms");
    }());
}

TEST(Connection, AHundredAtOnce) {
    in_loop([]() -> task<> {
        raw_listener listener(false, 128);
        int opened = 0;
        auto one = [&]() -> task<> {
            auto made = co_await open_connection({"127.0.0.1", listener.port()});
            ++opened;
        };
        task_group group;
        for (int i = 0; i < 100; ++i) group.spawn(one());
        std::vector<raw_socket> others;
        for (int i = 0; i < 100; ++i) others.push_back(co_await to_thread([&] { return listener.accept(); }));
        for (auto& each : others) each.close();
        co_await group.join();
        EXPECT_EQ(opened, 100);
    }());
}

TEST(Connection, ADroppedReaderLeavesTheWriter) {
    in_loop([]() -> task<> {
        auto pair = co_await connect_pair();
        pair.reader = {};
        co_await pair.writer.write("one way");
        pair.peer.send("unheard");
        pair.peer.shut_down_sending();
        co_await pair.writer.close();
        EXPECT_EQ(pair.peer.receive_all(), "one way");
    }());
}

}  // namespace
}  // namespace leat::testing
