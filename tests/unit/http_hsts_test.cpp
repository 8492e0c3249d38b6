#include "leat/http/hsts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/hsts_table.hpp"
#include "leat/http/client.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using testing::content_of;
using testing::failure_of;
using testing::in_loop;
using testing::moved;
using testing::ok;
using testing::put;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::temporary_directory;
using testing::thrown_by;
using ::testing::HasSubstr;

constexpr std::int64_t now = 1'700'000'000;

TEST(http_hsts, reads_the_field) {
    const struct {
        const char* text;
        bool sound;
        std::uint64_t age;
        bool subdomains;
    } cases[] = {
        {"max-age=31536000", true, 31536000, false},
        {"max-age=\"10\" ; includeSubDomains", true, 10, true},
        {" ;includesubdomains; MAX-AGE = 0;preload; x=y;", true, 0, true},
        {"", false, 0, false},
        {"includeSubDomains", false, 0, false},
        {"max-age=-1", false, 0, false},
        {"max-age=1; max-age=2", false, 0, false},
        {"max-age=1x", false, 0, false},
        {"max-age=1; includeSubDomains=yes", false, 0, false},
    };
    for (const auto& each : cases) {
        const auto policy = detail::parse_hsts(each.text);
        ASSERT_EQ(policy.has_value(), each.sound) << each.text;
        if (!policy) continue;
        EXPECT_EQ(policy->max_age, each.age) << each.text;
        EXPECT_EQ(policy->subdomains, each.subdomains) << each.text;
    }
}

TEST(http_hsts, a_name_has_no_empty_part) {
    detail::hsts_table table;
    for (auto odd : {"a..", "a..b", "..", ".", "", "192.0.2.1..", ".a"}) EXPECT_FALSE(table.take(odd, "max-age=10", now)) << odd;
    EXPECT_TRUE(table.take("a.", "max-age=10", now));  // but for the root's, which may be written
    // A line that no name comes of is passed over, and takes no other with it.
    EXPECT_EQ(table.take_file("192.0.2.1.. \"unlimited\"\na.. \"unlimited\"\nb. \"unlimited\"\n", now), 1u);
    EXPECT_THAT(table.as_file(now), HasSubstr("\nb \"unlimited\"\n"));
    EXPECT_EQ(table.size(), 2u);
}

TEST(http_hsts, covers_a_host_and_what_is_below_it_if_asked) {
    detail::hsts_table table;
    EXPECT_TRUE(table.take("Example.org", "max-age=10", now));
    EXPECT_TRUE(table.take("below.net", "max-age=10; includeSubDomains", now));
    EXPECT_FALSE(table.take("127.0.0.1", "max-age=10", now));
    EXPECT_FALSE(table.take("::1", "max-age=10", now));
    EXPECT_TRUE(table.covers("example.org.", now));
    EXPECT_FALSE(table.covers("www.example.org", now));
    EXPECT_TRUE(table.covers("a.b.below.net", now));
    EXPECT_FALSE(table.covers("xbelow.net", now));
    EXPECT_FALSE(table.covers("example.org", now + 10));
    EXPECT_TRUE(table.take("example.org", "max-age=0", now));
    EXPECT_FALSE(table.covers("example.org", now));
    EXPECT_EQ(table.size(), 1u);
}

TEST(http_hsts, keeps_no_more_hosts_than_its_limit) {
    detail::hsts_table table;
    for (int i = 0; i < 5001; ++i) table.take("h" + std::to_string(i) + ".org", "max-age=" + std::to_string(1000 + i), now);
    EXPECT_EQ(table.size(), 5000u);
    EXPECT_FALSE(table.covers("h0.org", now));
    EXPECT_TRUE(table.covers("h5000.org", now));
}

TEST(http_hsts, of_a_file_with_too_many_hosts_those_that_end_last_are_kept) {
    std::string text;
    for (int i = 0; i < 12'000; ++i) text += "h" + std::to_string(i) + ".org \"20" + (i % 4 == 0 ? "40" : "30") + "1106 08:49:37\"\n";
    text += "last.org \"unlimited\"\n";
    detail::hsts_table table;
    EXPECT_EQ(table.take_file(text, now), 12'001u);
    EXPECT_EQ(table.size(), 5000u);
    for (int i = 0; i < 12'000; i += 4) EXPECT_TRUE(table.covers("h" + std::to_string(i) + ".org", now)) << i;
    EXPECT_TRUE(table.covers("last.org", now));
}

TEST(http_hsts, reads_and_writes_the_file_that_curl_has) {
    detail::hsts_table table;
    const auto taken = table.take_file("# comment\nexample.org \"20301106 08:49:37\"\r\n.below.net \"unlimited\"\nold.org \"20011106 08:49:37\"\nbad.org \"soon\"\n10.0.0.1 \"unlimited\"\n", now);
    EXPECT_EQ(taken, 2u);
    EXPECT_TRUE(table.covers("example.org", now));
    EXPECT_TRUE(table.covers("x.below.net", now));
    EXPECT_THAT(table.as_file(now), HasSubstr("\n.below.net \"unlimited\"\nexample.org \"20301106 08:49:37\"\n"));
}

TEST(http_hsts, refuses_what_is_no_host) {
    http::hsts_store store;
    EXPECT_THAT(thrown_by([&] { store.set({.host = "a b"}); }), HasSubstr("no host"));
    EXPECT_THAT(thrown_by([&] { store.set({.host = "1.2.3.4"}); }), HasSubstr("no host"));
    EXPECT_THAT(thrown_by([&] { store.set({.host = ".example.org"}); }), HasSubstr("no host"));
}

task<> saved_and_loaded() {
    temporary_directory in;
    http::hsts_store store;
    store.set({.host = "example.org", .subdomains = true});
    co_await store.save(path{in / "hsts.txt"});
    http::hsts_store other;
    auto count = co_await other.load(path{in / "hsts.txt"});
    EXPECT_EQ(count, 1u);
    EXPECT_TRUE(other.covers("www.example.org"));
}
TEST(http_hsts, is_saved_and_loaded_again) { in_loop(saved_and_loaded()); }

task<> upgraded() {
    scripted_server server([](const seen_request& request) -> reply {
        if (request.target() == "/away") return {moved(302, "/again")};
        return {ok("plain", "Strict-Transport-Security: max-age=1000\r\n")};
    });
    co_await server.start();
    http::hsts_store store;
    http::client http({.hsts = &store});
    const std::string url = "http://localhost:" + std::to_string(server.port()) + "/";
    auto plain = co_await http.get(url);
    auto text = co_await plain.text();
    EXPECT_EQ(text, "plain");
    EXPECT_EQ(store.size(), 0u);  // what comes unencrypted, anyone may have said
    store.set({.host = "localhost"});
    // No TLS is spoken here: that a handshake is tried shows where the request goes.
    auto hang_up = [](stream_reader reader, stream_writer writer) -> task<> {
        [[maybe_unused]] auto hello = co_await reader.read_exactly(1);
        co_await writer.close();
    };
    auto silent = co_await start_server(hang_up, {"127.0.0.1", 0});
    const std::string its_host = "localhost:" + std::to_string(silent.address().port());
    auto failed = co_await failure_of<http::error>(http.get("http://" + its_host + "/"));
    EXPECT_THAT(failed, HasSubstr("https://" + its_host));
    co_await silent.close();
}
TEST(http_hsts, turns_http_into_https_and_learns_nothing_without_tls) { in_loop(upgraded()); }

}  // namespace
}  // namespace leat
