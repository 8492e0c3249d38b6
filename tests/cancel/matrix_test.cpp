#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <latch>
#include <set>
#include <string>

#include "cancel/matrix.hpp"
#include "cancel/quarantine.hpp"
#include "leat/leat.hpp"
#include "support/run.hpp"

// Every operation, cancelled at every moment. See docs/internals/cancel-matrix.md, which is made of the same table.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

// ---- what watches over a moment

char now_at[256] = "nothing";

void too_late(int) {
    const char text[] = "hangs: ";
    [[maybe_unused]] auto n = ::write(2, text, sizeof text - 1);
    n = ::write(2, now_at, std::strlen(now_at));
    n = ::write(2, "\n", 1);
    ::_exit(124);
}

/// Ends the program, with the moment's name, if that takes too long.
class watchdog {
public:
    explicit watchdog(const std::string& what) {
        std::strncpy(now_at, what.c_str(), sizeof now_at - 1);
        struct sigaction action {};
        action.sa_handler = too_late;
        ::sigaction(SIGALRM, &action, nullptr);
        ::alarm(30);
    }
    ~watchdog() { ::alarm(0); }
};

/// What the open descriptors lead to, but for the one that reads the list.
std::multiset<std::string> descriptors() {
    std::multiset<std::string> all;
    DIR* list = ::opendir("/proc/self/fd");
    while (const dirent* entry = ::readdir(list)) {
        char target[256] = {};
        if (::readlinkat(::dirfd(list), entry->d_name, target, sizeof target - 1) < 0 || std::atoi(entry->d_name) == ::dirfd(list)) continue;
        std::string kind = target;
        // Numbers of sockets and pipes differ from one to the next.
        all.insert(kind.substr(0, kind.find(":[")));
    }
    ::closedir(list);
    return all;
}

// ---- one attempt

/// What is known of an operation that was begun.
struct attempt {
    ending how = ending::dropped;
    event over;
    bool ended() const { return how != ending::dropped; }
};

task<> follow(scene& world, attempt& made) {
    bool threw = false;
    try {
        co_await world.wait();
        made.how = ending::stands;
    } catch (const cancelled&) {
        made.how = ending::threw;
        threw = true;
    } catch (...) {
        made.over.set();
        throw;
    }
    made.over.set();
    if (threw) throw cancelled{};
}

task<> cancel_it(task_group& group) {
    group.cancel();
    co_return;
}

class moments {
public:
    explicit moments(const matrix_row& row) : row_(row) {}

    /// Not cancelled at all: the scene does what it says. And what is made once, for all loops, is made.
    task<> undisturbed() {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        co_await reach(*world);
        if (!row_.is.ends_itself) {
            EXPECT_FALSE(made.ended()) << "it does not wait";
        }
        co_await world->complete();
        co_await made.over.wait();
        co_await group.join();
        EXPECT_EQ(made.how, ending::stands);
        co_await world->check(made.how);
    }

    task<> before_it_starts() {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        group.cancel();
        co_await finish(*world, made, group, row_.before);
    }

    /// Begun, and cancelled before the loop has gone to the kernel.
    task<> in_the_turn_of_its_start() {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        task_group other;
        group.spawn(follow(*world, made));
        other.spawn(cancel_it(group));
        co_await other.join();
        const outcome expected = row_.is.pool ? outcome::either : row_.queued;
        co_await finish(*world, made, group, expected);
    }
    task<> behind_another() {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group first;
        first.spawn(ahead_of(*world));
        co_await settle();
        task_group group;
        group.spawn(follow(*world, made));
        co_await settle();
        group.cancel();
        co_await group.join();
        expect(row_.queued, made);
        co_await world->complete();
        co_await first.join();
        co_await world->check(made.how);
    }
    task<> behind_a_full_pool() {
        auto world = row_.make();
        co_await world->prepare();
        auto gate = std::make_shared<std::latch>(1);
        auto block = [gate] { gate->wait(); };
        task_group blockers;
        for (int i = 0; i < 64; ++i) blockers.spawn([block]() -> task<> { co_await to_thread(block); });
        co_await settle();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        co_await settle();
        group.cancel();
        co_await settle();
        EXPECT_TRUE(made.ended()) << "it waits for its place in the pool";
        gate->count_down();
        co_await blockers.join();
        co_await finish(*world, made, group, row_.queued);
    }

