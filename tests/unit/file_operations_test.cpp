#include "leat/fs/operations.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
namespace std_fs = std::filesystem;

class FileOperations : public ::testing::Test {
protected:
    testing::temporary_directory directory;
    std::string a = directory / "a";
    std::string b = directory / "b";
};

TEST_F(FileOperations, RenameReplaces) {
    put(a, "new");
    put(b, "old");
    in_loop([&]() -> task<> {
        co_await rename(a, b);
        EXPECT_EQ(content_of(b), "new");
        EXPECT_FALSE(std_fs::exists(a));
        auto missing = co_await (rename(a, b) | as_result);
        EXPECT_EQ(missing.error().message(), "rename " + a + " to " + b + ": No such file or directory (errno 2)");
        EXPECT_EQ(content_of(b), "new");
    }());
}

TEST_F(FileOperations, RemoveTakesFilesLinksAndEmptyDirectories) {
    put(a, "");
    std_fs::create_directory(b);
    std_fs::create_symlink(b, directory / "link");
    put(directory / "b/inside", "");
    in_loop([&]() -> task<> {
        co_await remove(a);
        EXPECT_FALSE(std_fs::exists(a));
        co_await remove(directory / "link");
        EXPECT_TRUE(std_fs::exists(b));
        auto full = co_await (remove(b) | as_result);
        EXPECT_EQ(full.error().message(), "remove " + b + ": Directory not empty (errno 39)");
        co_await remove(directory / "b/inside");
        co_await remove(b);
        EXPECT_FALSE(std_fs::exists(b));
        auto gone = co_await (remove(b) | as_result);
        EXPECT_EQ(gone.error().code(), std::errc::no_such_file_or_directory);
    }());
}

TEST_F(FileOperations, DirectoriesAreMadeWithTheirParents) {
    in_loop([&]() -> task<> {
        co_await make_directory(a, 0700);
        EXPECT_EQ((co_await stat(a)).permissions, 0700u);
        auto again = co_await (make_directory(a) | as_result);
        EXPECT_EQ(again.error().message(), "make_directory " + a + ": File exists (errno 17)");
        co_await make_directories(directory / "b/c/d");
        co_await make_directories(directory / "b/c/d");
        EXPECT_TRUE(std_fs::is_directory(directory / "b/c/d"));
        put(directory / "file", "");
        auto in_the_way = co_await (make_directories(directory / "file/x") | as_result);
        EXPECT_EQ(in_the_way.error().code(), std::errc::not_a_directory);
        auto nothing = co_await (make_directories("") | as_result);
        EXPECT_FALSE(nothing.has_value());
    }());
}

TEST_F(FileOperations, PermissionsAndTimesAreSet) {
    put(a, "");
    in_loop([&]() -> task<> {
        co_await set_permissions(a, 0600);
        EXPECT_EQ((co_await stat(a)).permissions, 0600u);
        co_await set_times(a, 5s, -1500ms);
        const auto found = co_await stat(a);
        EXPECT_EQ(found.accessed, 5s);
        EXPECT_EQ(found.modified, -1500ms);
        auto missing = co_await (set_permissions(b, 0600) | as_result);
        EXPECT_EQ(missing.error().message(), "set_permissions " + b + ": No such file or directory (errno 2)");
        auto untimed = co_await (set_times(b, 0s, 0s) | as_result);
        EXPECT_FALSE(untimed.has_value());
    }());
}

TEST_F(FileOperations, ATreeIsRemovedAndItsLinksAreNotFollowed) {
    put(directory / "outside", "stays");
    std_fs::create_directories(directory / "a/deep/deeper");
    put(directory / "a/deep/file", "1");
    put(directory / "a/deep/deeper/file", "2");
    std_fs::create_symlink("..", directory / "a/deep/up");
    std_fs::create_symlink(directory / "outside", directory / "a/link");
    std_fs::create_symlink(directory.string(), directory / "a/loop");
    in_loop([&]() -> task<> {
        co_await remove_tree(a);
        EXPECT_FALSE(std_fs::exists(a));
        EXPECT_EQ(content_of(directory / "outside"), "stays");
        auto gone = co_await (remove_tree(a) | as_result);
        EXPECT_EQ(gone.error().message(), "remove_tree " + a + ": No such file or directory (errno 2)");
        std_fs::create_directory(b);
        std_fs::create_symlink(b, a);
        auto link = co_await (remove_tree(a) | as_result);
        EXPECT_EQ(link.error().code(), std::errc::not_a_directory);
        EXPECT_TRUE(std_fs::exists(b));
        auto file = co_await (remove_tree(directory / "outside") | as_result);
        EXPECT_EQ(file.error().code(), std::errc::not_a_directory);
        auto dots = co_await (remove_tree(directory / "b/..") | as_result);
        EXPECT_EQ(dots.error().code(), std::errc::invalid_argument);
        EXPECT_TRUE(std_fs::exists(b));
    }());
}

