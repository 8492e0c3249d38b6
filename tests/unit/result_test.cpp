#include "leat/io/result.hpp"

#include <gtest/gtest.h>

#include <string>

#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

TEST(Result, HasTheValueOrTheFailure) {
    in_loop([]() -> task<> {
        auto good = []() -> task<std::string> { co_return "v"; };
        auto value = co_await (good() | as_result);
        EXPECT_TRUE(value);
        EXPECT_EQ(*value, "v");
        EXPECT_EQ(value->size(), 1u);
        EXPECT_EQ(std::move(value).value(), "v");
        auto bad = []() -> task<std::string> {
            throw error(ENOENT, "open", "/nowhere");
            co_return "";
        };
        auto none = co_await (bad() | as_result);
        EXPECT_FALSE(none);
        EXPECT_EQ(none.error().code(), std::errc::no_such_file_or_directory);
        EXPECT_EQ(none.error().message(), "open /nowhere: No such file or directory (errno 2)");
        EXPECT_THROW(none.value(), error);
    }());
}

TEST(Result, CancellationIsNoFailure) {
    in_loop([]() -> task<> {
        bool thrown = false;
        auto child = [&]() -> task<> {
            try {
                auto outcome = co_await (sleep(1h) | as_result);
                (void)outcome;
            } catch (const cancelled&) {
                thrown = true;
            }
        };
        task_group group;
        group.spawn(child());
        co_await settle();
        group.cancel();
        co_await group.join();
        EXPECT_TRUE(thrown);
    }());
}

TEST(Result, EveryOperationHasOne) {
    in_loop([]() -> task<> {
        temporary_directory directory;
        auto pair = co_await connect_pair();
        pair.peer.send("line\nsome|exact");
        EXPECT_EQ(**(co_await (pair.reader.read_line() | as_result)), "line\n");
        EXPECT_EQ(**(co_await (pair.reader.read_until("|") | as_result)), "some|");
        EXPECT_EQ(*(co_await (pair.reader.read_exactly(5) | as_result)), "exact");
        auto written = co_await (pair.writer.write("x") | as_result);
        EXPECT_TRUE(written);
        auto drained = co_await (pair.writer.drain() | as_result);
        EXPECT_TRUE(drained);
        auto ended = co_await (pair.writer.write_eof() | as_result);
        EXPECT_TRUE(ended);
        EXPECT_EQ(pair.peer.receive_all(), "x");
        pair.peer.close();
        auto nothing = co_await (pair.reader.read() | as_result);
        EXPECT_TRUE(nothing);
        EXPECT_FALSE(*nothing);
        auto short_read = co_await (pair.reader.read_exactly(1) | as_result);
        EXPECT_FALSE(short_read);
        auto closed = co_await (pair.writer.close() | as_result);
        EXPECT_TRUE(closed);
        auto late = co_await (pair.writer.write("y") | as_result);
        EXPECT_FALSE(late);
        EXPECT_EQ(late.error().code(), std::errc::broken_pipe);

        auto file = co_await (open(directory / "f", "w+") | as_result);
        EXPECT_TRUE(file);
        auto text = co_await (file->write("text\n") | as_result);
        EXPECT_TRUE(text);
        auto back = co_await (file->seek(0) | as_result);
        EXPECT_TRUE(back);
        EXPECT_EQ(**(co_await (file->read_line() | as_result)), "text\n");
        auto gone = co_await (open(directory / "none") | as_result);
        EXPECT_FALSE(gone);
        EXPECT_EQ(gone.error().code(), std::errc::no_such_file_or_directory);

        semaphore slots{1};
        auto slot = co_await (slots.acquire() | as_result);
        EXPECT_TRUE(slot);
        event happened;
        happened.set();
        auto waited = co_await (happened.wait() | as_result);
        EXPECT_TRUE(waited);
        auto slept = co_await (sleep(1ns) | as_result);
        EXPECT_TRUE(slept);
        auto called = co_await (to_thread([] { return 1; }) | as_result);
        EXPECT_EQ(*called, 1);
        task_group group;
        auto joined = co_await (group.join() | as_result);
        EXPECT_TRUE(joined);
        auto refused = co_await (open_connection({"127.0.0.1", 1}) | as_result);
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().code(), std::errc::connection_refused);
        EXPECT_EQ(refused.error().message(), "connect 127.0.0.1:1: Connection refused (errno 111)");
    }());
}

}  // namespace
}  // namespace leat::testing
