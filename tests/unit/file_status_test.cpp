#include "leat/fs/status.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

class FileStatus : public ::testing::Test {
protected:
    testing::temporary_directory directory;
    std::string name = directory / "file";
};

TEST_F(FileStatus, TellsWhatTheSystemTells) {
    put(name, "twelve bytes");
    ::chmod(name.c_str(), 0640);
    ::link(name.c_str(), (directory / "second").c_str());
    struct ::stat expected {};
    ASSERT_EQ(::stat(name.c_str(), &expected), 0);
    in_loop([&]() -> task<> {
        // The second time its directory is known to be local, and asked directly.
        for (int i = 0; i < 2; ++i) {
            const auto found = co_await stat(name);
            EXPECT_EQ(found.kind, file_kind::regular);
            EXPECT_EQ(found.size, 12u);
            EXPECT_EQ(found.permissions, 0640u);
            EXPECT_EQ(found.links, 2u);
            EXPECT_EQ(found.inode, expected.st_ino);
            EXPECT_EQ(found.device, expected.st_dev);
            EXPECT_EQ(found.owner, ::geteuid());
            EXPECT_EQ(found.group, expected.st_gid);
            EXPECT_EQ(found.modified, std::chrono::seconds{expected.st_mtim.tv_sec} + std::chrono::nanoseconds{expected.st_mtim.tv_nsec});
            EXPECT_EQ(found.changed, std::chrono::seconds{expected.st_ctim.tv_sec} + std::chrono::nanoseconds{expected.st_ctim.tv_nsec});
            const auto above = co_await stat(directory.string());
            EXPECT_EQ(above.kind, file_kind::directory);
            auto familiar = co_await open(name);
            co_await familiar.close();
        }
    }());
}

TEST_F(FileStatus, WhatIsMissingIsAnErrorWithItsName) {
    in_loop([&]() -> task<> {
        auto missing = co_await (stat(name) | as_result);
        EXPECT_EQ(missing.error().message(), "stat " + name + ": No such file or directory (errno 2)");
        auto empty = co_await (stat("") | as_result);
        EXPECT_EQ(empty.error().code(), std::errc::no_such_file_or_directory);
        auto too_long = co_await (stat(directory / std::string(300, 'x')) | as_result);
        EXPECT_EQ(too_long.error().code(), std::errc::filename_too_long);
    }());
}

TEST_F(FileStatus, ANameWithANulByteIsRefused) {
    put(name, "here");
    const std::string hostile = name + '\0' + ".txt";
    in_loop([&]() -> task<> {
        auto looked = co_await (stat(hostile) | as_result);
        EXPECT_EQ(looked.error().code(), std::errc::invalid_argument);
        auto asked = co_await (exists(hostile) | as_result);
        EXPECT_EQ(asked.error().code(), std::errc::invalid_argument);
    }());
}

TEST_F(FileStatus, ExistsNeedsAName) {
    put(name, "");
    in_loop([&]() -> task<> {
        bool entered = false;
        if (auto found = co_await exists(name)) entered = true;
        EXPECT_TRUE(entered);
        EXPECT_EQ(co_await exists(name), present);
        EXPECT_EQ(co_await exists(directory / "none"), absent);
        EXPECT_EQ(co_await exists(name + "/below a file"), absent);
        co_await make_symbolic_link("nowhere", directory / "dangling");
        EXPECT_EQ(co_await exists(directory / "dangling"), absent);
        co_await make_symbolic_link("circle", directory / "circle");
        EXPECT_EQ(co_await exists(directory / "circle"), absent);
        auto unknown = co_await (exists(directory / std::string(300, 'x')) | as_result);
        EXPECT_FALSE(unknown.has_value());
    }());
    static_assert(!std::is_constructible_v<bool, presence>, "a condition that awaits has to name it");
}

TEST_F(FileStatus, LinksAreFollowedOrNot) {
    put(name, "123");
    in_loop([&]() -> task<> {
        const path link = directory / "link";
        co_await make_symbolic_link("file", link);
        EXPECT_EQ((co_await stat(link)).size, 3u);
        EXPECT_EQ((co_await lstat(link)).kind, file_kind::symbolic_link);
        EXPECT_EQ((co_await read_link(link)).string(), "file");
        // Also where names are looked up directly.
        auto familiar = co_await open(name);
        co_await familiar.close();
        EXPECT_EQ((co_await stat(link)).kind, file_kind::regular);
        EXPECT_EQ((co_await lstat(link)).kind, file_kind::symbolic_link);
        auto none = co_await (read_link(name) | as_result);
        EXPECT_EQ(none.error().message(), "read_link " + name + ": Invalid argument (errno 22)");
        auto taken = co_await (make_symbolic_link("other", link) | as_result);
        EXPECT_EQ(taken.error().code(), std::errc::file_exists);
        co_await make_link(name, directory / "hard");
        EXPECT_EQ((co_await stat(name)).links, 2u);
        auto again = co_await (make_link(name, directory / "hard") | as_result);
        EXPECT_EQ(again.error().message(), "make_link " + name + " to " + (directory / "hard") + ": File exists (errno 17)");
    }());
}

TEST_F(FileStatus, AFifoIsToldAboutAndNotWaitedFor) {
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    in_loop([&]() -> task<> { EXPECT_EQ((co_await stat(name)).kind, file_kind::other); }());
}

TEST_F(FileStatus, CancelledBeforeItStartsItDoesNotGoOn) {
    in_loop([&]() -> task<> {
        task_group group;
        bool went_on = false;
        group.spawn([&]() -> task<> {
            (void)co_await stat(directory.string());
            went_on = true;
        });
        group.cancel();
        co_await group.join();
        EXPECT_FALSE(went_on);
    }());
}

TEST_F(FileStatus, ADroppedStatHurtsNobody) {
    put(name, "");
    in_loop([&]() -> task<> {
        for (int i = 0; i < 50; ++i) {
            task_group group;
            group.spawn([&]() -> task<> { (void)co_await stat(name); });
            if (i % 2) co_await yield();
        }
    }());
}

}  // namespace
}  // namespace leat::testing
