#include "leat/http/cookies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "http/cookie_parse.hpp"
#include "http/cookie_store.hpp"
#include "leat/http/client.hpp"
#include "leat/process/process.hpp"
#include "leat/task/group.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using testing::content_of;
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

// ---- dates

TEST(http_cookies, reads_dates_as_servers_have_written_them) {
    const struct {
        const char* text;
        std::optional<std::int64_t> seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777}, {"Sun Nov  6 08:49:37 1994", 784111777},
        {"06 november 1994 8:49:37", 784111777},      {"1994 Nov 06 08:49:37", 784111777},           {"Thu, 01-Jan-70 00:00:00 GMT", 0},
        {"08:49:37 6 Nov 94 +0000", 784111777},       {"Sun, 06 Nov 1600 08:49:37 GMT", {}},         {"Sun, 31 Feb 1994 08:49:37 GMT", {}},
        {"Sun, 06 Nov 1994 24:49:37 GMT", {}},        {"Sun, 06 Nov 1994", {}},                      {"", {}},
        {"0", {}},                                    {"Sun, 006 Nov 1994 08:49:37", {}},            {"Wed, 09 Jun 2021 10:18:14 GMT", 1623233894},
    };
    for (const auto& each : cases) EXPECT_EQ(detail::parse_cookie_date(each.text), each.seconds) << each.text;
}

// ---- the field

TEST(http_cookies, reads_a_field_with_all_its_attributes) {
    const auto one = detail::parse_set_cookie("SID = 31d4d96e407aad42 ; Path=/docs; Domain=.Example.COM; Secure; HttpOnly; SameSite=lax; Max-Age=60", now);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->name, "SID");
    EXPECT_EQ(one->value, "31d4d96e407aad42");
    EXPECT_EQ(one->path, "/docs");
    EXPECT_EQ(one->domain, "example.com");
    EXPECT_TRUE(one->secure && one->http_only);
    EXPECT_EQ(one->same_site, http::same_site::lax);
    EXPECT_EQ(one->expires, now + 60);
}

TEST(http_cookies, ignores_a_field_that_makes_no_sense) {
    for (std::string_view text : {"", ";", "=", " = ; Path=/", "a=\x01", "a=b; Path=/\x7f"}) EXPECT_FALSE(detail::parse_set_cookie(text, now)) << text;
    EXPECT_TRUE(detail::parse_set_cookie("a=" + std::string(4095, 'x'), now));
    EXPECT_FALSE(detail::parse_set_cookie("a=" + std::string(4096, 'x'), now));
}

TEST(http_cookies, max_age_goes_before_expires_and_nothing_lives_too_long) {
    EXPECT_EQ(detail::parse_set_cookie("a=b; Max-Age=5; Expires=Wed, 09 Jun 2100 10:18:14 GMT", now)->expires, now + 5);
    EXPECT_EQ(detail::parse_set_cookie("a=b; Expires=Wed, 09 Jun 2100 10:18:14 GMT; Max-Age=5", now)->expires, now + 5);
    EXPECT_EQ(detail::parse_set_cookie("a=b; Expires=Wed, 09 Jun 2100 10:18:14 GMT", now)->expires, now + 400 * 86400);
    EXPECT_EQ(detail::parse_set_cookie("a=b; Max-Age=99999999999999999999", now)->expires, now + 400 * 86400);
    EXPECT_EQ(detail::parse_set_cookie("a=b; Max-Age=-1", now)->expires, 0);
    EXPECT_EQ(detail::parse_set_cookie("a=b; Max-Age=1x", now)->expires, std::nullopt);
}

TEST(http_cookies, matches_paths_and_domains_by_whole_parts) {
    EXPECT_EQ(detail::default_cookie_path("/a/b/c"), "/a/b");
    EXPECT_EQ(detail::default_cookie_path("/a"), "/");
    EXPECT_TRUE(detail::cookie_path_matches("/a/b", "/a"));
    EXPECT_TRUE(detail::cookie_path_matches("/a/b", "/a/"));
    EXPECT_FALSE(detail::cookie_path_matches("/ab", "/a"));
    EXPECT_TRUE(detail::cookie_domain_matches("www.example.org", "example.org"));
    EXPECT_FALSE(detail::cookie_domain_matches("wwwexample.org", "example.org"));
    EXPECT_FALSE(detail::cookie_domain_matches("1.2.3.4", "3.4"));
    EXPECT_TRUE(detail::cookie_domain_matches("1.2.3.4", "1.2.3.4"));
}

// ---- the jar

