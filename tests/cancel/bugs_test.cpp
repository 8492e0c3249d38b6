#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

// What the matrix has found, each by itself.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

std::size_t open_descriptors() {
    std::size_t count = 0;
    DIR* list = ::opendir("/proc/self/fd");
    while (::readdir(list)) ++count;
    ::closedir(list);
    return count;
}

task<> cancel_it(task_group& group) {
    group.cancel();
    co_return;
}

/// Begins `what`, and cancels it in the same turn.
task<> begin_and_cancel(task<> what) {
    task_group group;
    task_group other;
    group.spawn(std::move(what));
    other.spawn(cancel_it(group));
    co_await other.join();
    co_await group.join();
}

TEST(CancelBugs, AReadAtThatIsCancelledHasNoOperationToAsk) {
    in_loop([]() -> task<> {
        auto zero = co_await open("/dev/zero");
        auto read = [&]() -> task<> { co_await zero.read_at(0, 100); };
        co_await begin_and_cancel(read());
        EXPECT_EQ(co_await zero.read_at(0, 3), std::string(3, '\0'));
    }());
}

TEST(CancelBugs, ACloseThatIsCancelledClosesAllTheSame) {
    const std::size_t before = open_descriptors();
    for (int round = 0; round < 3; ++round)
        in_loop([](int way) -> task<> {
            auto zero = co_await open("/dev/zero");
            auto close = [&]() -> task<> { co_await zero.close(); };
            if (way == 0) co_await begin_and_cancel(close());
            task_group group;
            group.spawn(close());
            if (way == 1) group.cancel();  // before it starts
            if (way == 2) co_await yield();  // dropped while it is under way
            if (way != 2) co_await group.join();
        }(round));
    EXPECT_EQ(open_descriptors(), before);
}

/// A server that sends half of a body, and the rest when it is told to.
struct half_a_body {
    std::optional<server> serving;
    event gate;
    task<> answer(stream_reader reader, stream_writer writer) {
        writer.set_linger(1ms);
        co_await reader.read_until("\r\n\r\n");
        co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
        co_await gate.wait();
        co_await writer.write("rest");
    }
    task<std::string> start() {
        auto handler = [this](stream_reader reader, stream_writer writer) { return answer(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
        co_return "http://127.0.0.1:" + std::to_string(serving->address().port()) + "/";
    }
};

TEST(CancelBugs, ABodysPieceThatADroppedReadHadTakenIsGivenAgain) {
    for (int turns = 0; turns < 8; ++turns)
        in_loop([](int after) -> task<> {
            half_a_body peer;
            const std::string url = co_await peer.start();
            http::client client;
            auto response = co_await client.get(url);
            std::string got{(co_await response.body().read()).value()};
            {
                task_group group;
                auto read = [&]() -> task<> {
                    auto piece = co_await response.body().read();
                    got += *piece;
                };
                group.spawn(read());
                co_await settle();
                peer.gate.set();
                co_await settle(after);
            }
            while (auto piece = co_await response.body().read()) got += *piece;
            EXPECT_EQ(got, "halfrest") << after;
            EXPECT_EQ(response.body().received(), 8u);
            EXPECT_TRUE(response.body().complete());
        }(turns));
}

TEST(CancelBugs, ABodysPieceThatLostARaceIsGivenAgain) {
    in_loop([]() -> task<> {
        half_a_body peer;
        const std::string url = co_await peer.start();
        http::client client;
        auto response = co_await client.get(url);
        std::string got{(co_await response.body().read()).value()};
        // Each ends in the turn in which the rest arrives, or a little before or after it.
        for (int turns = 0; turns < 8; ++turns) {
            auto pause = [](int n) -> task<> { co_await settle(n); };
            auto first = co_await race(response.body().read(), pause(turns));
            if (first.index() == 0) got += std::get<0>(first).value_or("");
            peer.gate.set();
        }
        while (auto piece = co_await response.body().read()) got += *piece;
        EXPECT_EQ(got, "halfrest");
    }());
}

TEST(CancelBugs, ADownloadThatIsDroppedClosesItsDirectory) {
    temporary_directory directory;
    const std::size_t before = open_descriptors();
    for (int turns = 0; turns < 6; ++turns)
        in_loop([](std::string into, int after) -> task<> {
            task_group group;
            auto fetch = [&]() -> task<> {
                std::vector<std::string> urls{"http://127.0.0.1:9/x"};
                co_await download(std::move(urls), {.directory = into, .retries = 0});
            };
            group.spawn(fetch());
            co_await settle(after);
        }(directory.string(), turns));
    EXPECT_EQ(open_descriptors(), before);
}

// A pool's place is given up before a thread has begun with it.
TEST(CancelBugs, ManyFifosThatNobodyOpens) {
    temporary_directory directory;
    const std::string name = directory / "fifo";
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    for (int round = 0; round < 100; ++round)
        in_loop([&]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                auto outcome = co_await (timeout(0s, open(name)) | as_result);
                EXPECT_FALSE(outcome);
            }
        }(), {.linger = 0s});
}

// Its default constructor could not be instantiated outside of the library.
TEST(CancelBugs, ADirectoryCanBeDeclaredBeforeItIsOpened) {
    in_loop([]() -> task<> {
        leat::directory later;
        directory_scan scan;
        temporary_directory made;
        later = co_await open_directory(made.string());
        scan = co_await scan_directory(made.string());
        auto none = co_await scan.next();
        EXPECT_FALSE(none);
    }());
}

}  // namespace
}  // namespace leat::testing
