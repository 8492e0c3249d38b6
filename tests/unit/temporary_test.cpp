#include "leat/fs/temporary.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

namespace std_fs = std::filesystem;

class Temporary : public ::testing::Test {
protected:
    testing::temporary_directory directory;
    std::string where = directory.string();
    bool empty() const { return std_fs::is_empty(where); }
};

TEST_F(Temporary, AFileIsWrittenReadAndGone) {
    in_loop([&]() -> task<> {
        {
            auto scratch = co_await open_temporary_file({.directory = where});
            EXPECT_TRUE(scratch.name().empty());
            EXPECT_TRUE(empty());
            co_await scratch.write("kept for a while");
            co_await scratch.seek(5);
            EXPECT_EQ(co_await scratch.read_all(), "for a while");
        }
        co_await settle();
        EXPECT_TRUE(empty());
    }());
}

TEST_F(Temporary, ANamedFileGoesWithItsScope) {
    in_loop([&]() -> task<> {
        path name;
        {
            auto scratch = co_await open_temporary_file({.directory = where, .prefix = "pre-", .suffix = ".txt", .named = true});
            name = scratch.name();
            EXPECT_TRUE(name.file_name().starts_with("pre-"));
            EXPECT_TRUE(name.file_name().ends_with(".txt"));
            EXPECT_EQ((co_await stat(name)).permissions, 0600u);
            auto moved = std::move(scratch);
            EXPECT_TRUE(scratch.name().empty());
            EXPECT_TRUE(std_fs::exists(name.string()));
        }
        EXPECT_TRUE(empty());
        try {
            auto scratch = co_await open_temporary_file({.directory = where, .named = true});
            EXPECT_FALSE(empty());
            throw std::runtime_error("on the way");
        } catch (const std::runtime_error&) {
        }
        EXPECT_TRUE(empty());
        auto first = co_await open_temporary_file({.directory = where, .named = true});
        first = co_await open_temporary_file({.directory = where, .named = true});
        EXPECT_EQ(std::distance(std_fs::directory_iterator(where), {}), 1);
    }());
    EXPECT_TRUE(empty());
}

TEST_F(Temporary, PersistGivesItANameForGood) {
    const std::string to = directory / "result";
    in_loop([&]() -> task<> {
        for (const bool named : {false, true}) {
            put(to, "old");
            {
                auto scratch = co_await open_temporary_file({.directory = where, .named = named});
                co_await scratch.write("new");
                co_await scratch.persist(to);
                EXPECT_EQ(content_of(to), "new");
                co_await scratch.write("er");
                co_await scratch.close();
            }
            EXPECT_EQ(content_of(to), "newer");
            EXPECT_EQ(std::distance(std_fs::directory_iterator(where), {}), 1);
            std_fs::remove(to);
            auto again = co_await open_temporary_file({.directory = where, .named = named});
            co_await again.persist(to);
            EXPECT_TRUE(std_fs::exists(to));
            auto other = co_await open_temporary_file({.directory = where, .named = named});
            auto failed = co_await (other.persist(directory / "none/x") | as_result);
            EXPECT_EQ(failed.error().message(), "persist " + (directory / "none/x") + ": No such file or directory (errno 2)");
            auto is_directory = co_await (other.persist(where) | as_result);
            EXPECT_FALSE(is_directory.has_value());
        }
    }());
    EXPECT_EQ(std::distance(std_fs::directory_iterator(where), {}), 1);
}

TEST_F(Temporary, ADirectoryGoesWithWhatIsInIt) {
    in_loop([&]() -> task<> {
        {
            auto scratch = co_await make_temporary_directory({.directory = where, .prefix = "x"});
            EXPECT_EQ((co_await stat(scratch.path())).permissions, 0700u);
            co_await write_file(scratch / "file", "1");
            co_await make_directories(scratch / "deep/deeper");
            for (int i = 0; i < 600; ++i) co_await write_file(scratch / ("deep/" + std::to_string(i)), "");
        }
        try {
            auto scratch = co_await make_temporary_directory({.directory = where});
            co_await write_file(scratch / "file", "1");
            throw std::runtime_error("on the way");
        } catch (const std::runtime_error&) {
        }
    }());
    EXPECT_TRUE(empty());  // the loop has seen to it
}

TEST_F(Temporary, ADirectoryIsClosedOrKept) {
    in_loop([&]() -> task<> {
        auto scratch = co_await make_temporary_directory({.directory = where});
        co_await write_file(scratch / "file", "1");
        co_await scratch.close();
        EXPECT_TRUE(empty());
        EXPECT_TRUE(scratch.path().empty());
        co_await scratch.close();
        auto kept = co_await make_temporary_directory({.directory = where});
        const path name = kept.release();
        kept = {};
        EXPECT_TRUE(std_fs::exists(name.string()));
    }());
    EXPECT_FALSE(empty());
}

TEST_F(Temporary, OutsideOfALoopADirectoryIsRemovedAtOnce) {
    {
        auto scratch = in_loop(make_temporary_directory({.directory = where}));
        put(scratch.path().string() + "/file", "");
    }
    EXPECT_TRUE(empty());
}

TEST_F(Temporary, HostileOptionsAreRefused) {
    in_loop([&]() -> task<> {
        auto slash = co_await (open_temporary_file({.directory = where, .prefix = "../x", .named = true}) | as_result);
        EXPECT_EQ(slash.error().code(), std::errc::invalid_argument);
        auto missing = co_await (open_temporary_file({.directory = "/none/at/all"}) | as_result);
        EXPECT_EQ(missing.error().message(), "open_temporary_file /none/at/all: No such file or directory (errno 2)");
        auto folder = co_await (make_temporary_directory({.directory = "/none/at/all"}) | as_result);
        EXPECT_EQ(folder.error().message(), "make_temporary_directory /none/at/all: No such file or directory (errno 2)");
        auto suffix = co_await (make_temporary_directory({.directory = where, .suffix = "/.."}) | as_result);
        EXPECT_FALSE(suffix.has_value());
    }());
}

TEST_F(Temporary, CancelledOrDroppedWhileItIsMadeNothingStays) {
    in_loop([&]() -> task<> {
        for (int i = 0; i < 100; ++i) {
            task_group group;
            group.spawn([&]() -> task<> { auto made = co_await open_temporary_file({.directory = where, .named = true}); });
            group.spawn([&]() -> task<> { auto made = co_await make_temporary_directory({.directory = where}); });
            for (int turns = 0; turns < i % 5; ++turns) co_await yield();
            if (i % 2) {
                group.cancel();
                co_await group.join();
            }
        }
    }());
    EXPECT_TRUE(empty());
}

}  // namespace
}  // namespace leat::testing
