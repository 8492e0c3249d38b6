// The queue in Redis, and a worker's side of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "leat/sync/event.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "queue/item_text.hpp"
#include "queue/stream_queue.hpp"
#include "queue/worker.hpp"
#include "support/run.hpp"
#include "tool/redis_server.hpp"

using namespace std::chrono_literals;
using leat::download_item;
using leat::testing::in_loop;
using leat::testing::redis_server;
using leat::testing::temporary_directory;
using leat::testing::thrown_by;
using tool::queue_entry;
using tool::queue_status;
using tool::stream_queue;

namespace {

download_item item(std::string url, std::string name = {}) {
    return {std::move(url), std::move(name), {}};
}

// ---- items as text

TEST(queue_item, comes_back_as_it_was) {
    leat::item_options with;
    with.mirrors = {"http://b/x", "http://c/x"};
    with.checksum = "md5:d41d8cd98f00b204e9800998ecf8427e";
    with.size = 12345678901234567ull;
    with.headers = {{"X-A", "1"}, {"x-a", "two; \"3\""}};
    with.user = "u";
    with.password = "p\"\\";
    with.max_rate = 7;
    with.segments = 3;
    with.existing = leat::existing_file::if_newer;
    const download_item whole{"http://a/\xc3\xa4?b", {}, std::make_shared<const leat::item_options>(with)};
    const std::string text = tool::to_json(whole);
    const download_item back = tool::item_from_json(text);
    EXPECT_EQ(tool::to_json(back), text);
    EXPECT_EQ(back.url, whole.url);
    ASSERT_TRUE(back.options);
    EXPECT_EQ(back.options->mirrors, with.mirrors);
    EXPECT_EQ(back.options->size, with.size);
    EXPECT_EQ(back.options->headers.get_all("x-A").size(), 2u);
    EXPECT_EQ(back.options->password, with.password);
    EXPECT_EQ(back.options->checksum, with.checksum);
    EXPECT_EQ(back.options->existing, with.existing);
    EXPECT_FALSE(tool::item_from_json(tool::to_json(item("http://a/"))).options);
}

TEST(queue_item, what_is_none_is_refused) {
    for (const char* text : {"", "[]", "{}", "{\"url\":1}", "{\"url\":\"\"}", "{\"url\":\"x\",\"strange\":1}", "{\"url\":\"x\",\"size\":\"1\"}", "{\"url\":\"x\",\"headers\":[1]}",
                             "{\"url\":\"x\",\"existing\":\"eat\"}", "{\"url\":\"x\",\"checksum\":\"sha256:00\"}", "{\"url\":\"x\",\"size\":-1}",
                             "{\"url\":\"x\",\"segments\":1025}", "{\"url\":\"x\",\"max_rate\":1.5}", "{\"url\":\"x\""})
        EXPECT_NE(thrown_by([&] { tool::item_from_json(text); }), "") << text;
    EXPECT_NE(thrown_by([] { tool::to_json(item("http://a/\xff")); }), "");
}

TEST(queue_item, names_stay_below_the_directory) {
    for (const char* name : {"a", "a/b", "..a", "a..", ".a/b", "a/.b"}) EXPECT_TRUE(tool::stays_below(name)) << name;
    for (const char* name : {"", "/a", "..", ".", "../a", "a/..", "a/../b", "a//b", "a/", "a/./b", "a\nb", "\x7f", ".leat-journal-x", "a/.leat-journal"}) EXPECT_FALSE(tool::stays_below(name)) << name;
    EXPECT_EQ(tool::wished_name(item("http://h/d/file.bin?x=1")), "file.bin");
    leat::item_options with;
    with.directory = "./sub/dir/";
    EXPECT_EQ(tool::wished_name({"http://h/f", {}, std::make_shared<const leat::item_options>(with)}), "sub/dir/f");
    EXPECT_NE(thrown_by([] { tool::wished_name(item("http://h/f", "../f")); }), "");
}

TEST(queue_item, credentials_are_not_shown) {
    EXPECT_EQ(tool::without_credentials("http://u:p@h/a@b"), "http://h/a@b");
    EXPECT_EQ(tool::without_credentials("http://u:p@x@h?q"), "http://h?q");
    EXPECT_EQ(tool::without_credentials("http://h/a@b"), "http://h/a@b");
    EXPECT_EQ(tool::without_credentials("me:pw@h/x"), "h/x");
    EXPECT_EQ(tool::without_credentials("http://me:p/w@h/x"), "http://h/x");
}

// ---- the queue

class queue_in_redis : public ::testing::Test {
protected:
    void SetUp() override {
        if (!redis_server::installed()) GTEST_SKIP() << "redis-server is not installed";
        server.emplace();
    }
    tool::redis::server_address address() const { return tool::redis::parse_redis_url(server->url()); }

