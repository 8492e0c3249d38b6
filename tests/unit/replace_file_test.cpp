#include "leat/fs/replace.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

namespace std_fs = std::filesystem;

class ReplaceFile : public ::testing::Test {
protected:
    testing::temporary_directory directory;
    std::string name = directory / "file";
    std::ptrdiff_t files() const { return std::distance(std_fs::directory_iterator(directory.string()), {}); }
};

TEST_F(ReplaceFile, MakesAndReplaces) {
    in_loop([&]() -> task<> {
        co_await replace_file(name, "first");
        EXPECT_EQ(content_of(name), "first");
        struct ::stat before {};
        ::stat(name.c_str(), &before);
        co_await replace_file(name, "second, and longer");
        EXPECT_EQ(content_of(name), "second, and longer");
        EXPECT_NE((co_await stat(name)).inode, before.st_ino);
        EXPECT_EQ(files(), 1);
        const std::string large(3 << 20, 'x');
        co_await replace_file(name, large);
        EXPECT_EQ(content_of(name), large);
    }());
}

TEST_F(ReplaceFile, KeepsThePermissions) {
    put(name, "old");
    ::chmod(name.c_str(), 0604);
    in_loop([&]() -> task<> {
        co_await replace_file(name, "new");
        EXPECT_EQ((co_await stat(name)).permissions, 0604u);
        if (::geteuid() != 0) co_return;
        EXPECT_EQ(::chown(name.c_str(), 12, 34), 0);
        co_await replace_file(name, "newer");
        const auto found = co_await stat(name);
        EXPECT_EQ(found.owner, 12u);
        EXPECT_EQ(found.group, 34u);
    }());
}

TEST_F(ReplaceFile, ALinkStaysALink) {
    std_fs::create_directory(directory / "sub");
    put(directory / "sub/target", "old");
    std_fs::create_symlink("sub/target", name);
    std_fs::create_symlink("file", directory / "second");
    std_fs::create_symlink("new", directory / "dangling");
    std_fs::create_symlink("circle", directory / "circle");
    in_loop([&]() -> task<> {
        co_await replace_file(directory / "second", "new");
        EXPECT_EQ(content_of(directory / "sub/target"), "new");
        EXPECT_TRUE(std_fs::is_symlink(name));
        co_await replace_file(directory / "dangling", "made");
        EXPECT_EQ(content_of(directory / "new"), "made");
        auto circle = co_await (replace_file(directory / "circle", "") | as_result);
        EXPECT_EQ(circle.error().message(), "replace " + (directory / "circle") + ": Too many levels of symbolic links (errno 40)");
    }());
}

TEST_F(ReplaceFile, WhatIsNoRegularFileIsLeftAlone) {
    std_fs::create_directory(directory / "sub");
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    in_loop([&]() -> task<> {
        auto folder = co_await (replace_file(directory / "sub", "x") | as_result);
        EXPECT_EQ(folder.error().code(), std::errc::is_a_directory);
        auto fifo = co_await (replace_file(name, "x") | as_result);
        EXPECT_EQ(fifo.error().code(), std::errc::invalid_argument);
        auto missing = co_await (replace_file(directory / "none/x", "x") | as_result);
        EXPECT_EQ(missing.error().message(), "replace " + (directory / "none/x") + ": No such file or directory (errno 2)");
    }());
    EXPECT_EQ(files(), 2);
}

TEST_F(ReplaceFile, PieceByPiece) {
    put(name, "old");
    in_loop([&]() -> task<> {
        {
            auto next = co_await open_replacement(name);
            co_await next.write("a line\n");
            co_await next.write("another\n");
            EXPECT_EQ(content_of(name), "old");
            co_await next.commit();
            EXPECT_EQ(content_of(name), "a line\nanother\n");
            auto twice = co_await (next.commit() | as_result);
            EXPECT_FALSE(twice.has_value());
        }
        {
            auto dropped = co_await open_replacement(name);
            co_await dropped.write("never seen");
        }
        EXPECT_EQ(content_of(name), "a line\nanother\n");
        replacement none;
        auto nothing = co_await (none.commit() | as_result);
        EXPECT_FALSE(nothing.has_value());
    }());
    EXPECT_EQ(files(), 1);
}

TEST_F(ReplaceFile, ADirectoryThatTakesThePlaceMeanwhileIsAnErrorThatLeavesNothing) {
    put(name, "old");
    in_loop([&]() -> task<> {
        auto next = co_await open_replacement(name);
        co_await next.write("new");
        std_fs::remove(name);
        std_fs::create_directory(name);
        auto refused = co_await (next.commit() | as_result);
        EXPECT_EQ(refused.error().code(), std::errc::is_a_directory);
    }());
    EXPECT_EQ(files(), 1);
}

TEST_F(ReplaceFile, CancelledAtAnyMomentTheContentIsOldOrNew) {
    put(name, "old");
    in_loop([&]() -> task<> {
        for (int i = 0; i < 200; ++i) {
            const std::string before = content_of(name);
            const std::string after = std::to_string(i);
            task_group group;
            bool ended = false;
            group.spawn([&]() -> task<> {
                co_await replace_file(name, after);
                ended = true;
            });
            for (int turns = 0; turns < i % 20; ++turns) co_await yield();
            group.cancel();
            co_await group.join();
            const std::string now = content_of(name);
            EXPECT_TRUE(now == after || (!ended && now == before)) << now;
        }
    }());
    EXPECT_EQ(files(), 1);
}

TEST_F(ReplaceFile, AKilledProcessLeavesOldOrNewContent) {
    const std::string one(300'000, '1');
    const std::string two(500'000, '2');
    put(name, one);
    for (int i = 0; i < 25; ++i) {
        const auto outcome = in_child(
            [&](int ready) {
                return run_until_complete([&]() -> task<int> {
                    for (int round = 0; round < 1000; ++round) {
                        if (round == 1) say_ready(ready);
                        const std::string_view content = round % 2 ? std::string_view{one} : std::string_view{two};
                        co_await replace_file(name, content);
                    }
                    co_return 0;
                }());
            },
            [&](pid_t child) {
                // Killed somewhere in the middle: a different number of looks at the file each time.
                for (int looks = 0; looks < i * 3; ++looks) {
                    const std::string now = content_of(name);
                    EXPECT_TRUE(now == one || now == two) << now.size();
                }
                ::kill(child, SIGKILL);
            });
        EXPECT_EQ(outcome.signal, SIGKILL);
        const std::string now = content_of(name);
        EXPECT_TRUE(now == one || now == two) << now.size();
    }
}

}  // namespace
}  // namespace leat::testing
