#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

// Names: what stands at them, and what is done to them and to whole trees. A call that has begun is waited for and its result stands, so that one that
// throws has done nothing.

namespace leat::testing {
namespace {

namespace fs = std::filesystem;

struct names : scene {
    testing::temporary_directory directory;
    std::string a = directory / "a";
    std::string b = directory / "b";
    task<> prepare() override {
        put(a, "text");
        co_return;
    }
    static bool there(const std::string& name) { return fs::exists(fs::symlink_status(name)); }
    std::set<std::string> all() const {
        std::set<std::string> found;
        for (const auto& each : fs::directory_iterator(directory.string())) found.insert(each.path().filename());
        return found;
    }
    /// Is there, if it was made; is not, if it threw. What nobody waits for any more may still happen.
    static void expect_made(ending how, bool made) {
        if (how != ending::dropped) {
            EXPECT_EQ(made, how == ending::stands);
        }
    }
};

struct asking : names {
    task<> wait() override { EXPECT_EQ((co_await leat::stat(a)).size, 4u); }
    task<> check(ending) override { co_await wait(); }
};
struct asking_about_a_link final : names {
    task<> wait() override { EXPECT_EQ((co_await leat::lstat(a)).size, 4u); }
    task<> check(ending) override { co_await wait(); }
};
struct asking_whether_it_exists final : names {
    task<> wait() override { EXPECT_EQ(co_await exists(a), present); }
    task<> check(ending) override { co_await wait(); }
};
struct reading_a_link final : names {
    task<> prepare() override {
        fs::create_symlink("somewhere", b);
        co_return;
    }
    task<> wait() override { EXPECT_EQ((co_await read_link(b)).string(), "somewhere"); }
    task<> check(ending) override { co_await wait(); }
};
struct linking_by_name final : names {
    task<> wait() override { co_await make_symbolic_link("somewhere", b); }
    task<> check(ending how) override {
        expect_made(how, there(b));
        co_return;
    }
};
struct linking final : names {
    task<> wait() override { co_await make_link(a, b); }
    task<> check(ending how) override {
        expect_made(how, there(b));
        EXPECT_TRUE(there(a));
        co_return;
    }
};
struct renaming final : names {
    task<> wait() override { co_await leat::rename(a, b); }
    task<> check(ending how) override {
        expect_made(how, there(b));
        expect_made(how, !there(a));
        co_return;
    }
};
struct removing final : names {
    task<> wait() override { co_await leat::remove(a); }
    task<> check(ending how) override {
        expect_made(how, !there(a));
        co_return;
    }
};
struct making_a_directory final : names {
    task<> wait() override { co_await make_directory(b); }
    task<> check(ending how) override {
        expect_made(how, there(b));
        co_return;
    }
};
struct making_directories final : names {
    task<> wait() override { co_await make_directories(directory / "c/d/e"); }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_TRUE(there(directory / "c/d/e"));
        }
        co_await wait();
        EXPECT_TRUE(there(directory / "c/d/e"));
    }
};
struct setting_permissions final : names {
    task<> wait() override { co_await set_permissions(a, 0400); }
    task<> check(ending how) override {
        expect_made(how, fs::status(a).permissions() == fs::perms::owner_read);
        co_return;
    }
};
struct setting_times final : names {
    task<> wait() override { co_await set_times(a, std::chrono::seconds{5}, std::chrono::seconds{7}); }
    task<> check(ending how) override {
        struct ::stat found {};
        ::stat(a.c_str(), &found);
        expect_made(how, found.st_mtim.tv_sec == 7);
        co_return;
    }
};

// ---- trees

struct tree : names {
    std::string root = directory / "tree";
    task<> prepare() override {
        for (int i = 0; i < 3; ++i) {
            const std::string below = root + "/" + std::to_string(i);
            fs::create_directories(below);
            for (int j = 0; j < 3; ++j) put(below + "/" + std::to_string(j), "x");
        }
        co_return;
    }
};
struct removing_a_tree final : tree {
    task<> wait() override { co_await remove_tree(root); }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_FALSE(there(root));
        }
        if (how != ending::threw) co_return;
        co_await remove_tree(root);
        EXPECT_FALSE(there(root));
    }
};
struct listing final : tree {
    task<> wait() override { EXPECT_EQ((co_await list_directory(root)).size(), 3u); }
    task<> check(ending) override { co_await wait(); }
};
struct beginning_a_scan final : tree {
    task<> wait() override {
        auto scan = co_await scan_directory(root);
        (void)scan;
    }
};
struct scanning final : tree {
    std::optional<directory_scan> scan;
    std::multiset<std::string> got;
    task<> prepare() override {
        co_await tree::prepare();
        scan.emplace(co_await scan_directory(root));
    }
    task<> wait() override {
        auto next = co_await scan->next();
        got.insert(next->name);
    }
    task<> check(ending) override {
        while (auto next = co_await scan->next()) got.insert(next->name);
        EXPECT_EQ(got, (std::multiset<std::string>{"0", "1", "2"}));
    }
};
struct walking final : tree {
    std::optional<directory_walk> walked;
    std::size_t got = 0;
    task<> prepare() override {
        co_await tree::prepare();
        walked.emplace(walk(root));
    }
    task<> wait() override {
        auto next = co_await walked->next();
        if (next) ++got;
    }
    task<> check(ending) override {
        while (auto next = co_await walked->next()) ++got;
        EXPECT_EQ(got, 12u);
    }
};
struct opening_a_directory final : tree {
    task<> wait() override { auto opened = co_await open_directory(root); }
};
struct in_an_open_directory : tree {
    leat::directory in;
    task<> prepare() override {
        co_await tree::prepare();
        in = co_await open_directory(root);
    }
};
struct opening_beneath final : in_an_open_directory {
    task<> wait() override { EXPECT_EQ((co_await in.open("1/2")).status.size, 1u); }
    task<> check(ending) override { co_await wait(); }
};
struct listing_beneath final : in_an_open_directory {
    task<> wait() override { EXPECT_EQ((co_await in.list("1")).entries.size(), 3u); }
    task<> check(ending) override { co_await wait(); }
};