    /// Runs body(queue, client).
    template <class Body>
    void with_queue(Body body) {
        auto main = [&]() -> leat::task<> {
            tool::redis::client client(address(), {});
            stream_queue queue(client, "q");
            co_await body(queue, client);
        };
        in_loop(main());
    }
    std::optional<redis_server> server;
};

std::vector<download_item> items(int from, int to) {
    std::vector<download_item> all;
    for (int i = from; i < to; ++i) all.push_back(item("http://h/" + std::to_string(i)));
    return all;
}

leat::task<std::vector<queue_entry>> take(stream_queue& queue, tool::redis::client& client, std::string consumer, std::size_t count = 100) {
    co_return co_await queue.take(client, consumer, count, leat::duration::zero());
}

std::vector<std::string> ids_of(const std::vector<queue_entry>& entries) {
    std::vector<std::string> ids;
    for (const queue_entry& each : entries) ids.push_back(each.id);
    return ids;
}

TEST_F(queue_in_redis, gives_each_entry_to_one_worker) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        const std::size_t added = co_await queue.add(items(0, 10));
        EXPECT_EQ(added, 10u);
        co_await queue.open();
        co_await queue.open();  // as the second worker does
        const auto a = co_await take(queue, client, "a", 6);
        const auto b = co_await take(queue, client, "b", 6);
        EXPECT_EQ(a.size(), 6u);
        EXPECT_EQ(b.size(), 4u);
        std::set<std::string> keys;
        for (const auto& each : a) keys.insert(each.key);
        for (const auto& each : b) keys.insert(each.key);
        EXPECT_EQ(keys.size(), 10u);
        EXPECT_EQ(a.front().name, "0");
        EXPECT_EQ(tool::item_from_json(a.front().item).url, "http://h/0");
        const queue_status now = co_await queue.status();
        EXPECT_EQ(now.waiting, 0u);
        EXPECT_EQ(now.running, 10u);
        EXPECT_EQ(now.workers.size(), 2u);
    });
}

TEST_F(queue_in_redis, status_before_anything_was_done) {
    with_queue([](stream_queue& queue, tool::redis::client&) -> leat::task<> {
        queue_status now = co_await queue.status();
        EXPECT_EQ(now.waiting + now.running + now.done + now.failed, 0u);
        co_await queue.add(items(0, 3));
        now = co_await queue.status();
        EXPECT_EQ(now.waiting, 3u);
    });
}

TEST_F(queue_in_redis, decides_names_once_and_for_all) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        std::vector<download_item> same;
        for (int i = 0; i < 250; ++i) same.push_back(item("http://h/" + std::to_string(i) + "/x"));
        same.push_back(item("http://h/y", "x.3"));
        co_await queue.add(std::move(same));
        co_await queue.open();
        const auto all = co_await take(queue, client, "a", 1000);
        std::set<std::string> names;
        for (const auto& each : all) names.insert(each.name);
        EXPECT_EQ(all.size(), 251u);
        EXPECT_EQ(names.size(), 251u);
        EXPECT_EQ(all[0].name, "x");
        EXPECT_EQ(all[1].name, "x.1");
        EXPECT_EQ(all[250].name, "x.3.1");
    });
}

TEST_F(queue_in_redis, does_not_add_what_is_there_and_knows_what_was_done) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 2));
        std::size_t added = co_await queue.add(items(0, 3));
        EXPECT_EQ(added, 1u);
        co_await queue.open();
        const auto first = co_await take(queue, client, "a");
        added = co_await queue.add(items(0, 3));
        EXPECT_EQ(added, 0u);
        EXPECT_FALSE(first[1].done);
        tool::done_record record;
        record.worker = "a";
        record.size = 77;
        record.checksum = "sha256:ab";
        const std::size_t left = co_await queue.finish(first[1].id, first[1].key, record);
        EXPECT_EQ(left, 2u);
        added = co_await queue.add(items(0, 3));
        EXPECT_EQ(added, 1u);
        const auto again = co_await take(queue, client, "a");
        EXPECT_EQ(again.size(), 1u);
        EXPECT_EQ(again[0].name, first[1].name);
        EXPECT_TRUE(again[0].done);
        EXPECT_EQ(again[0].done->size, 77u);
        EXPECT_EQ(again[0].done->checksum, "sha256:ab");
        EXPECT_GT(again[0].done->time, 1000000000);
        // What was confirmed once more, since the reply was lost, does not touch the new entry.
        co_await queue.finish(first[1].id, first[1].key, record);
        added = co_await queue.add(items(1, 2));
        EXPECT_EQ(added, 0u);
    });
}