TEST_F(FileOperations, ADeepTreeNeedsFewDescriptors) {
    // Far deeper than a path may be long.
    const int before = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std_fs::create_directory(a);
    ASSERT_EQ(::chdir(a.c_str()), 0);
    const std::string name(100, 'd');
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(::mkdir(name.c_str(), 0700), 0);
        put("file", "");
        ASSERT_EQ(::chdir(name.c_str()), 0);
    }
    ASSERT_EQ(::fchdir(before), 0);
    ::close(before);
    in_loop([&]() -> task<> { co_await remove_tree(a); }());
    EXPECT_FALSE(std_fs::exists(a));
}

TEST_F(FileOperations, ATreeThatCannotBeRemovedSaysWhere) {
    std_fs::create_directories(directory / "a/locked");
    put(directory / "a/locked/file", "");
    for (const std::string& above : {directory.string(), a}) ::chmod(above.c_str(), 0755);
    ::chmod((directory / "a/locked").c_str(), 0555);
    const auto outcome = in_child([&](int) {
        if (::geteuid() == 0 && ::setuid(65534) != 0) return 1;  // root may remove everything
        const std::string said = thrown_by([&] { in_loop(remove_tree(a)); });
        if (said == "remove_tree " + a + "/locked/file: Permission denied (errno 13)") return 0;
        const auto also = "instead: " + said;
        return ::write(2, also.data(), also.size()) < 0 ? 2 : 3;
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    ::chmod((directory / "a/locked").c_str(), 0755);
}

TEST_F(FileOperations, ListsNamesAndKinds) {
    put(a, "");
    std_fs::create_directory(b);
    std_fs::create_symlink("a", directory / "link");
    ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
    const std::string hostile = "\n\033[2J\xff ";
    put(directory / hostile, "");
    in_loop([&]() -> task<> {
        auto all = co_await list_directory(directory.string());
        std::sort(all.begin(), all.end(), [](auto& x, auto& y) { return x.name < y.name; });
        std::string text;
        for (auto& each : all) text += each.name + std::to_string(static_cast<int>(each.kind)) + "|";
        EXPECT_EQ(text, hostile + "0|a0|b1|fifo2|link3|");
        auto missing = co_await (list_directory(directory / "none") | as_result);
        EXPECT_EQ(missing.error().message(), "list_directory " + (directory / "none") + ": No such file or directory (errno 2)");
        auto file = co_await (list_directory(a) | as_result);
        EXPECT_EQ(file.error().code(), std::errc::not_a_directory);
        EXPECT_THROW(co_await list_directory(directory.string(), 4), limit_error);
        EXPECT_EQ((co_await list_directory(directory.string(), 5)).size(), 5u);
    }());
}

TEST_F(FileOperations, ARenameThatIsCancelledHasHappenedOrNot) {
    in_loop([&]() -> task<> {
        int happened = 0;
        for (int i = 0; i < 100; ++i) {
            put(a, "x");
            std_fs::remove(b);
            task_group group;
            bool ended = false;
            group.spawn([&]() -> task<> {
                co_await rename(a, b);
                ended = true;
            });
            for (int turns = 0; turns < i % 4; ++turns) co_await yield();
            group.cancel();
            co_await group.join();
            EXPECT_EQ(ended, std_fs::exists(b)) << i;
            EXPECT_NE(std_fs::exists(a), std_fs::exists(b));
            happened += ended;
        }
        EXPECT_LT(happened, 100);  // those that were cancelled before they started
    }());
}

TEST_F(FileOperations, ADroppedRenameIsSeenThroughByTheLoop) {
    in_loop([&]() -> task<> {
        for (int i = 0; i < 50; ++i) {
            put(a, "x");
            {
                task_group group;
                group.spawn([&]() -> task<> { co_await rename(a, b); });
                group.spawn([&]() -> task<> { co_await make_directories(directory / "x/y"); });
                group.spawn([&]() -> task<> { co_await remove_tree(directory / "x"); });
                co_await yield();
            }
            co_await settle();
        }
    }());
}

TEST_F(FileOperations, RemovingATreeStopsWhenItIsCancelled) {
    std_fs::create_directory(a);
    for (int i = 0; i < 2000; ++i) put(a + "/" + std::to_string(i), "");
    in_loop([&]() -> task<> {
        auto outcome = co_await (race(remove_tree(a), []() -> task<> { co_await yield(); }()) | as_result);
        EXPECT_TRUE(outcome.has_value());
        EXPECT_TRUE(std_fs::exists(a));
        co_await remove_tree(a);
        EXPECT_FALSE(std_fs::exists(a));
    }());
}

}  // namespace
}  // namespace leat::testing
