// What a journal refuses, and what becomes of it where nothing can be written.

#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "unit/journal_support.hpp"

namespace leat::detail {
namespace {

TEST(JournalRefusal, AFileThatIsNoneIsRefusedAndLeftAlone) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    for (const std::string& content : {std::string{}, std::string{"hello"}, std::string(5000, 'x'), std::string{"SQLite format 3\0", 16} + std::string(200, '\0')}) {
        put(file, content);
        EXPECT_EQ(refusal_of(file), "open journal " + file + ": the file is no journal of leat's");
        EXPECT_EQ(content_of(file), content);
    }
    std::filesystem::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_EQ(refusal_of(file), "open journal " + file + ": the file is no journal of leat's");
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    EXPECT_EQ(refusal_of(file), "open journal " + file + ": Is a directory (errno 21)");
}

void execute(const std::string& file, const char* sql) {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
    char* why = nullptr;
    EXPECT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, &why), SQLITE_OK) << why;
    sqlite3_free(why);
    sqlite3_close(raw);
}

TEST(JournalRefusal, AnotherProgramsDatabaseIsRefusedAndLeftAlone) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    execute(file, "CREATE TABLE finished (id INTEGER PRIMARY KEY); INSERT INTO finished VALUES (1)");
    const std::string before = content_of(file);
    EXPECT_EQ(refusal_of(file), "open journal " + file + ": the file is no journal of leat's");
    EXPECT_EQ(content_of(file), before);
    EXPECT_FALSE(std::filesystem::exists(file + "-wal"));
}

TEST(JournalRefusal, OneFromTheFutureIsRefusedAndLeftAlone) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop(write_two(file));
    execute(file, "PRAGMA user_version=2; PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string before = content_of(file);
    EXPECT_EQ(refusal_of(file), "open journal " + file + ": a newer version of leat has written it");
    EXPECT_EQ(content_of(file), before);
}

TEST(JournalRefusal, OneWithAForeignSchemaIsRefused) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    for (const char* sql : {"CREATE TRIGGER evil AFTER INSERT ON finished BEGIN DELETE FROM partial; END", "DROP TABLE job", "CREATE VIEW x AS SELECT 1",
                            "DELETE FROM job", "UPDATE finished SET synced=1", "UPDATE partial SET inode=inode+1", "UPDATE finished SET records=x'00'",
                            "UPDATE partial SET written=x'0001'"}) {
        in_loop(write_two(file));
        execute(file, sql);
        EXPECT_NE(refusal_of(file).find("the file is damaged"), std::string::npos) << sql;
        std::filesystem::remove(file);
    }
}

TEST(JournalRefusal, DamageIsSeenOrDoesNotMatter) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        for (std::uint64_t i = 0; i < 50; ++i) notes->note_finished({i, i * 10, static_cast<std::int64_t>(i)});
        for (int i = 0; i < 20; ++i) notes->note_partial(some_partial("file" + std::to_string(i)));
        co_await notes->close();
    }(file));
    const std::string sound = content_of(file);
    std::mt19937 random{20261122};
    int refused = 0;
    constexpr int tries = 200;
    for (int i = 0; i < tries; ++i) {
        std::string broken = sound;
        if (i % 4 == 0) {
            broken.resize(random() % broken.size());
        } else {
            broken[random() % broken.size()] ^= static_cast<char>(1u << random() % 8);
            for (int more = i % 4 == 1 ? 100 : 0; more > 0; --more) broken[random() % broken.size()] = static_cast<char>(random());
        }
        put(file, broken);
        bool harmless = true;
        const std::string refusal = thrown_by([&] {
            in_loop([](std::string name, bool& good) -> task<> {
                auto notes = co_await journal::open(name);
                for (std::uint64_t k = 0; k < 100; ++k)
                    if (const auto found = notes->finished(k)) good &= k < 50 && found->size == k * 10 && found->changed == static_cast<std::int64_t>(k) && !found->synced;
                for (const auto& [key, record] : notes->partials()) {
                    auto expected = some_partial(key), after_a_boot = expected;
                    after_a_boot.written = after_a_boot.synced;
                    good &= same(record, expected) || same(record, after_a_boot);
                }
            }(file, harmless));
        });
        EXPECT_TRUE(harmless) << i;
        refused += !refusal.empty();
        if (!refusal.empty()) {
            EXPECT_NE(refusal.find("open journal " + file), std::string::npos) << refusal;
            EXPECT_EQ(content_of(file), broken) << i;
        }
        for (const char* suffix : {"-wal", "-journal", "-shm"}) std::filesystem::remove(file + suffix);
    }
    EXPECT_GT(refused, tries / 4);
}