TEST_F(queue_in_redis, a_beating_heart_keeps_entries_and_a_silent_one_loses_them) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 2));
        co_await queue.open();
        const auto mine = co_await take(queue, client, "alive", 1);
        const auto theirs = co_await take(queue, client, "dead", 1);
        std::vector<queue_entry> claimed;
        const std::vector<std::string> ids = ids_of(mine);
        while (claimed.empty()) {
            const auto lost = co_await queue.keep("alive", ids);
            EXPECT_TRUE(lost.empty());
            claimed = co_await queue.claim("other", 10, 200ms, 3);
        }
        EXPECT_EQ(ids_of(claimed), ids_of(theirs));
        EXPECT_EQ(claimed[0].deliveries, 2);
        const std::vector<std::string> gone = ids_of(theirs);
        const auto lost = co_await queue.keep("dead", gone);
        EXPECT_EQ(lost, gone);
    });
}

TEST_F(queue_in_redis, an_entry_that_kills_its_workers_becomes_a_dead_letter) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 1));
        co_await queue.open();
        co_await take(queue, client, "w1");
        auto claimed = co_await queue.claim("w2", 10, 0ms, 3);
        EXPECT_EQ(claimed.size(), 1u);
        claimed = co_await queue.claim("w3", 10, 0ms, 3);
        EXPECT_EQ(claimed.size(), 1u);
        EXPECT_EQ(claimed[0].deliveries, 3);
        claimed = co_await queue.claim("w4", 10, 0ms, 3);
        EXPECT_EQ(claimed.size(), 0u);
        queue_status now = co_await queue.status();
        EXPECT_EQ(now.failed, 1u);
        EXPECT_EQ(now.running + now.waiting, 0u);
        EXPECT_EQ(now.failures[0].worker, "w3");
        EXPECT_NE(now.failures[0].reason.find("3 deliveries"), std::string::npos) << now.failures[0].reason;
        const std::size_t back = co_await queue.retry();
        EXPECT_EQ(back, 1u);
        const auto again = co_await take(queue, client, "w5");
        EXPECT_EQ(again.size(), 1u);
        EXPECT_EQ(again[0].name, "0");
        now = co_await queue.status();
        EXPECT_EQ(now.failed, 0u);
    });
}

TEST_F(queue_in_redis, failures_that_may_pass_go_on_and_others_do_not) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 2));
        co_await queue.open();
        const auto mine = co_await take(queue, client, "a");
        bool dead = co_await queue.fail("a", mine[0].id, "404", true, 3);
        EXPECT_TRUE(dead);
        dead = co_await queue.fail("a", mine[1].id, "no route", false, 2);
        EXPECT_FALSE(dead);
        dead = co_await queue.fail("a", mine[1].id, "no route", false, 2);  // it is not its own any more
        EXPECT_FALSE(dead);
        queue_status now = co_await queue.status();
        EXPECT_EQ(now.waiting, 1u);
        EXPECT_EQ(now.running, 0u);
        const auto claimed = co_await queue.claim("b", 10, 0ms, 2);
        EXPECT_EQ(claimed.size(), 1u);
        dead = co_await queue.fail("b", claimed[0].id, "still no route", false, 2);
        EXPECT_TRUE(dead);
        now = co_await queue.status();
        EXPECT_EQ(now.failures.size(), 2u);
        EXPECT_EQ(now.failures[0].reason, "404");
        EXPECT_EQ(now.failures[1].reason, "still no route");
        // Added again, it is tried again, and its dead letter does no harm later.
        co_await queue.add(items(0, 1));
        const std::size_t back = co_await queue.retry();
        EXPECT_EQ(back, 1u);
        const std::size_t length = co_await queue.size();
        EXPECT_EQ(length, 2u);
    });
}