    task<> while_it_waits(int turns) {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        co_await reach(*world, turns);
        group.cancel();
        co_await finish(*world, made, group, row_.waiting);
    }

    task<> cancelled_just_before_its_end() {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        co_await reach(*world);
        group.cancel();
        world->trigger();
        const outcome expected = row_.completing == outcome::by_order ? outcome::throws : row_.completing;
        co_await finish(*world, made, group, expected);
    }
    task<> cancelled_just_after_its_end(int turns) {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        co_await reach(*world);
        world->trigger();
        if (turns > 0) co_await settle(turns);
        group.cancel();
        const outcome expected = row_.completing == outcome::by_order ? outcome::either : row_.completing;
        co_await finish(*world, made, group, expected);
    }
    task<> cancelled_when_it_is_over() {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        co_await reach(*world);
        co_await world->complete();
        co_await made.over.wait();
        group.cancel();
        co_await finish(*world, made, group, outcome::stands);
    }

    /// Its frame goes while it waits, or in the turn of its end.
    task<> dropped(int turns, bool at_its_end) {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        {
            task_group group;
            group.spawn(follow(*world, made));
            if (at_its_end) {
                co_await reach(*world);
                world->trigger();
            }
            if (turns > 0) co_await settle(turns);
            if (row_.is.blocks) world->trigger();
        }
        co_await settle();
        co_await world->check(made.how);
    }

    /// The same by an error, with which the loop ends, too.
    task<> dropped_with_its_loop(int turns) {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        task_group group;
        group.spawn(follow(*world, made));
        if (turns > 0) co_await settle(turns);
        if (row_.is.blocks) world->trigger();
        throw std::runtime_error("the world ends");
    }

    /// Cancelled once more, from further out, while what it left behind is tidied up under a shield.
    task<> cancelled_again_in_its_cleanup() {
        auto world = row_.make();
        co_await world->prepare();
        attempt made;
        event gate;
        bool cleaned = false;
        task_group* inside = nullptr;
        task_group outside;
        outside.spawn(with_cleanup(*world, made, gate, cleaned, inside));
        co_await reach(*world);
        if (!made.ended()) inside->cancel();  // its group has ended with it
        co_await settle();
        outside.cancel();
        co_await settle();
        EXPECT_FALSE(cleaned);
        gate.set();
        if (row_.is.after_cancel && !made.ended()) co_await world->complete();
        co_await outside.join();
        EXPECT_EQ(cleaned, made.how == ending::threw);
        expect(row_.waiting, made);
        co_await world->check(made.how);
    }

private:
    /// Until the operation waits for what it waits for.
    task<> reach(const scene& world, int turns = 8) const {
        co_await settle(turns);
        while (!row_.is.ends_itself && !world.begun()) co_await yield();
    }
    static task<> ahead_of(scene& world) { co_await world.ahead(); }

    static task<> tidy(scene& world, attempt& made, event& gate, bool& cleaned) {
        bool threw = false;
        try {
            co_await follow(world, made);
        } catch (const cancelled&) {
            threw = true;
        }
        if (!threw) co_return;
        co_await shield(gate.wait());
        cleaned = true;
        throw cancelled{};
    }
    static task<> with_cleanup(scene& world, attempt& made, event& gate, bool& cleaned, task_group*& inside) {
        task_group group;
        inside = &group;
        group.spawn(tidy(world, made, gate, cleaned));
        co_await group.join();
    }

    task<> finish(scene& world, attempt& made, task_group& group, outcome expected) {
        if (row_.is.after_cancel && !made.ended()) {
            co_await settle();
            co_await world.complete();
        }
        co_await group.join();
        expect(expected, made);
        co_await settle();
        co_await world.check(made.how);
    }
    void expect(outcome expected, const attempt& made) const {
        EXPECT_TRUE(made.ended());
        if (expected == outcome::throws) {
            EXPECT_EQ(made.how, ending::threw) << "it was to throw";
        }
        if (expected == outcome::stands) {
            EXPECT_EQ(made.how, ending::stands) << "its result was to stand";
        }
    }

