#include "download/journal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "unit/journal_support.hpp"

namespace leat::detail {
namespace {

TEST(Journal, OpeningOneThatIsNotThereMakesNothing) {
    temporary_directory directory;
    in_loop([](std::string file) -> task<> {
        auto notes = co_await journal::open(file);
        EXPECT_FALSE(notes->dirty());
        EXPECT_FALSE(notes->finished(1));
        EXPECT_EQ(notes->partial("a"), nullptr);
        co_await notes->commit();
        co_await notes->remove();
        EXPECT_EQ(notes->file().string(), file);
    }(directory / "journal"));
    EXPECT_TRUE(std::filesystem::is_empty(directory.string()));
}

TEST(Journal, WhatIsCommittedIsReadByTheNext) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        notes->note_finished({7, 70, -700, true});
        notes->note_finished({UINT64_MAX, UINT64_MAX, INT64_MIN});
        notes->note_finished({7, 71, 701});
        notes->note_partial(some_partial("a", 1));
        notes->note_partial(some_partial("a", 2));
        notes->note_partial(some_partial("b"));
        notes->note_partial(some_partial("gone"));
        auto bare = some_partial("bare \xff'\"\n", 0, 0);
        bare.size.reset();
        bare.etag.clear();
        bare.last_modified.clear();
        notes->note_partial(bare);
        EXPECT_TRUE(notes->dirty());
        co_await notes->commit();
        EXPECT_FALSE(notes->dirty());
        EXPECT_FALSE(notes->finished(7)) << "as it was read";
        notes->forget_partial("gone");
        notes->note_partial(some_partial("b", 3));
        notes->note_finished({8, 80, 800}, "nobody");
        co_await notes->commit();
    }(file));
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        EXPECT_EQ(notes->finished(7)->size, 71u);
        EXPECT_EQ(notes->finished(8)->changed, 800);
        EXPECT_EQ(notes->finished(UINT64_MAX)->size, UINT64_MAX);
        EXPECT_EQ(notes->finished(UINT64_MAX)->changed, INT64_MIN);
        EXPECT_FALSE(notes->finished(9));
        EXPECT_EQ(notes->partials().size(), 3u);
        EXPECT_EQ(notes->partial("gone"), nullptr);
        EXPECT_TRUE(same(*notes->partial("a"), some_partial("a", 2)));
        EXPECT_TRUE(same(*notes->partial("b"), some_partial("b", 3)));
        const auto* bare = notes->partial("bare \xff'\"\n");
        if (!bare) throw std::runtime_error("no bare");
        EXPECT_FALSE(bare->size);
        EXPECT_TRUE(bare->etag.empty());
        EXPECT_EQ(bare->written.total(), 100u);
        EXPECT_EQ(bare->synced.total(), 0u);
    }(file));
    struct stat facts {};
    EXPECT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u) << "URLs may hold passwords";
}

TEST(Journal, ClosedItIsOneFileAndRemovedItIsNone) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    const auto names = [&] {
        std::string all;
        for (const auto& each : std::filesystem::directory_iterator(directory.string())) all += each.path().filename().string() + " ";
        return all;
    };
    in_loop([](std::string name, auto listed) -> task<> {
        auto notes = co_await journal::open(name);
        notes->note_finished({1, 2, 3});
        co_await notes->close();
        EXPECT_EQ(listed(), "journal ");
        notes->note_finished({2, 3, 4});
        co_await notes->commit();
        co_await notes->close();
    }(file, names));
    in_loop([](std::string name, auto listed) -> task<> {
        auto notes = co_await journal::open(name);
        EXPECT_TRUE(notes->finished(1));
        EXPECT_TRUE(notes->finished(2));
        co_await notes->close();
        co_await notes->remove();
        EXPECT_EQ(listed(), "");
        notes->note_finished({5, 6, 7});
        co_await notes->commit();
        EXPECT_NE(listed(), "");
        co_await notes->remove();
        EXPECT_EQ(listed(), "");
    }(file, names));
}

TEST(Journal, AWalOfARemovedJournalIsNotTakenForTheNewOnes) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop(write_two(file));
    ASSERT_TRUE(std::filesystem::exists(file + "-wal"));
    std::filesystem::remove(file);
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        notes->note_finished({2, 20, 200});
        co_await notes->commit();
    }(file));
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        EXPECT_FALSE(notes->finished(1));
        EXPECT_TRUE(notes->finished(2));
    }(file));
}