TEST_F(queue_in_redis, what_is_claimed_says_whose_it_was_and_its_own_is_no_delivery) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 1));
        co_await queue.open("a");
        const queue_status before = co_await queue.status();
        EXPECT_EQ(before.workers.size(), 1u);  // although it has nothing
        const auto mine = co_await take(queue, client, "a");
        EXPECT_EQ(mine.at(0).had_by, "");
        for (int i = 0; i < 5; ++i) {
            const auto again = co_await queue.claim("a", 10, 0ms, 2);
            EXPECT_EQ(again.at(0).deliveries, 1);
            EXPECT_EQ(again.at(0).had_by, "a");
        }
        auto other = co_await queue.claim("b", 10, 0ms, 3);
        EXPECT_EQ(other.at(0).had_by, "a");
        EXPECT_LT(other.at(0).age, 10min);
        bool dead = co_await queue.fail("b", other[0].id, "no route", false, 3);
        EXPECT_FALSE(dead);
        other = co_await queue.claim("c", 10, 0ms, 3);
        EXPECT_EQ(other.at(0).had_by, "b");
        co_await queue.leave("c");
        other = co_await queue.claim("d", 10, 1h, 3);
        EXPECT_EQ(other.at(0).had_by, "c");
        co_await client.call(tool::redis::command("XGROUP", "DESTROY", "q", "leat"));
        dead = co_await queue.fail("d", other[0].id, "no route", true, 3);  // without the group there is no saying whose it is
        EXPECT_FALSE(dead);
        const std::size_t length = co_await queue.size();
        EXPECT_EQ(length, 1u);
    });
}

TEST_F(queue_in_redis, what_is_handed_back_is_taken_at_once_and_was_no_delivery) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 3));
        co_await queue.open();
        for (int i = 0; i < 5; ++i) {
            std::vector<queue_entry> mine;
            if (i == 0)
                mine = co_await take(queue, client, "a");
            else
                mine = co_await queue.claim("a", 10, 1h, 2);
            EXPECT_EQ(mine.size(), 3u);
            EXPECT_EQ(mine.at(0).deliveries, 1);
            const std::size_t handed = co_await queue.leave("a");
            EXPECT_EQ(handed, 3u);
            const queue_status now = co_await queue.status();
            EXPECT_EQ(now.waiting, 3u);
            EXPECT_TRUE(now.workers.empty());
        }
    });
}

TEST_F(queue_in_redis, scripts_are_given_to_a_server_that_has_forgotten_them) {
    with_queue([](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.open();
        co_await queue.claim("a", 10, 1h, 3);
        co_await client.call(tool::redis::command("SCRIPT", "FLUSH"));
        co_await queue.claim("a", 10, 1h, 3);
        const std::size_t back = co_await queue.retry();
        EXPECT_EQ(back, 0u);
    });
}