TEST(http_cookies, go_back_to_whom_they_are_for) {
    const struct {
        const char *from, *field, *to, *header;
    } cases[] = {
        {"http://www.example.org/a/b", "k=v", "http://www.example.org/a/c", "k=v"},
        {"http://www.example.org/a/b", "k=v", "http://www.example.org/", ""},
        {"http://www.example.org/", "k=v", "http://x.www.example.org/", ""},
        {"http://www.example.org/", "k=v; Domain=example.org", "http://other.example.org/", "k=v"},
        {"http://www.example.org/", "k=v; Domain=www.example.org", "http://x.www.example.org/", "k=v"},
        {"http://www.example.org/", "k=v; Domain=other.example.org", "http://other.example.org/", ""},
        {"http://www.example.org/", "k=v; Domain=org", "http://www.example.org/", ""},
        {"http://a.co.uk/", "k=v; Domain=co.uk", "http://b.co.uk/", ""},
        {"http://me.github.io/", "k=v; Domain=github.io", "http://you.github.io/", ""},
        {"http://127.0.0.1/", "k=v; Domain=127.0.0.1", "http://127.0.0.1:8080/", "k=v"},
        {"http://127.0.0.1/", "k=v; Domain=0.0.1", "http://127.0.0.1/", ""},
        {"http://localhost/", "k=v", "http://localhost:1/", "k=v"},
        {"https://example.org/", "k=v; Secure", "http://example.org/", ""},
        {"https://example.org/", "k=v; Secure", "https://example.org/", "k=v"},
        {"http://example.org/", "k=v; Secure", "https://example.org/", ""},
        {"https://example.org/", "__Secure-k=v", "https://example.org/", ""},
        {"https://example.org/", "__Secure-k=v; Secure", "https://example.org/", "__Secure-k=v"},
        {"https://example.org/", "__Host-k=v; Secure; Path=/; Domain=example.org", "https://example.org/", ""},
        {"https://example.org/", "__Host-k=v; Secure", "https://example.org/", ""},
        {"https://example.org/", "__HOST-k=v; Secure; Path=/", "https://example.org/", "__HOST-k=v"},
        {"https://example.org/", "=__Host-k=v; Secure; Path=/", "https://example.org/", ""},
        {"http://example.org/", "k=v; Max-Age=0", "http://example.org/", ""},
        {"http://example.org/", "justvalue", "http://example.org/", "justvalue"},
    };
    for (const auto& each : cases) {
        http::cookie_jar jar;
        jar.take(each.from, each.field);
        EXPECT_EQ(jar.header_for(each.to), each.header) << each.from << " " << each.field << " " << each.to;
    }
}

TEST(http_cookies, come_with_the_longest_path_first_and_then_the_oldest) {
    http::cookie_jar jar;
    jar.take("http://example.org/", "a=1");
    jar.take("http://example.org/", "b=2; Path=/x");
    jar.take("http://example.org/", "c=3");
    jar.take("http://example.org/", "a=4");  // its place stays
    EXPECT_EQ(jar.header_for("http://example.org/x/y"), "b=2; a=4; c=3");
    EXPECT_EQ(jar.find("http://example.org/", "a"), "4");
    EXPECT_EQ(jar.size(), 3u);
    EXPECT_TRUE(jar.take("http://example.org/", "a=; Max-Age=-1"));
    EXPECT_EQ(jar.header_for("http://example.org/"), "c=3");
    EXPECT_EQ(jar.remove("example.org", "/", "c"), 1u);
    EXPECT_EQ(jar.size(), 1u);
}

TEST(http_cookies, of_tls_are_not_overwritten_without_it) {
    http::cookie_jar jar;
    ASSERT_TRUE(jar.take("https://example.org/", "k=secret; Secure"));
    EXPECT_FALSE(jar.take("http://example.org/", "k=forged"));
    EXPECT_FALSE(jar.take("http://www.example.org/", "k=forged; Domain=example.org"));
    EXPECT_TRUE(jar.take("http://example.org/", "other=1"));
    EXPECT_EQ(jar.header_for("https://example.org/"), "k=secret; other=1");
}

TEST(http_cookies, of_tls_are_forgotten_once_they_have_expired) {
    detail::cookie_store store;
    ASSERT_TRUE(store.take(http::url::parse("https://example.org/"), "k=old; Secure; Max-Age=10", now));
    EXPECT_FALSE(store.take(http::url::parse("http://example.org/"), "k=new", now + 9));
    EXPECT_TRUE(store.take(http::url::parse("http://example.org/"), "k=new", now + 10));
}

