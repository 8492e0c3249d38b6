#include "leat/net/server.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/connected.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> echo(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

/// Blocking calls to the server, off the loop.
std::string ask(std::uint16_t port, std::string text, bool ipv6) {
    auto socket = raw_socket::connect_to(port, ipv6);
    socket.send(text);
    socket.shut_down_sending();
    return socket.receive_all();
}

TEST(Server, EchoesOverBothFamilies) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(echo, {"", 0});
        EXPECT_EQ(server.addresses().size(), 2u);
        EXPECT_NE(server.address().port(), 0);
        EXPECT_EQ(co_await to_thread(ask, server.address().port(), std::string{"four\n"}, false), "four\n");
        EXPECT_EQ(co_await to_thread(ask, server.address().port(), std::string{"six\n"}, true), "six\n");
        co_await server.close();
    }());
}

TEST(Server, ServesManyAtOnce) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(echo, {"127.0.0.1", 0});
        auto client = [&](int number) -> task<> {
            auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
            for (int i = 0; i < 20; ++i) {
                const std::string line = std::to_string(number) + ":" + std::to_string(i) + "\n";
                co_await writer.write(line);
                auto back = co_await reader.read_line();
                EXPECT_EQ(back, line);
            }
            co_await writer.close();
        };
        task_group group;
        for (int i = 0; i < 200; ++i) group.spawn(client(i));
        co_await group.join();
        co_await server.close();
        EXPECT_EQ(server.connections(), 0u);
    }());
}

TEST(Server, AnAddressInUseIsAClearError) {
    in_loop([]() -> task<> {
        raw_listener taken;
        auto outcome = co_await (start_server(echo, {"127.0.0.1", taken.port()}) | as_result);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(outcome.error().message(), "listen 127.0.0.1:" + std::to_string(taken.port()) + ": Address already in use (errno 98)");
    }());
}

// Every local address was asked for: half of them is not what was meant.
TEST(Server, AnAddressInUseIsAnErrorThoughTheOtherFamilyIsFree) {
    in_loop([]() -> task<> {
        raw_listener six(true);
        auto outcome = co_await (start_server(echo, {"", six.port()}) | as_result);
        EXPECT_FALSE(outcome);
        raw_listener four(false);
        auto other = co_await (start_server(echo, {"", four.port()}) | as_result);
        EXPECT_FALSE(other);
    }());
}

TEST(Server, AHandlerThatThrowsEndsItsOwnConnectionOnly) {
    in_loop([]() -> task<> {
        auto moody = [](stream_reader reader, stream_writer writer) -> task<> {
            auto line = co_await reader.read_line();
            if (line == "throw\n") throw std::runtime_error("asked to");
            co_await writer.write("fine\n");
            co_await writer.close();
        };
        auto server = co_await start_server(moody, {"127.0.0.1", 0});
        const auto port = server.address().port();
        EXPECT_EQ(co_await to_thread(ask, port, std::string{"throw\n"}, false), "");
        EXPECT_EQ(co_await to_thread(ask, port, std::string{"x\n"}, false), "fine\n");
        co_await server.close();
    }());
}

TEST(Server, AHandlersErrorIsLoggedWithItsPeer) {
    const auto outcome = in_child([](int) {
        log::setup({.level = log::level::error});
        return run([]() -> task<> {
            auto throws = [](stream_reader, stream_writer) -> task<> {
                throw std::runtime_error("handler trouble");
                co_return;
            };
            auto server = co_await start_server(throws, {"127.0.0.1", 0});
            co_await to_thread(ask, server.address().port(), std::string{"x"}, false);
            co_await server.close();
        }());
    });
    EXPECT_EQ(outcome.exit_status, 0);
    EXPECT_NE(outcome.errors.find("handler of 127.0.0.1:"), std::string::npos) << outcome.errors;
    EXPECT_NE(outcome.errors.find("handler trouble"), std::string::npos) << outcome.errors;
}