TEST_F(queue_in_redis, takes_a_hundred_thousand) {
    with_queue([](stream_queue& queue, tool::redis::client&) -> leat::task<> {
        const std::size_t added = co_await queue.add(items(0, 100'000));
        EXPECT_EQ(added, 100'000u);
        const std::size_t length = co_await queue.size();
        EXPECT_EQ(length, 100'000u);
    });
}

TEST_F(queue_in_redis, adds_nothing_if_one_name_is_bad) {
    with_queue([](stream_queue& queue, tool::redis::client&) -> leat::task<> {
        auto some = items(0, 3);
        some.push_back(item("http://h/x", "../x"));
        const auto outcome = co_await (queue.add(std::move(some)) | leat::as_result);
        EXPECT_FALSE(outcome.has_value());
        const std::size_t length = co_await queue.size();
        EXPECT_EQ(length, 0u);
    });
}

// ---- a worker

/// Takes everything, "fetching" it by `fetch(item)`, which says how it ended.
template <class Fetch>
leat::task<int> drain(tool::queue_worker& worker, Fetch& fetch, std::size_t most = 1000) {
    int count = 0;
    for (std::size_t index = 0; index < most; ++index) {
        auto next = co_await worker.next();
        if (!next) break;
        leat::file_report report = fetch(*next);
        ++count;
        co_await worker.ended(index, std::move(report));
    }
    co_return count;
}

leat::file_report there(std::uint64_t size) {
    leat::file_report report;
    report.bytes = size;
    return report;
}
leat::file_report broken(leat::failure_class why) {
    leat::file_report report;
    report.why = why;
    report.error = "it broke";
    return report;
}

TEST_F(queue_in_redis, a_worker_ends_when_nothing_is_left_anywhere) {
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    options.claim_after = 300ms;
    with_queue([&](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 20));
        co_await queue.open();
        // One that takes two and is never heard of again.
        const auto lost = co_await take(queue, client, "dead", 2);
        EXPECT_EQ(lost.size(), 2u);
        std::vector<std::string> names;
        auto fetch = [&](const download_item& what) {
            names.push_back(what.name);
            return there(1);
        };
        tool::queue_worker worker(options);
        const int count = co_await tool::work(worker, drain(worker, fetch));
        EXPECT_EQ(count, 20);
        EXPECT_EQ(names.front(), "2");
        const queue_status now = co_await queue.status();
        EXPECT_EQ(now.done, 20u);
        EXPECT_EQ(now.waiting + now.running + now.failed, 0u);
        EXPECT_TRUE(now.workers.empty() || (now.workers.size() == 1 && now.workers[0].name == "dead"));
    });
}

TEST_F(queue_in_redis, a_worker_keeps_what_it_works_on_however_long_that_takes) {
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    options.claim_after = 150ms;
    with_queue([&](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 3));
        // The first takes one entry and is slow; the others it has taken along are still waiting for their turn.
        auto slow = [&](tool::queue_worker& worker) -> leat::task<int> {
            int count = 0;
            for (std::size_t index = 0;; ++index) {
                const auto next = co_await worker.next();
                if (!next) break;
                if (index == 0) {
                    // As long as it takes to be given up four times over: how often has somebody else got one?
                    const leat::time_point until = leat::now() + 4 * options.claim_after;
                    while (leat::now() < until) {
                        const auto claimed = co_await queue.claim("other", 10, options.claim_after, 3);
                        EXPECT_TRUE(claimed.empty());
                        co_await leat::sleep(5ms);
                    }
                }
                ++count;
                co_await worker.ended(index, there(1));
            }
            co_return count;
        };
        tool::queue_worker worker(options);
        const int count = co_await tool::work(worker, slow(worker));
        EXPECT_EQ(count, 3);
        static_cast<void>(client);
    });
}

TEST_F(queue_in_redis, a_worker_hands_back_what_it_has_not_finished) {
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    with_queue([&](stream_queue& queue, tool::redis::client&) -> leat::task<> {
        co_await queue.add(items(0, 50));
        leat::event begun;
        auto hang = [&](tool::queue_worker& worker) -> leat::task<int> {
            co_await worker.next();
            co_await worker.next();
            begun.set();
            co_await leat::sleep(1h);
            co_return 0;
        };
        auto run = [&]() -> leat::task<> {
            tool::queue_worker worker(options);
            co_await tool::work(worker, hang(worker));
        };
        leat::task_group group;
        group.spawn(run());
        co_await begun.wait();
        queue_status now = co_await queue.status();
        EXPECT_EQ(now.running, 8u);  // a quarter of its jobs at a time
        group.cancel();
        co_await group.join();
        now = co_await queue.status();
        EXPECT_EQ(now.waiting, 50u);
        EXPECT_TRUE(now.workers.empty());
        auto fetch = [](const download_item&) { return there(1); };
        tool::queue_worker other(options);
        const int count = co_await tool::work(other, drain(other, fetch));
        EXPECT_EQ(count, 50);
    });
}

TEST_F(queue_in_redis, a_worker_does_not_fetch_what_lies_here) {
    temporary_directory place;
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    options.directory = place.string();
    with_queue([&](stream_queue& queue, tool::redis::client&) -> leat::task<> {
        auto round = [&](std::string_view content) -> leat::task<std::string> {
            co_await queue.add(items(0, 1));
            std::string existing = "not set";
            auto fetch = [&](const download_item& what) {
                const bool skip = what.options && what.options->existing == leat::existing_file::skip;
                existing = skip ? "skip" : what.options && what.options->existing ? "other" : "not set";
                if (!skip) leat::testing::put(place / what.name, content);
                leat::file_report report = there(skip ? 0 : content.size());
                report.skipped = skip;
                report.target = place / what.name;
                return report;
            };
            tool::queue_worker worker(options);
            co_await tool::work(worker, drain(worker, fetch));
            co_return existing;
        };
        std::string how = co_await round("abc");
        EXPECT_EQ(how, "not set");
        how = co_await round("abc");
        EXPECT_EQ(how, "skip");
        how = co_await round("abc");  // the record of what was skipped still has its size
        EXPECT_EQ(how, "skip");
        leat::testing::put(place / "0", "abcd");
        how = co_await round("abcde");
        EXPECT_EQ(how, "not set");
        std::filesystem::remove(place / "0");
        how = co_await round("abcde");
        EXPECT_EQ(how, "not set");
    });
}