TEST(Journal, AfterAnotherBootOnlyWhatIsSyncedCounts) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name, "first");
        notes->note_finished({1, 10, 100, false});
        notes->note_finished({2, 20, 200, true});
        notes->note_finished({3, 30, 300, true});
        notes->note_finished({3, 31, 301, false});
        notes->note_partial(some_partial("a", 100, 40));
        notes->note_partial(some_partial("b", 100, 0));
        co_await notes->commit();
    }(file));
    // Reading it does not change it: twice.
    for (int i = 0; i < 2; ++i) {
        in_loop([](std::string name) -> task<> {
            auto notes = co_await journal::open(name, "second");
            EXPECT_FALSE(notes->finished(1));
            EXPECT_TRUE(notes->finished(2));
            EXPECT_EQ(notes->finished(3)->size, 30u);
            EXPECT_EQ(notes->partial("a")->written.spans(), (std::vector<span_of_bytes>{{0, 40}}));
            EXPECT_EQ(notes->partial("b")->written.total(), 0u);
        }(file));
    }
    // A commit of the second boot does not make true again what the first one has lost.
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name, "second");
        notes->note_finished({4, 40, 400});
        co_await notes->commit();
    }(file));
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name, "second");
        EXPECT_FALSE(notes->finished(1));
        EXPECT_TRUE(notes->finished(4));
        EXPECT_EQ(notes->partial("a")->written.total(), 40u);
    }(file));
}

TEST(Journal, WhatSyncFilesHasBroughtToTheDiskCountsAfterAnotherBoot) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name, std::string where) -> task<> {
        auto notes = co_await journal::open(name, "first");
        notes->note_finished({1, 10, 100});
        notes->note_partial(some_partial("a", 100, 40));
        co_await notes->commit();
        notes->note_finished({2, 20, 200});
        notes->note_partial(some_partial("b", 90, 0));
        const int folder = ::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const std::vector<int> folders{folder};
        co_await notes->sync_files(folders);
        ::close(folder);
        EXPECT_FALSE(notes->dirty());
        notes->note_finished({3, 30, 300});
        notes->note_partial(some_partial("c", 90, 0));
        co_await notes->commit();
        // What cannot be synced changes nothing.
        notes->note_finished({4, 40, 400});
        const std::vector<int> wrong{-1};
        auto tried = co_await (notes->sync_files(wrong) | as_result);
        EXPECT_FALSE(tried.has_value());
        EXPECT_TRUE(notes->dirty());
        co_await notes->commit();
    }(file, directory.string()));
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name, "second");
        EXPECT_TRUE(notes->finished(1));
        EXPECT_TRUE(notes->finished(2));
        EXPECT_FALSE(notes->finished(3));
        EXPECT_FALSE(notes->finished(4));
        EXPECT_EQ(notes->partial("a")->written.total(), 200u);
        EXPECT_EQ(notes->partial("b")->written.total(), 190u);
        EXPECT_EQ(notes->partial("c")->written.total(), 0u);
    }(file));
}

TEST(Journal, ManyBatchesAreBroughtTogether) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    for (int run = 0; run < 3; ++run) {
        in_loop([](std::string name, int first) -> task<> {
            auto notes = co_await journal::open(name);
            for (int i = 0; i < 100; ++i) {
                notes->note_finished({static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(first), i});
                co_await notes->commit();
            }
            co_await notes->close();
        }(file, run));
    }
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(notes->finished(i)->size, 2u);
    }(file));
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    sqlite3_stmt* rows = nullptr;
    sqlite3_prepare_v2(raw, "SELECT count(*) FROM finished", -1, &rows, nullptr);
    ASSERT_EQ(sqlite3_step(rows), SQLITE_ROW);
    EXPECT_EQ(sqlite3_column_int(rows, 0), 101) << "a hundred of the last job, and one of those before";
    sqlite3_finalize(rows);
    sqlite3_close(raw);
}

TEST(Journal, ManyFilesFitAndAreFound) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    constexpr std::uint64_t many = 200'000;
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        for (std::uint64_t i = 0; i < many; ++i) notes->note_finished({i * 0x9E3779B97F4A7C15u, i, 0});
        co_await notes->commit();
    }(file));
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        for (std::uint64_t i = 0; i < many; ++i) {
            const auto found = notes->finished(i * 0x9E3779B97F4A7C15u);
            if (!found || found->size != i) throw std::runtime_error("not found");
        }
    }(file));
    EXPECT_LT(std::filesystem::file_size(file + "-wal") + std::filesystem::file_size(file), many * 30 * 2);
}

TEST(Journal, TheKeyOfAFileStaysWhatItIs) {
    // They are in files.
    EXPECT_EQ(journal::key_of("a", "http://h/a"), journal::key_of("a", "http://h/a"));
    EXPECT_NE(journal::key_of("a", "bc"), journal::key_of("ab", "c"));
    EXPECT_EQ(journal::key_of("", ""), 0xEC7EDE950AA487FCu);
    EXPECT_EQ(journal::key_of("name", "url"), 0xEC75C4549FE875C8u);
}