TEST(http_cookies, of_tls_are_not_pushed_out_without_it) {
    detail::cookie_store store;
    const auto plain = http::url::parse("http://example.org/"), secure = http::url::parse("https://example.org/");
    store.take(secure, "session=1; Secure", now);
    for (int i = 0; i < 60; ++i) store.take(plain, "c" + std::to_string(i) + "=1", now);
    EXPECT_EQ(store.size(), 50u);
    EXPECT_THAT(store.header_for(secure, now), ::testing::StartsWith("session=1; c11=1;"));
    // Where there is nothing else, what comes without it is not kept at all.
    for (int i = 0; i < 50; ++i) store.take(secure, "s" + std::to_string(i) + "=1; Secure", now);
    store.take(plain, "late=1", now);
    EXPECT_EQ(store.size(), 50u);
    EXPECT_EQ(store.header_for(plain, now), "");
}

TEST(http_cookies, of_a_public_suffix_are_refused_with_a_dot_at_its_end_too) {
    http::cookie_jar jar;
    for (const std::string suffix : {"com.", "co.uk.", "github.io.", "co.uk.."})
        EXPECT_FALSE(jar.take("https://example." + suffix + "/", "k=v; Domain=" + suffix)) << suffix;
    EXPECT_TRUE(jar.take("https://www.example.co.uk./", "k=v; Domain=example.co.uk."));
    EXPECT_EQ(jar.header_for("https://other.co.uk./"), "");
}

TEST(http_cookies, that_are_too_many_push_out_those_used_longest_ago) {
    detail::cookie_store store;
    const auto at = http::url::parse("http://example.org/");
    for (int i = 0; i < 50; ++i) store.take(at, "c" + std::to_string(i) + "=1; Path=/p" + std::to_string(i), now);
    store.header_for(http::url::parse("http://example.org/p0"), now);  // used
    store.take(at, "new=1", now);
    EXPECT_EQ(store.size(), 50u);
    EXPECT_EQ(store.header_for(http::url::parse("http://example.org/p0"), now), "c0=1; new=1");
    EXPECT_EQ(store.header_for(http::url::parse("http://example.org/p1"), now), "new=1");
    for (int i = 0; i < 3100; ++i) store.take(http::url::parse("http://h" + std::to_string(i) + ".example.net/"), "k=v", now);
    EXPECT_EQ(store.size(), 3000u);
    EXPECT_EQ(store.header_for(http::url::parse("http://h3099.example.net/"), now), "k=v");
    EXPECT_EQ(store.header_for(at, now), "");
}

TEST(http_cookies, expire_and_end_with_the_session) {
    detail::cookie_store store;
    const auto at = http::url::parse("http://example.org/");
    store.take(at, "a=1; Max-Age=10", now);
    store.take(at, "b=2", now);
    EXPECT_EQ(store.header_for(at, now + 9), "a=1; b=2");
    EXPECT_EQ(store.header_for(at, now + 10), "b=2");
    store.end_session();
    EXPECT_EQ(store.header_for(at, now), "a=1");
    store.clear();
    EXPECT_EQ(store.size(), 0u);
}

TEST(http_cookies, set_by_a_program_are_checked) {
    http::cookie_jar jar;
    EXPECT_THAT(thrown_by([&] { jar.set({.name = "a;b", .value = "1", .domain = "example.org"}); }), HasSubstr("';'"));
    EXPECT_THAT(thrown_by([&] { jar.set({.name = "a", .value = "1\r\nX: y", .domain = "example.org"}); }), HasSubstr("control"));
    EXPECT_THAT(thrown_by([&] { jar.set({.name = "a", .value = "1"}); }), HasSubstr("no domain"));
    EXPECT_THAT(thrown_by([&] { jar.set({.name = "a", .value = "1", .domain = "example.org", .path = "x"}); }), HasSubstr("path"));
    jar.set({.name = "a", .value = "1", .domain = ".Example.org", .host_only = false});
    EXPECT_EQ(jar.header_for("http://www.example.org/"), "a=1");
    http::cookie_jar other = jar;
    other.clear();
    EXPECT_TRUE(jar.all().empty());
}

// ---- files

constexpr std::string_view file_text =
    "# Netscape HTTP Cookie File\n\n"
    ".example.org\tTRUE\t/\tFALSE\t4102444800\tall\t1\r\n"
    "#HttpOnly_www.example.org\tFALSE\t/x\tTRUE\t0\tsession\ttwo words\n"
    "example.org\tFALSE\t/\tFALSE\t1000000000\told\t1\n"
    "nonsense\n"
    "example.org\tFALSE\t/\tFALSE\tsoon\tbad\t1\n"
    "example.org\tFALSE\t/\tFALSE\t4102444800.5\tempty\t\n";