TEST_F(queue_in_redis, a_worker_asks_the_server_about_a_file_whose_worker_died_before_it_said_so) {
    temporary_directory place;
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    options.directory = place.string();
    options.claim_after = 100ms;
    with_queue([&](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 1));
        co_await queue.open();
        co_await take(queue, client, "dead");
        leat::testing::put(place / "0", "it is here");
        bool asked = false;
        auto fetch = [&](const download_item& what) {
            asked = what.options && what.options->existing == leat::existing_file::if_newer;
            leat::file_report report = there(0);
            report.skipped = true;
            report.target = place / what.name;
            return report;
        };
        tool::queue_worker worker(options);
        co_await tool::work(worker, drain(worker, fetch));
        EXPECT_TRUE(asked);
    });
}

TEST_F(queue_in_redis, a_worker_gives_up_by_what_has_failed) {
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    options.claim_after = 100ms;
    options.deliveries = 2;
    with_queue([&](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 2));
        // And two that cannot even be read.
        co_await client.call(tool::redis::command("XADD", "q", "*", "key", "k", "name", "n", "item", "{"));
        co_await client.call(tool::redis::command("XADD", "q", "*", "key", "k2", "name", "../n", "item", "{\"url\":\"http://u:secret@h/k2\"}"));
        auto fetch = [](const download_item& what) { return broken(what.name == "0" ? leat::failure_class::status : leat::failure_class::connect); };
        tool::queue_worker worker(options);
        const int count = co_await tool::work(worker, drain(worker, fetch));
        EXPECT_EQ(count, 3);
        const queue_status now = co_await queue.status();
        EXPECT_EQ(now.failed, 4u);
        std::string all;
        for (const auto& each : now.failures) all += each.url + "\n";
        EXPECT_NE(all.find("http://h/k2"), std::string::npos) << all;
    });
}

TEST_F(queue_in_redis, a_worker_without_a_disk_stops) {
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    with_queue([&](stream_queue& queue, tool::redis::client&) -> leat::task<> {
        co_await queue.add(items(0, 50));
        auto fetch = [](const download_item&) { return broken(leat::failure_class::disk); };
        tool::queue_worker worker(options);
        const auto outcome = co_await (tool::work(worker, drain(worker, fetch)) | leat::as_result);
        EXPECT_FALSE(outcome.has_value());
        const queue_status now = co_await queue.status();
        EXPECT_EQ(now.waiting, 50u);
        EXPECT_EQ(now.failed, 0u);
    });
}

TEST_F(queue_in_redis, a_worker_says_what_has_ended_when_the_server_is_back) {
    tool::worker_options options;
    options.place.server = address();
    options.place.queue = "q";
    // A server that keeps its data where the next one finds it.
    temporary_directory data;
    server.emplace(std::vector<std::string>{"--appendonly", "yes", "--appendfsync", "always", "--dir", data.string()});
    options.place.server = address();
    with_queue([&](stream_queue& queue, tool::redis::client& client) -> leat::task<> {
        co_await queue.add(items(0, 5));
        int fetched = 0;
        auto restart = [&]() -> leat::task<> {
            co_await leat::testing::settle();
            server->start();
        };
        leat::task_group group;
        auto fetch = [&](const download_item&) {
            if (++fetched == 3) {
                server->stop();
                group.spawn(restart());
            }
            return there(1);
        };
        tool::queue_worker worker(options);
        const int count = co_await tool::work(worker, drain(worker, fetch));
        EXPECT_EQ(count, 5);
        co_await group.join();
        client.drop();
        const queue_status now = co_await queue.status();
        EXPECT_EQ(now.done, 5u);
        EXPECT_EQ(now.waiting + now.running, 0u);
    });
}

}  // namespace