// --- what survives ---------------------------------------------------------------------------------------------------------

/// Commits on and on, and tells of each commit by one number through the pipe.
int write_until_killed(const std::string& file, int told) {
    return in_loop([](std::string name, int pipe) -> task<int> {
        auto notes = co_await journal::open(name);
        for (std::uint64_t round = 1;; ++round) {
            for (std::uint64_t i = 0; i < round % 50; ++i) notes->note_finished({round * 1000 + i, round, 5});
            notes->note_finished({round, round, 5});
            auto partial = some_partial("file" + std::to_string(round % 7), round, 0);
            notes->note_partial(partial);
            co_await notes->commit();
            if (::write(pipe, &round, sizeof round) != sizeof round) co_return 1;
            if (round % 40 == 0) co_await notes->close();
        }
    }(file, told));
}

TEST(Journal, EverythingThatWasCommittedSurvivesSigkill) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    std::mt19937 random{7};
    std::uint64_t committed = 0, highest = 0;
    for (int round = 0; round < 60; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            ::_exit(write_until_killed(file, ends[1]));
        }
        ::close(ends[1]);
        // Killed some time after so many commits, which is somewhere in the next one.
        const std::uint64_t wanted = random() % 60;
        committed = 0;
        std::uint64_t number = 0;
        while (committed < wanted && ::read(ends[0], &number, sizeof number) == sizeof number) committed = number;
        for (unsigned spin = random() % 200'000; spin > 0; --spin) asm volatile("");
        ::kill(child, SIGKILL);
        while (::read(ends[0], &number, sizeof number) == sizeof number) committed = number;
        ::close(ends[0]);
        ::waitpid(child, nullptr, 0);
        highest = std::max(highest, committed);
        in_loop([](std::string name, std::uint64_t last) -> task<> {
            auto notes = co_await journal::open(name);
            for (std::uint64_t i = 1; i <= last; ++i) {
                const auto found = notes->finished(i);
                if (!found || found->size != i) throw std::runtime_error("lost " + std::to_string(i) + " of " + std::to_string(last));
                for (std::uint64_t k = 0; k < i % 50; ++k)
                    if (!notes->finished(i * 1000 + k)) throw std::runtime_error("lost a part of " + std::to_string(i));
            }
            // Whole batches only: the one that was being written is there, or is not.
            if (const auto half = notes->finished(last + 1); half && (last + 1) % 50 > 0) {
                EXPECT_TRUE(notes->finished((last + 1) * 1000));
            }
            for (std::uint64_t i = last > 7 ? last - 6 : 1; i <= last; ++i) {
                const auto* partial = notes->partial("file" + std::to_string(i % 7));
                if (!partial || partial->written.spans().front().end < i) throw std::runtime_error("lost the partial record of " + std::to_string(i));
            }
        }(file, committed));
        if (round % 5 == 4)
            for (const char* suffix : {"", "-wal"}) std::filesystem::remove(file + suffix);
    }
    EXPECT_GT(highest, 20u);
}

TEST(Journal, AfterAPowerCutAnEarlierCommitStands) {
    temporary_directory directory;
    const std::string file = directory / "journal", copy = directory / "copy";
    constexpr std::uint64_t commits = 30;
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name, "first");
        for (std::uint64_t i = 1; i <= commits; ++i) {
            notes->note_finished({i, i, 0, true});
            notes->note_partial(some_partial("a", i, i));
            co_await notes->commit();
        }
    }(file));
    const std::string sound = content_of(file), wal = content_of(file + "-wal");
    ASSERT_GT(wal.size(), commits * 4096);
    std::mt19937 random{3};
    std::uint64_t fewest = commits, most = 0;
    for (int round = 0; round < 100; ++round) {
        // The disk has got so much of what was written last, and something else behind it; or one sector is missing.
        std::string torn = wal;
        if (round % 2 == 0)
            torn.replace(random() % torn.size(), std::string::npos, std::string(random() % 9000, static_cast<char>(round % 4 == 0 ? 0 : random())));
        else
            torn.replace(random() % (torn.size() / 512) * 512, 512, std::string(512, '\0'));
        put(copy, sound);
        put(copy + "-wal", torn);
        std::uint64_t last = 0;
        in_loop([](std::string name, std::uint64_t& reached) -> task<> {
            auto notes = co_await journal::open(name, "second");
            while (notes->finished(reached + 1)) ++reached;
            for (std::uint64_t i = reached + 1; i <= commits; ++i) EXPECT_FALSE(notes->finished(i));
            const auto* partial = notes->partial("a");
            EXPECT_EQ(partial != nullptr, reached > 0);
            auto expected = some_partial("a", reached, reached);
            expected.written = expected.synced;
            EXPECT_TRUE(!partial || same(*partial, expected)) << reached;
            notes->note_finished({1000, 1, 1});
            co_await notes->commit();
        }(copy, last));
        fewest = std::min(fewest, last);
        most = std::max(most, last);
        std::filesystem::remove(copy + "-wal");
    }
    EXPECT_LT(fewest, commits / 4);
    EXPECT_GT(most, commits / 2);
}