// Not a coroutine, so it throws before there is a task.
TEST(Server, AHandlerThatThrowsBeforeItsTaskEndsItsOwnConnectionOnly) {
    in_loop([]() -> task<> {
        bool first = true;
        auto throws_at_once = [&first](stream_reader reader, stream_writer writer) -> task<> {
            if (std::exchange(first, false)) throw std::runtime_error("no task");
            return echo(std::move(reader), std::move(writer));
        };
        auto server = co_await start_server(throws_at_once, {"127.0.0.1", 0});
        const auto port = server.address().port();
        EXPECT_EQ(co_await to_thread(ask, port, std::string{"x\n"}, false), "");
        EXPECT_EQ(co_await to_thread(ask, port, std::string{"y\n"}, false), "y\n");
        co_await server.close();
    }());
}

TEST(Server, TheConnectionLimitHoldsNewcomers) {
    in_loop([]() -> task<> {
        std::size_t most = 0;
        std::size_t served = 0;
        std::size_t inside = 0;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            most = std::max(most, ++inside);
            while (auto line = co_await reader.read_line()) co_await writer.write(*line);
            ++served;
            --inside;
            co_await writer.close();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.max_connections = 3});
        std::vector<connection> clients;
        for (int i = 0; i < 12; ++i) clients.push_back(co_await open_connection({"127.0.0.1", server.address().port()}));
        for (auto& client : clients) co_await client.writer.write("hello\n");
        co_await settle(50);
        EXPECT_LE(server.connections(), 3u);
        for (auto& client : clients) {
            auto line = co_await client.reader.read_line();
            EXPECT_EQ(line, "hello\n");
            co_await client.writer.close();
        }
        co_await server.close();
        EXPECT_EQ(most, 3u);
        EXPECT_EQ(served, 12u);
    }());
}

TEST(Server, CloseLetsTheHandlersFinishTheirWork) {
    in_loop([]() -> task<> {
        event begun, go_on;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto line = co_await reader.read_line();
            const std::string reply{*line};
            begun.set();
            co_await go_on.wait();
            co_await writer.write(reply);
            co_await writer.close();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0});
        const auto port = server.address().port();
        auto client = [&]() -> task<> {
            auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
            co_await writer.write("work\n");
            auto reply = co_await reader.read_line();
            EXPECT_EQ(reply, "work\n");
        };
        auto stops = [&]() -> task<> {
            co_await begun.wait();
            co_await server.close();
        };
        auto finishes = [&]() -> task<> {
            co_await begun.wait();
            co_await settle();
            auto refused = co_await (open_connection({"127.0.0.1", port}) | as_result);
            EXPECT_FALSE(refused);
            go_on.set();
        };
        co_await gather(client(), stops(), finishes());
    }());
}

TEST(Server, CloseEndsIdleConnections) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(echo, {"127.0.0.1", 0});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
        co_await writer.write("x\n");
        co_await reader.read_line();
        auto ends = [](stream_reader in, stream_writer out) -> task<> {
            auto end = co_await in.read_line();
            EXPECT_FALSE(end);
            co_await out.close();
        };
        co_await gather(server.close(), ends(std::move(reader), std::move(writer)));
    }());
}

TEST(Server, AHandlerThatDoesNotEndIsCancelledAfterTheDrainTimeout) {
    in_loop([]() -> task<> {
        bool was_cancelled = false;
        auto stubborn = [&](stream_reader, stream_writer) -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                was_cancelled = true;
                throw;
            }
        };
        auto server = co_await start_server(stubborn, {"127.0.0.1", 0}, {.drain_timeout = 5ms});
        auto client = raw_socket::connect_to(server.address().port());
        while (server.connections() == 0) co_await yield();
        co_await settle();
        client.close();
        co_await server.close();
        EXPECT_TRUE(was_cancelled);
    }());
}

TEST(Server, DestroyedAfterAThrowItTakesItsHandlersAlong) {
    std::string graves;
    EXPECT_EQ(thrown_by([&] {
        in_loop([&]() -> task<> {
            auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
                tombstone mine(graves, 'h');
                co_await writer.write("partial");
                co_await reader.read_line();
            };
            auto server = co_await start_server(handler, {"127.0.0.1", 0});
            auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
            EXPECT_EQ(co_await reader.read_exactly(7), "partial");
            throw std::runtime_error("the owner failed");
        }());
    }), "the owner failed");
    EXPECT_EQ(graves, "h");
}