TEST(http_cookies, of_a_file_with_too_many_the_last_are_kept) {
    std::string text;
    const auto line = [](const std::string& host, int number) { return host + "\tFALSE\t/\tFALSE\t4102444800\tc" + std::to_string(number) + "\tv\n"; };
    for (int i = 0; i < 10'000; ++i) text += line("h" + std::to_string(i) + ".net", i);
    for (int i = 0; i < 200; ++i) text += line("example.org", i);
    detail::cookie_store store;
    EXPECT_EQ(store.take_file(text, now), 10'200u);
    const auto kept = store.all(now);
    ASSERT_EQ(kept.size(), 3000u);
    EXPECT_EQ(kept.front().name, "c7050");
    EXPECT_EQ(kept[2949].name, "c9999");
    EXPECT_EQ(kept[2950].domain, "example.org");
    EXPECT_EQ(kept[2950].name, "c150");
    EXPECT_EQ(kept.back().name, "c199");
}

TEST(http_cookies, whose_domain_is_no_host_are_not_taken_from_a_file) {
    for (std::string_view domain : {"#a.example.org", "..example.org", "a b", "ex\xffmple.org"}) {
        detail::cookie_store store;
        std::string line{domain};
        line += "\tFALSE\t/\tFALSE\t0\tname\tvalue\n";
        EXPECT_EQ(store.take_file("#HttpOnly_" + line, now), 0u) << domain;
    }
}

TEST(http_cookies, read_a_netscape_file) {
    detail::cookie_store store;
    EXPECT_EQ(store.take_file(file_text, now), 3u);
    EXPECT_EQ(store.header_for(http::url::parse("https://www.example.org/x"), now), "session=two words; all=1");
    EXPECT_EQ(store.header_for(http::url::parse("http://example.org/"), now), "all=1; empty=");
    detail::cookie_store again;
    EXPECT_EQ(again.take_file(store.as_file(true, now), now), 3u);
    EXPECT_EQ(again.as_file(true, now), store.as_file(true, now));
    EXPECT_THAT(store.as_file(false, now), ::testing::Not(HasSubstr("session")));
}

TEST(http_cookies, of_the_session_are_read_as_python_writes_them) {
    detail::cookie_store store;
    EXPECT_EQ(store.take_file("example.org\tFALSE\t/\tFALSE\t\tname\tvalue\nexample.org\tFALSE\t/\tFALSE\tsoon\tother\tvalue\n", now), 1u);
    EXPECT_EQ(store.header_for(http::url::parse("http://example.org/"), now), "name=value");
    EXPECT_FALSE(store.all(now).at(0).expires);
}

task<> saved_and_loaded() {
    temporary_directory in;
    http::cookie_jar jar;
    jar.take("http://example.org/", "k=v; Max-Age=1000");
    put(in / "cookies.txt", "what was there before");
    co_await jar.save(path{in / "cookies.txt"});
    struct stat status {};
    EXPECT_EQ(::stat((in / "cookies.txt").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    http::cookie_jar other;
    auto count = co_await other.load(path{in / "cookies.txt"});
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(other.header_for("http://example.org/"), "k=v");
    auto missing = co_await testing::failure_of<error>(other.load(path{in / "none"}));
    EXPECT_THAT(missing, HasSubstr("none"));
}
TEST(http_cookies, are_saved_for_their_owner_only_and_loaded_again) { in_loop(saved_and_loaded()); }

task<> saved_through_a_link() {
    temporary_directory in;
    http::cookie_jar jar;
    jar.set({.name = "k", .value = "v", .domain = "example.org"});
    std::filesystem::create_directory(in / "elsewhere");
    put(in / "elsewhere/cookies", "before");
    std::filesystem::create_symlink("elsewhere/cookies", in / "link");
    co_await jar.save(path{in / "link"});
    EXPECT_TRUE(std::filesystem::is_symlink(in / "link"));
    EXPECT_THAT(content_of(in / "elsewhere/cookies"), HasSubstr("k\tv"));
    EXPECT_EQ(std::filesystem::status(in / "elsewhere/cookies").permissions(), std::filesystem::perms{0600});
    // What a device's name is given for is not turned into a file: as root that would be the end of /dev/null.
    EXPECT_EQ(::mkfifo((in / "pipe").c_str(), 0600), 0);
    auto failed = co_await testing::failure_of<error>(jar.save(path{in / "pipe"}));
    EXPECT_THAT(failed, HasSubstr(in / "pipe"));
    EXPECT_TRUE(std::filesystem::is_fifo(in / "pipe"));
    auto nowhere = co_await testing::failure_of<error>(jar.save(path{in / "none/cookies"}));
    EXPECT_THAT(nowhere, HasSubstr(in / "none/cookies"));
}
TEST(http_cookies, saving_follows_a_link_and_replaces_files_only) { in_loop(saved_through_a_link()); }

task<> load_into(http::cookie_jar jar, std::string name) { co_await jar.load(path{name}); }
task<> save_from(http::cookie_jar jar, std::string name) { co_await jar.save(path{name}); }

/// Cancelled or destroyed after so many turns of the loop.
task<> given_up(int turns, bool destroyed) {
    temporary_directory in;
    const std::string name = in / "cookies.txt";
    put(name, "example.org\tFALSE\t/\tFALSE\t4102444800\ta\t1\nexample.org\tFALSE\t/\tFALSE\t4102444800\tb\t2\n");
    http::cookie_jar read, written;
    written.set({.name = "new", .value = "1", .domain = "example.net"});
    {
        task_group group;
        group.spawn(load_into(read, name));
        group.spawn(save_from(written, in / "saved.txt"));
        for (int i = 0; i < turns; ++i) co_await yield();
        if (!destroyed) {
            group.cancel();
            auto joined = co_await (group.join() | as_result);
            (void)joined;
        }
    }
    EXPECT_TRUE(read.size() == 0 || read.size() == 2) << turns;
    co_await testing::settle();
    for (const auto& entry : std::filesystem::directory_iterator(in.string())) {
        const std::string left = entry.path().filename().string();
        EXPECT_TRUE(left == "cookies.txt" || left == "saved.txt") << left;
    }
    if (std::filesystem::exists(in / "saved.txt")) {
        EXPECT_THAT(content_of(in / "saved.txt"), HasSubstr("new"));
    }
}
TEST(http_cookies, loading_and_saving_may_be_given_up_at_any_moment) {
    for (int turns : {0, 1, 2, 3, 5, 8, 20})
        for (bool destroyed : {false, true}) in_loop(given_up(turns, destroyed));
}

// ---- the client

reply with_cookies(const seen_request& request) {
    if (request.target() == "/login") return {"HTTP/1.1 302 Found\r\nLocation: /home\r\nSet-Cookie: id=42; Path=/\r\nSet-Cookie: theme=dark\r\nContent-Length: 0\r\n\r\n"};
    return {ok(request.field("Cookie"))};
}

task<> used_by_the_client() {
    scripted_server server(with_cookies);
    co_await server.start();
    http::cookie_jar jar;
    http::client http({.cookies = &jar});
    auto response = co_await http.get(server.url("/login"));
    auto text = co_await response.text();
    EXPECT_EQ(text, "id=42; theme=dark");
    const http::headers own{{"Cookie", "mine=1"}};
    auto second = co_await http.get(server.url("/home"), {.headers = &own});
    auto seen = co_await second.text();
    EXPECT_EQ(seen, "mine=1");
    http::client without;
    auto third = co_await without.get(server.url("/home"));
    auto none = co_await third.text();
    EXPECT_EQ(none, "");
}
TEST(http_cookies, set_on_a_redirect_are_used_by_the_next_hop) { in_loop(used_by_the_client()); }

task<> shared_with_curl() {
    temporary_directory in;
    scripted_server server(with_cookies);
    co_await server.start();
    const std::string theirs = in / "curl.txt", ours = in / "ours.txt", url = server.url("/login"), home = server.url("/home");
    const std::vector<std::string> save{"/usr/bin/curl", "-s", "-o", "/dev/null", "--noproxy", "*", "-c", theirs, url};
    auto saved = co_await run_process(save);
    EXPECT_EQ(saved.error_output, "");
    http::cookie_jar jar;
    auto count = co_await jar.load(path{theirs});
    EXPECT_EQ(count, 2u);
    jar.set({.name = "ours", .value = "yes", .domain = "127.0.0.1"});
    co_await jar.save(path{ours});
    const std::vector<std::string> send{"/usr/bin/curl", "-s", "--noproxy", "*", "-b", ours, home};
    auto sent = co_await run_process(send);
    EXPECT_THAT(sent.output, HasSubstr("id=42"));
    EXPECT_THAT(sent.output, HasSubstr("ours=yes"));
}
TEST(http_cookies, are_exchanged_with_curl) { in_loop(shared_with_curl()); }

}  // namespace
}  // namespace leat