TEST(Journal, AnOpenThatIsGivenUpHoldsNothing) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop(write_two(file));
    in_loop([](std::string name) -> task<> {
        const auto open_and_hold = [](std::string which, int& opened) -> task<> {
            auto notes = co_await journal::open(which);
            ++opened;
        };
        int opened = 0;
        for (int turns = 0; turns < 4; ++turns) {
            // Cancelled before it begins, and after so many turns of the loop.
            task_group group;
            group.spawn(open_and_hold(name, opened));
            for (int i = 0; i < turns; ++i) co_await yield();
            group.cancel();
            try {
                co_await group.join();
            } catch (const cancelled&) {
            }
            auto after = co_await journal::open(name);
            EXPECT_TRUE(after->finished(1));
        }
        for (int turns = 0; turns < 4; ++turns) {
            {
                task_group group;
                group.spawn(open_and_hold(name, opened));
                for (int i = 0; i < turns; ++i) co_await yield();
            }
            auto after = co_await journal::open(name);
            EXPECT_TRUE(after->finished(1));
        }
        // A result that is there already stays.
        auto task = journal::open(name);
        auto notes = co_await std::move(task);
        EXPECT_TRUE(notes->partial("a"));
    }(file));
}

TEST(Journal, SyncingClosingAndRemovingAreDoneAlsoWhereTheyAreCancelled) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name, std::string where) -> task<> {
        const auto cancelled_while = [](task<> what) -> task<> {
            task_group group;
            group.spawn(std::move(what));
            co_await yield();
            group.cancel();
            try {
                co_await group.join();
            } catch (const cancelled&) {
            }
        };
        const int folder = ::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const std::vector<int> folders{folder};
        auto notes = co_await journal::open(name, "first");
        notes->note_finished({1, 1, 1});
        auto sync = notes->sync_files(folders);
        co_await cancelled_while(std::move(sync));
        EXPECT_FALSE(notes->dirty());
        notes->note_finished({2, 2, 2, true});
        auto close = notes->close();
        co_await cancelled_while(std::move(close));
        EXPECT_FALSE(std::filesystem::exists(name + "-wal"));
        {
            auto other = co_await journal::open(name, "second");
            EXPECT_TRUE(other->finished(1));
            EXPECT_TRUE(other->finished(2));
        }
        auto remove = notes->remove();
        co_await cancelled_while(std::move(remove));
        EXPECT_FALSE(std::filesystem::exists(name));
        ::close(folder);
    }(file, directory.string()));
}

TEST(Journal, ACommitIsDoneAlsoWhereItIsCancelled) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        const auto expect_cancelled = [](journal& of) -> task<> {
            task_group group;
            const auto commit = [](journal& each) -> task<> { co_await each.commit(); };
            group.spawn(commit(of));
            group.cancel();
            try {
                co_await group.join();
            } catch (const cancelled&) {
            }
        };
        notes->note_finished({1, 1, 1});
        co_await expect_cancelled(*notes);
        // While it is written.
        notes->note_finished({2, 2, 2});
        {
            task_group group;
            const auto commit = [](journal& each) -> task<> { co_await each.commit(); };
            group.spawn(commit(*notes));
            co_await yield();
            group.cancel();
            try {
                co_await group.join();
            } catch (const cancelled&) {
            }
        }
        EXPECT_FALSE(notes->dirty());
        // Destroyed while it is written: it is written, or noted still.
        notes->note_finished({3, 3, 3});
        {
            task_group group;
            const auto commit = [](journal& each) -> task<> { co_await each.commit(); };
            group.spawn(commit(*notes));
            co_await yield();
        }
        co_await notes->commit();
        // Two at once take turns.
        notes->note_finished({4, 4, 4});
        auto first = notes->commit();
        auto second = notes->commit();
        co_await gather(std::move(first), std::move(second));
        EXPECT_FALSE(notes->dirty());
    }(file));
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        EXPECT_TRUE(notes->finished(2));
        EXPECT_TRUE(notes->finished(3));
        EXPECT_TRUE(notes->finished(4));
    }(file));
}

}  // namespace
}  // namespace leat::detail
