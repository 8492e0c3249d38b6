#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "download/part_file.hpp"
#include "fault/every_point.hpp"
#include "fault/points.hpp"
#include "leat/leat.hpp"
#include "net/happy_eyeballs.hpp"
#include "support/temporary.hpp"

// What failing every point has found, each as small as it can be.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> answer_nothing(stream_reader, stream_writer) { co_return; }

TEST(Found, AConnectWithoutMemoryClosesItsSocket) {
    every_allocation_fails_once([](reports& said) -> task<> {
        auto server = co_await start_server(answer_nothing, {"127.0.0.1", 0});
        auto connect = [](std::uint16_t port) -> task<> { auto made = co_await open_connection({"127.0.0.1", port}); };
        co_await part(connect(server.address().port()), said);
        co_await server.close();
    });
}

TEST(Found, AnErrorIsToldWithoutMemoryForItsTrace) {
    every_allocation_fails_once([](reports& said) -> task<> {
        auto server = co_await start_server(answer_nothing, {"127.0.0.1", 0});
        auto fails = []() -> task<> {
            co_await yield();
            throw std::runtime_error("what was wrong");
        };
        auto outer = [](task<> inner) -> task<> { co_await std::move(inner); };
        auto failed = co_await (outer(outer(fails())) | as_result);
        demand(!failed, "the error is lost");
        const std::string text = failed.error().message();
        if (text != "what was wrong") said.push_back(text);
        co_await server.close();
    });
}

TEST(Found, AnAttemptWithoutMemoryEndsTheContestOfAddresses) {
    every_allocation_fails_once([](reports& said) -> task<> {
        auto server = co_await start_server(answer_nothing, {"127.0.0.1", 0});
        auto connect = [](address to) -> task<> {
            const std::vector<address> twice{to, to};
            auto won = co_await detail::connect_to_first(twice, "test:1", {.connection_attempt_delay = 0ms});
        };
        co_await part(connect(server.address()), said);
        co_await server.close();
    });
}

TEST(Found, AWriterOfAPartFileWithoutMemoryClosesItsDescriptor) {
    temporary_directory directory;
    every_allocation_fails_once([path = directory.string()](reports& said) -> task<> {
        auto write = [](const std::string& into) -> task<> {
            detail::target_directory in;
            co_await in.prepare(into);
            detail::part_file part{in, "a-file"};
            co_await part.create(detail::part_naming::findable);
            auto writer = part.writer(0);
            co_await writer.close();
        };
        co_await part(write(path), said);
    });
}

TEST(Found, AUnixConnectionWithoutMemoryClosesItsSocket) {
    every_allocation_fails_once([](reports& said) -> task<> {
        const auto name = unix_address::abstract("leat-found-" + std::to_string(::getpid()));
        auto server = co_await start_unix_server(answer_nothing, name);
        auto connect = [](unix_address to) -> task<> { auto made = co_await open_unix_connection(to); };
        co_await part(connect(name), said);
        auto pair = []() -> task<> {
            auto made = unix_socket_pair();
            co_return;
        };
        co_await part(pair(), said);
        co_await server.close();
    });
}

TEST(Found, AUnixServerWithoutMemoryForItsPathEndsAndLeavesNoFile) {
    temporary_directory directory;
    const std::string path = directory / "a-name-that-is-too-long-for-a-small-string";
    every_allocation_fails_once([path](reports&) -> task<> {
        {
            auto server = co_await start_unix_server(answer_nothing, path, {.file_mode = 0600});
            co_await server.close();
        }
        fault::paused ours;
        demand(::access(path.c_str(), F_OK) != 0, "the file stays");
    });
}

/// It was told that nobody was the client.
TEST(Found, AProxiedClientWithoutMemoryForItsAddressIsRefused) {
    every_allocation_fails_once([](reports& said) -> task<> {
        bool taken_for_another = false;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            taken_for_another |= writer.peer_address() != address::parse("10.1.2.3", 4096);
            [[maybe_unused]] auto line = co_await reader.read_line();
            co_await writer.close();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required});
        auto client = [](std::uint16_t port) -> task<> {
            auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
            co_await writer.write("PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\nhi\n");
            [[maybe_unused]] auto end = co_await reader.read();
            co_await writer.close();
        };
        co_await part(client(server.address().port()), said);
        co_await server.close();
        demand(!taken_for_another, "the handler was told of somebody else");
    });
}