// ---- copies, replacements, temporary ones

struct copying_by_name final : names {
    task<> wait() override { EXPECT_EQ(co_await copy_file(a, b), 4u); }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_EQ(content_of(b), "text");
        }
        if (how == ending::threw) {
            EXPECT_FALSE(there(b)) << "half a copy stays";
        }
        co_return;
    }
};
/// The old content or the new, whole, and nothing temporary.
struct replacing : names {
    task<> wait() override { co_await replace_file(a, "new content"); }
    task<> check(ending how) override {
        while (all().size() > 1) co_await yield();  // a dropped one's temporary file goes by itself
        const std::string now = content_of(a);
        EXPECT_TRUE(now == "text" || now == "new content") << now;
        if (how != ending::dropped) {
            EXPECT_EQ(now, how == ending::stands ? "new content" : "text");
        }
    }
};
struct opening_a_replacement final : names {
    task<> wait() override { auto opened = co_await open_replacement(a); }
    task<> check(ending) override {
        while (all().size() > 1) co_await yield();
        EXPECT_EQ(content_of(a), "text");
    }
};
struct committing final : replacing {
    std::optional<replacement> written;
    task<> prepare() override {
        co_await replacing::prepare();
        written.emplace(co_await open_replacement(a));
        co_await written->write("new content");
    }
    task<> wait() override { co_await written->commit(); }
    task<> check(ending how) override {
        written.reset();
        co_await replacing::check(how);
    }
};
struct opening_a_temporary_file final : names {
    task<> wait() override {
        const std::string here = directory.string();
        auto made = co_await open_temporary_file({.directory = here, .named = true});
        EXPECT_TRUE(made.is_open());
    }
    task<> check(ending) override {
        while (all().size() > 1) co_await yield();
    }
};
struct persisting final : names {
    std::optional<temporary_file> made;
    task<> prepare() override {
        const std::string here = directory.string();
        made.emplace(co_await open_temporary_file({.directory = here}));
        co_await made->write("text");
    }
    task<> wait() override { co_await made->persist(b); }
    task<> check(ending how) override {
        made.reset();
        expect_made(how, there(b));
        if (how == ending::stands) {
            EXPECT_EQ(content_of(b), "text");
        }
        co_return;
    }
};
struct making_a_temporary_directory final : names {
    task<> wait() override {
        const std::string here = directory.string();
        auto made = co_await leat::make_temporary_directory({.directory = here});
        EXPECT_FALSE(made.path().string().empty());
    }
    task<> check(ending) override {
        while (all().size() > 1) co_await yield();
    }
};
struct closing_a_temporary_directory final : names {
    std::optional<leat::temporary_directory> made;
    task<> prepare() override {
        co_await names::prepare();
        const std::string here = directory.string();
        made.emplace(co_await leat::make_temporary_directory({.directory = here}));
        put((*made / "x").string(), "x");
    }
    task<> wait() override { co_await made->close(); }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_EQ(all().size(), 1u);
        }
        made.reset();
        while (all().size() > 1) co_await yield();
    }
};

}  // namespace

std::vector<matrix_row> tree_rows() {
    constexpr auto group = "names and trees";
    constexpr auto again = "may be called again";
    constexpr auto done = "done if its result stands, not done if it throws";
    constexpr auto closed = "nothing stays open, or behind";
    return {
        call_row<asking>(group, "stat", again),
        call_row<asking_about_a_link>(group, "lstat", again),
        call_row<asking_whether_it_exists>(group, "exists", again),
        pool_row<reading_a_link>(group, "read_link", again),
        call_row<linking_by_name>(group, "make_symbolic_link", done),
        call_row<linking>(group, "make_link", done),
        call_row<renaming>(group, "rename", done),
        call_row<removing>(group, "remove", done),
        call_row<making_a_directory>(group, "make_directory", done),
        pool_row<making_directories>(group, "make_directories", again),
        pool_row<setting_permissions>(group, "set_permissions", done),
        pool_row<setting_times>(group, "set_times", done),
        pool_row<removing_a_tree>(group, "remove_tree", "what is removed is gone; may be called again"),
        pool_row<listing>(group, "list_directory", again),
        pool_row<beginning_a_scan>(group, "scan_directory", closed),
        pool_row<scanning>(group, "directory_scan::next", "no name is lost; may be called again"),
        pool_row<walking>(group, "directory_walk::next", "no name is lost; may be called again"),
        call_row<opening_a_directory>(group, "open_directory", closed),
        instant_row<opening_beneath>(group, "directory::open", again),
        pool_row<listing_beneath>(group, "directory::list", again),
        pool_row<copying_by_name>(group, "copy_file", "the whole copy, or none"),
        pool_row<replacing>(group, "replace_file", "the old content or the new, whole; nothing temporary"),
        pool_row<opening_a_replacement>(group, "open_replacement", "the old content; nothing temporary"),
        pool_row<committing>(group, "replacement::commit", "the old content or the new, whole; nothing temporary"),
        pool_row<opening_a_temporary_file>(group, "open_temporary_file", closed),
        pool_row<persisting>(group, "temporary_file::persist", done),
        pool_row<making_a_temporary_directory>(group, "make_temporary_directory", closed),
        pool_row<closing_a_temporary_directory>(group, "temporary_directory::close", "it is gone, or the loop removes it"),
    };
}

}  // namespace leat::testing