    const matrix_row& row_;
};

std::string joined(const std::multiset<std::string>& all) {
    std::string text;
    for (const auto& each : all) text += each + ' ';
    return text;
}

/// Runs a moment in a loop of its own, and looks at what is left when that has ended.
template <class Moment>
void at(const matrix_row& row, const char* name, bool first, Moment moment, const char* error = "") {
    const std::string where = std::string{row.group} + " / " + row.name + " / " + name;
    SCOPED_TRACE(where);
    const auto before = descriptors();
    {
        watchdog limit{where};
        moments all{row};
        auto outer = [&all, &moment]() -> task<> { co_await moment(all); };
        EXPECT_EQ(thrown_by([&] { run_until_complete(outer(), {.linger = 10s}); }), error);
    }
    log::flush(2s);  // whose thread opens files of its own
    if (!first) {
        EXPECT_EQ(joined(descriptors()), joined(before)) << "descriptors stay open";
    }
    EXPECT_EQ(quarantine::damage(), "") << "late writes";
}

class CancelMatrix : public ::testing::TestWithParam<matrix_row> {};
INSTANTIATE_TEST_SUITE_P(Operation, CancelMatrix, ::testing::ValuesIn(all_rows()), [](const auto& i) {
    std::string name = std::string{i.param.group} + '_' + i.param.name;
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return name;
});

TEST_P(CancelMatrix, LosesNothingAtAnyMoment) {
    const matrix_row& row = GetParam();
    log::set_level(log::level::warn);
    at(row, "undisturbed", true, [](moments& m) { return m.undisturbed(); });
    at(row, "undisturbed, again", false, [](moments& m) { return m.undisturbed(); });
    at(row, "before it starts", false, [](moments& m) { return m.before_it_starts(); });

    at(row, "queued, in the turn of its start", false, [](moments& m) { return m.in_the_turn_of_its_start(); });
    if (row.is.behind) at(row, "queued, behind another", false, [](moments& m) { return m.behind_another(); });
    if (row.is.pool) at(row, "queued, behind a full pool", false, [](moments& m) { return m.behind_a_full_pool(); });

    auto waiting = [](moments& m) -> task<> {
        for (int turns = 1; turns < 6; ++turns) co_await m.while_it_waits(turns);
    };
    at(row, "while it waits", false, waiting);

    at(row, "as it completes, cancelled first", false, [](moments& m) { return m.cancelled_just_before_its_end(); });
    auto after = [](moments& m) -> task<> {
        for (int turns = 0; turns < 6; ++turns) co_await m.cancelled_just_after_its_end(turns);
    };
    at(row, "as it completes, completed first", false, after);
    at(row, "as it completes, over", false, [](moments& m) { return m.cancelled_when_it_is_over(); });

    auto dropped = [](moments& m) -> task<> {
        for (int turns = 0; turns < 6; ++turns) co_await m.dropped(turns, false);
    };
    at(row, "during cleanup, dropped", false, dropped);
    auto dropped_at_its_end = [](moments& m) -> task<> {
        for (int turns = 0; turns < 4; ++turns) co_await m.dropped(turns, true);
    };
    at(row, "during cleanup, dropped as it completes", false, dropped_at_its_end);
    for (int turns : {0, 1, 4})
        at(row, "during cleanup, dropped with its loop", false, [turns](moments& m) { return m.dropped_with_its_loop(turns); }, "the world ends");
    at(row, "during cleanup, cancelled again", false, [](moments& m) { return m.cancelled_again_in_its_cleanup(); });
}

}  // namespace

std::vector<matrix_row> all_rows() {
    std::vector<matrix_row> all;
    for (auto* rows : {task_rows, sync_rows, stream_rows, network_rows, datagram_rows, file_rows, tree_rows, process_rows, http_rows, http_client_rows})
        for (auto& row : rows()) all.push_back(row);
    return all;
}

}  // namespace leat::testing