/// ENOMEM of the poll for its end: wait() waited for ever, and a child that was dropped stayed a zombie.
TEST(Found, AChildWhoseEndCannotBeWatchedIsStillNoticedAndReaped) {
    const expectations expected{.counts_pipes = true};
    every_call_fails_once([](reports& said) -> task<> {
        auto one = []() -> task<> {
            auto process = co_await spawn_process({"/bin/sh", "-c", "exit 3"});
            const exit_status status = co_await process.wait();
            demand(status.code == 3, "the status is wrong");
            auto dropped = co_await spawn_process({"/bin/sleep", "1000"});
        };
        co_await part(one(), said);
    }, expected);
}

TEST(Found, AUdpSocketClosedWithoutMemoryStillTellsWhoWaits) {
    every_allocation_fails_once([](reports& said) -> task<> {
        auto one = []() -> task<> {
            auto socket = co_await bind_udp({"127.0.0.1", 0});
            auto waiting = [](udp_socket& on) -> task<> {
                auto got = co_await (on.receive_from() | as_result);
                demand(!got, "a closed socket received something");
            };
            task_group group;
            group.spawn(waiting(socket));
            co_await sleep(1ms);
            socket.close();
            co_await group.join();
        };
        co_await part(one(), said);
    });
}

/// The engine tried for ever, without a word.
TEST(Found, AUdpReceiveThatCannotBeWatchedFails) {
    every_call_fails_once([](reports& said) -> task<> {
        auto one = [](reports& into) -> task<> {
            auto socket = co_await bind_udp({"127.0.0.1", 0});
            auto got = co_await (timeout(5ms, [](udp_socket& on) -> task<> { co_await on.receive_from(); }(socket)) | as_result);
            try {
                got.value();
            } catch (const timeout_error&) {  // as it should be
            } catch (const std::exception& e) {
                into.push_back(e.what());
            }
        };
        co_await part(one(said), said);
    });
}

TEST(Found, APipeCutWithoutMemoryForTheWordsCloses) {
    every_allocation_fails_once([](reports& said) -> task<> {
        auto one = []() -> task<> {
            auto ends = open_pipe();
            const std::string bytes(1'000'000, 'x');
            auto writing = [](stream_writer& to, const std::string& all) -> task<> { co_await to.write(all); };
            auto cut = co_await (timeout(2ms, writing(ends.writer, bytes)) | as_result);
            demand(!cut, "a pipe has taken it all");
        };
        co_await part(one(), said);
    });
}

/// More tasks ready at once than the queue had room for.
TEST(Found, AStrandWithoutAPlaceInTheQueueRunsAllTheSame) {
    every_allocation_fails_once([](reports& said) -> task<> {
        auto all = []() -> task<> {
            event go;
            int woken = 0;
            auto waits = [&]() -> task<> {
                co_await go.wait();
                ++woken;
            };
            task_group group;
            for (int i = 0; i < 300; ++i) {
                group.spawn(waits());
                if (i % 32 == 31) co_await yield();
            }
            co_await yield();
            go.set();
            co_await group.join();
            demand(woken == 300, "a task was never woken");
        };
        co_await part(all(), said);
    });
}

TEST(Found, ADescriptorWithAHighNumberWithoutMemoryToWatchItFails) {
    every_allocation_fails_once([](reports& said) -> task<> {
        struct taken {
            taken() {
                fault::paused ours;
                for (int& each : low) each = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
            }
            ~taken() {
                fault::paused ours;
                for (const int each : low) ::close(each);
            }
            int low[300];
        } low_numbers;
        auto one = []() -> task<> {
            auto ends = open_pipe();
            auto read = co_await (timeout(1ms, [](stream_reader& from) -> task<> { co_await from.read(); }(ends.reader)) | as_result);
            demand(!read, "there was something to read");
        };
        co_await part(one(), said);
    });
}

}  // namespace
}  // namespace leat::testing