TEST(JournalRefusal, ASecondJobIsToldAtOnce) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name) -> task<> {
        auto first = co_await journal::open(name);
        auto second = co_await journal::open(name);
        first->note_finished({1, 1, 1});
        second->note_finished({2, 2, 2});
        co_await first->commit();
        // It was not there when the second looked.
        auto tried = co_await (second->commit() | as_result);
        EXPECT_EQ(tried.error().message(), "write journal " + name + ": another job is using it");
        auto third = co_await (journal::open(name) | as_result);
        EXPECT_EQ(third.error().message(), "open journal " + name + ": another job is using it");
        first->note_finished({3, 3, 3});
        co_await first->commit();
        co_await first->close();
        co_await second->commit();
        co_await second->close();
        auto last = co_await journal::open(name);
        EXPECT_TRUE(last->finished(1) && last->finished(2) && last->finished(3));
    }(file));
}

TEST(JournalRefusal, ASecondProcessIsToldAtOnce) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    in_loop([](std::string name) -> task<> {
        auto first = co_await journal::open(name);
        first->note_finished({1, 1, 1});
        co_await first->commit();
        const int status = in_child([&] {
            const std::string refusal = refusal_of(name);
            return refusal == "open journal " + name + ": another job is using it" ? 0 : 1;
        });
        EXPECT_EQ(status, 0);
        first->note_finished({2, 2, 2});
        co_await first->commit();
    }(file));
    EXPECT_EQ(refusal_of(file), "");
}

TEST(JournalRefusal, ADirectoryThatMayNotBeWrittenToIsAnErrorOfTheFirstCommit) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs to become another user";
    temporary_directory directory;
    std::filesystem::create_directory(directory / "in");
    ASSERT_EQ(::chmod(directory.string().c_str(), 0755), 0);
    const std::string file = directory / "in/journal";
    const int status = in_child([&] {
        if (::setresuid(65534, 65534, 65534) != 0) return 2;
        return in_loop([](std::string name) -> task<int> {
            auto notes = co_await journal::open(name);
            notes->note_finished({1, 1, 1});
            auto tried = co_await (notes->commit() | as_result);
            if (tried.has_value()) co_return 3;
            if (tried.error().message() != "write journal " + name + ": Permission denied (errno 13)") co_return 4;
            co_return notes->dirty() ? 0 : 5;
        }(file));
    });
    EXPECT_EQ(status, 0);
}

TEST(JournalRefusal, AFullDiskKeepsTheNotesAndWhatWasCommitted) {
    temporary_directory directory;
    const std::string file = directory / "journal";
    const int status = in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        return in_loop([](std::string name) -> task<int> {
            auto notes = co_await journal::open(name);
            notes->note_finished({1, 1, 1});
            co_await notes->commit();
            rlimit limit{};
            ::getrlimit(RLIMIT_FSIZE, &limit);
            const rlimit before = limit;
            limit.rlim_cur = 64 * 1024;
            ::setrlimit(RLIMIT_FSIZE, &limit);
            for (std::uint64_t i = 0; i < 20'000; ++i) notes->note_finished({i + 10, i, 0});
            notes->note_partial(some_partial("a", 1));
            notes->note_partial(some_partial("b", 1));
            auto commit = notes->commit();
            notes->note_partial(some_partial("a", 2));
            auto tried = co_await (std::move(commit) | as_result);
            if (tried.has_value()) co_return 2;
            const std::string text = tried.error().message();
            if (!text.starts_with("write journal " + name + ": ")) co_return 3;
            if (!notes->dirty()) co_return 4;
            ::setrlimit(RLIMIT_FSIZE, &before);
            notes->note_partial(some_partial("a", 2));
            co_await notes->commit();
            co_return notes->dirty() ? 5 : 0;
        }(file));
    });
    EXPECT_EQ(status, 0);
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        EXPECT_TRUE(notes->finished(1));
        EXPECT_TRUE(notes->finished(10));
        EXPECT_TRUE(notes->finished(20'009));
        EXPECT_TRUE(same(*notes->partial("a"), some_partial("a", 2)));
        EXPECT_TRUE(same(*notes->partial("b"), some_partial("b", 1)));
    }(file));
}

TEST(JournalRefusal, AFullFileSystemIsSaidToBeFull) {
    temporary_directory directory;
    const std::string folder = directory / "small";
    std::filesystem::create_directory(folder);
    if (::mount("none", folder.c_str(), "tmpfs", 0, "size=128k") != 0) GTEST_SKIP() << "may not mount";
    const std::string file = folder + "/journal";
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        notes->note_finished({1, 1, 1});
        co_await notes->commit();
        for (std::uint64_t i = 0; i < 20'000; ++i) notes->note_finished({i + 10, i, 0});
        auto tried = co_await (notes->commit() | as_result);
        EXPECT_FALSE(tried.has_value());
        EXPECT_EQ(tried.error().message(), "write journal " + name + ": No space left on device (errno 28)");
        EXPECT_TRUE(notes->dirty());
    }(file));
    in_loop([](std::string name) -> task<> {
        auto notes = co_await journal::open(name);
        EXPECT_TRUE(notes->finished(1));
        EXPECT_FALSE(notes->finished(10));
    }(file));
    ::umount2(folder.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace leat::detail