TEST(Server, DestroyedWithinTheTurnOfAnAccept) {
    for (int turns = 0; turns < 6; ++turns)
        in_loop([](int wait) -> task<> {
            auto server = co_await start_server(echo, {"127.0.0.1", 0});
            std::vector<raw_socket> clients;
            for (int i = 0; i < 5; ++i) clients.push_back(raw_socket::connect_to(server.address().port()));
            for (int i = 0; i < wait; ++i) co_await yield();
        }(turns));
}

TEST(Server, ServeForeverEndsWithClose) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(echo, {"127.0.0.1", 0});
        auto stops = [&]() -> task<> {
            co_await settle();
            co_await server.close();
        };
        co_await gather(server.serve_forever(), stops());
    }());
}

TEST(Server, ServeForeverThatIsCancelledCancelsItsHandlers) {
    in_loop([]() -> task<> {
        bool handler_ended = false;
        auto waits = [&](stream_reader, stream_writer) -> task<> {
            try {
                co_await sleep(1h);
            } catch (const cancelled&) {
                handler_ended = true;
                throw;
            }
        };
        raw_socket client;
        auto serves = [&]() -> task<> {
            auto server = co_await start_server(waits, {"127.0.0.1", 0});
            client = raw_socket::connect_to(server.address().port());
            client.shut_down_sending();
            co_await server.serve_forever();
        };
        task_group group;
        group.spawn(serves());
        co_await settle(20);
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(handler_ended);
    }());
}

TEST(Server, SigtermDrainsAndTheProgramEndsWithZero) {
    const auto outcome = in_child(
        [](int ready) {
            return run([](int descriptor) -> task<> {
                auto handler = [descriptor](stream_reader reader, stream_writer writer) -> task<> {
                    co_await reader.read_line();
                    say_ready(descriptor);  // the signal comes while this works
                    co_await sleep(20ms);
                    co_await writer.write("finished\n");
                    co_await writer.close();
                };
                auto server = co_await start_server(handler, {"127.0.0.1", 0});
                auto client = [](std::uint16_t port) -> task<> {
                    auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
                    co_await writer.write("x\n");
                    auto reply = co_await reader.read_line();
                    if (reply != "finished\n") throw std::runtime_error("not drained");
                };
                co_await gather(server.serve_forever(), client(server.address().port()));
            }(ready));
        },
        [](pid_t child) { ::kill(child, SIGTERM); });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
}

TEST(Server, SurvivesWhenDescriptorsRunOut) {
#ifdef __has_feature
#if __has_feature(undefined_behavior_sanitizer)
    GTEST_SKIP() << "the sanitizer opens a pipe to look at a pointer, and takes having no descriptor for a bad one";
#endif
#endif
    const auto outcome = in_child([](int) {
        log::setup({.level = log::level::error});
        const int next = ::dup(0);
        ::close(next);
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = static_cast<rlim_t>(next) + 40;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        return run([]() -> task<> {
            auto server = co_await start_server(echo, {"127.0.0.1", 0});
            co_await to_thread(ask, server.address().port(), std::string{"warm\n"}, false);
            std::vector<int> taken;
            for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
            // Three are left for clients, and none for the server's side of them.
            std::vector<raw_socket> clients;
            for (int i = 0; i < 3; ++i) {
                ::close(taken.back());
                taken.pop_back();
                clients.push_back(raw_socket::connect_to(server.address().port()));
                clients.back().send("late\n");
                clients.back().shut_down_sending();
            }
            co_await sleep(5ms);  // the server has met EMFILE
            for (int fd : taken) ::close(fd);
            for (auto& client : clients) {
                const auto reply = co_await to_thread(receive_all_from, client.fd());
                if (reply != "late\n") throw std::runtime_error("not served: " + reply);
            }
            co_await server.close();
        }());
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_NE(outcome.errors.find("Too many open files"), std::string::npos) << outcome.errors;
}

}  // namespace
}  // namespace leat::testing
