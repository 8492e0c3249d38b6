#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "leat/fs/operations.hpp"
#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

namespace std_fs = std::filesystem;

class DirectoryWalk : public ::testing::Test {
protected:
    testing::temporary_directory directory;

    task<std::set<std::string>> names(directory_walk tree) {
        std::set<std::string> all;
        while (auto entry = co_await tree.next()) {
            std::string below = entry->path.string().substr(directory.string().size());
            const auto above = below.substr(0, below.rfind('/'));
            EXPECT_TRUE(above.empty() || all.contains(above)) << below << " came before its directory";
            EXPECT_EQ(static_cast<std::size_t>(std::count(below.begin(), below.end(), '/')), entry->depth);
            EXPECT_TRUE(all.insert(std::move(below)).second);
        }
        co_return all;
    }
};

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] auto& each : std_fs::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

TEST_F(DirectoryWalk, TenThousandNamesComeInPieces) {
    for (int i = 0; i < 10'000; ++i) ::close(::creat((directory / std::to_string(i)).c_str(), 0600));
    in_loop([&]() -> task<> {
        auto scan = co_await scan_directory(directory.string());
        std::set<std::string> all;
        while (auto entry = co_await scan.next()) {
            EXPECT_EQ(entry->kind, file_kind::regular);
            all.insert(entry->name);
        }
        EXPECT_EQ(all.size(), 10'000u);
        auto after = co_await scan.next();
        EXPECT_FALSE(after);
        EXPECT_EQ((co_await list_directory(directory.string())).size(), 10'000u);
        EXPECT_EQ((co_await names(walk(directory.string()))).size(), 10'000u);
        co_await remove_tree(directory.string());
        EXPECT_FALSE(std_fs::exists(directory.string()));
    }());
}

TEST_F(DirectoryWalk, GoesTopDownAndDoesNotFollowLinks) {
    std_fs::create_directories(directory / "a/b/c");
    put(directory / "a/b/file", "");
    put(directory / "top", "");
    std_fs::create_symlink("..", directory / "a/b/loop");
    std_fs::create_symlink(directory.string(), directory / "a/again");
    in_loop([&]() -> task<> {
        const std::set<std::string> expected{"/a", "/a/again", "/a/b", "/a/b/c", "/a/b/file", "/a/b/loop", "/top"};
        EXPECT_EQ(co_await names(walk(directory.string())), expected);
        const std::set<std::string> shallow{"/a", "/top"};
        EXPECT_EQ(co_await names(walk(directory.string(), {.depth = 1})), shallow);
        // The name itself may be a link, and end with a slash.
        std_fs::create_symlink("a", directory / "to-a");
        auto tree = walk(directory / "to-a/");
        std::size_t count = 0;
        while (auto entry = co_await tree.next()) ++count;
        EXPECT_EQ(count, 5u);
    }());
}

TEST_F(DirectoryWalk, SkipsWhatItIsToldTo) {
    std_fs::create_directories(directory / "a/b");
    std_fs::create_directories(directory / "c/d");
    in_loop([&]() -> task<> {
        std::set<std::string> seen;
        auto tree = walk(directory.string());
        while (auto entry = co_await tree.next()) {
            seen.insert(std::string{entry->path.file_name()});
            if (entry->path.file_name() == "a") tree.skip();
            if (entry->path.file_name() == "d") tree.skip(), tree.skip();  // twice is once
        }
        const std::set<std::string> expected{"a", "c", "d"};
        EXPECT_EQ(seen, expected);
    }());
}

TEST_F(DirectoryWalk, HoldsFewDescriptorsHoweverDeepItGoes) {
    std::string name = directory.string();
    for (int i = 0; i < 100; ++i) {
        name += "/d";
        std_fs::create_directory(name);
    }
    in_loop([&]() -> task<> {
        auto tree = walk(directory.string());
        auto first = co_await tree.next();
        EXPECT_TRUE(first);
        const auto before = open_descriptors();
        std::size_t count = 1;
        while (auto entry = co_await tree.next()) {
            ++count;
            EXPECT_LE(open_descriptors(), before + 2);  // one that is being closed may still be there
        }
        EXPECT_EQ(count, 100u);
    }());
}

TEST_F(DirectoryWalk, GoesOnAfterADirectoryThatCannotBeRead) {
    std_fs::create_directories(directory / "a/x");
    std_fs::create_directories(directory / "b/y");
    in_loop([&]() -> task<> {
        auto tree = walk(directory.string());
        std::set<std::string> seen;
        int errors = 0;
        for (;;) {
            auto entry = co_await (tree.next() | as_result);
            if (!entry) {
                ++errors;
                EXPECT_EQ(entry.error().message().substr(0, 6 + directory.string().size()), "walk " + directory.string() + "/");
                continue;
            }
            if (!*entry) break;
            const std::string found{(*entry)->path.file_name()};
            seen.insert(found);
            if (found == "a") {  // becomes a link meanwhile, to a directory that a follower would walk
                std_fs::remove_all(directory / "a");
                std_fs::create_symlink("b", directory / "a");
            }
        }
        const std::set<std::string> expected{"a", "b", "y"};
        EXPECT_EQ(seen, expected);
        EXPECT_EQ(errors, 1);
        auto missing = walk(directory / "none");
        auto nothing = co_await (missing.next() | as_result);
        EXPECT_EQ(nothing.error().message(), "walk " + (directory / "none") + ": No such file or directory (errno 2)");
        auto over = co_await missing.next();
        EXPECT_FALSE(over);
    }());
}

TEST_F(DirectoryWalk, ADirectoryThatVanishesIsNoError) {
    std_fs::create_directories(directory / "a/x");
    in_loop([&]() -> task<> {
        auto tree = walk(directory.string());
        auto a = co_await tree.next();
        EXPECT_TRUE(a);
        std_fs::remove_all(directory / "a");
        auto end = co_await tree.next();
        EXPECT_FALSE(end);
    }());
}

TEST_F(DirectoryWalk, TooManyWaitingDirectoriesAreALimit) {
    for (int i = 0; i < 5; ++i) std_fs::create_directory(directory / std::to_string(i));
    in_loop([&]() -> task<> {
        auto tree = walk(directory.string(), {.pending = 4});
        int told = 0;
        bool limited = false;
        try {
            while (auto entry = co_await tree.next()) ++told;
        } catch (const limit_error&) {
            limited = true;
        }
        EXPECT_EQ(told, 4);
        EXPECT_TRUE(limited);
    }());
}

TEST_F(DirectoryWalk, CancellingLosesNoName) {
    for (int i = 0; i < 3000; ++i) ::close(::creat((directory / std::to_string(i)).c_str(), 0600));
    std_fs::create_directories(directory / "sub");
    put(directory / "sub/last", "");
    in_loop([&]() -> task<> {
        auto tree = walk(directory.string());
        auto scan = co_await scan_directory(directory.string());
        std::set<std::string> walked;
        std::set<std::string> scanned;
        bool more = true;
        for (int i = 0; more; ++i) {
            task_group group;
            int ended = 0;
            group.spawn([&]() -> task<> {
                while (auto entry = co_await tree.next()) walked.insert(std::string{entry->path.file_name()});
                ++ended;
            });
            group.spawn([&]() -> task<> {
                while (auto entry = co_await scan.next()) scanned.insert(entry->name);
                ++ended;
            });
            for (int turns = 0; turns < i % 5 + i / 40; ++turns) co_await yield();
            group.cancel();
            co_await group.join();
            more = ended < 2;
        }
        EXPECT_EQ(walked.size(), 3002u);
        EXPECT_EQ(scanned.size(), 3001u);
    }());
}

TEST_F(DirectoryWalk, MayBeDroppedAtAnyMoment) {
    for (int i = 0; i < 2000; ++i) ::close(::creat((directory / std::to_string(i)).c_str(), 0600));
    const auto before = open_descriptors();
    in_loop([&]() -> task<> {
        for (int i = 0; i < 40; ++i) {
            auto tree = walk(directory.string());
            task_group group;
            group.spawn([&]() -> task<> {
                while (auto entry = co_await tree.next()) {}
            });
            for (int turns = 0; turns < i % 4; ++turns) co_await yield();
        }
    }());
    EXPECT_LE(open_descriptors(), before);  // of a loop that has ended: a dropped walk's thread may be at work until then
}

}  // namespace
}  // namespace leat::testing
