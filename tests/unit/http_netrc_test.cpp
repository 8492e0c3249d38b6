#include "http/netrc.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/request_writer.hpp"
#include "leat/http/client.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using testing::failure_of;
using testing::in_loop;
using testing::ok;
using testing::put;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::temporary_directory;
using ::testing::HasSubstr;
using detail::netrc;

TEST(http_netrc, reads_hosts_defaults_macros_quotes_and_comments) {
    const auto file = netrc::parse(
        "# all of it\n"
        "machine Example.org login me password secret # and more\n"
        "machine other.org\n\tlogin \"two words\"\n\tpassword \"a\\\"b\\\\c\"\n\taccount x\n"
        "macdef init\nmachine in.macro login no password no\n\n"
        "machine twice.org login first password 1 machine twice.org login second password 2\n"
        "default login anonymous password me@");
    ASSERT_EQ(file.entries().size(), 5u);
    EXPECT_EQ(file.find("example.ORG")->login, "me");
    EXPECT_EQ(file.find("example.org")->password, "secret");
    EXPECT_EQ(file.find("other.org")->login, "two words");
    EXPECT_EQ(file.find("other.org")->password, "a\"b\\c");
    EXPECT_EQ(file.find("in.macro")->login, "anonymous");
    EXPECT_EQ(file.find("twice.org")->password, "1");
    EXPECT_EQ(file.find("twice.org", "second")->password, "2");
    EXPECT_EQ(file.find("twice.org", "third"), nullptr);
}

TEST(http_netrc, a_quote_that_does_not_end_takes_nothing_from_the_next_line) {
    const auto file = netrc::parse("machine a.org login me password \"abc\nmachine b.org login you password \"d e\"\nmachine c.org login x password \"\\\n");
    ASSERT_EQ(file.entries().size(), 3u);
    EXPECT_EQ(file.find("a.org")->password, "\"abc");
    EXPECT_EQ(file.find("b.org")->password, "d e");
    EXPECT_EQ(file.find("c.org")->password, "\"\\");
}

TEST(http_netrc, takes_anything_for_text) {
    for (std::string_view text : {"", "machine", "machine x login", "login a", "password", "macdef", "macdef x", "\"", "machine \"x", "default", "#", "\\"})
        EXPECT_LE(netrc::parse(text).entries().size(), 1u) << text;
    EXPECT_EQ(netrc::parse("machine a login b").find("c"), nullptr);
}

task<> used_by_the_client() {
    temporary_directory in;
    scripted_server server([](const seen_request& request) -> reply {
        if (request.field("Authorization").empty()) return {"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"};
        return {ok(request.field("Authorization"))};
    });
    co_await server.start();
    put(in / "netrc", "machine 127.0.0.1 login me password secret\n");
    const std::string name = in / "netrc";
    http::client http({.netrc = name});
    auto response = co_await http.get(server.url("/"));
    auto shown = co_await response.text();
    EXPECT_EQ(shown, http::basic_authorization("me", "secret"));
    EXPECT_EQ(server.requests.size(), 2u);
    auto again = co_await http.get(server.url("/b"));
    auto at_once = co_await again.text();
    EXPECT_EQ(at_once, shown);
    EXPECT_EQ(server.requests.size(), 3u);  // now it is known what the server wants
    // A request's own go before it.
    auto own = co_await http.get(server.url("/c"), {.credentials = {.user = "you", .password = "p"}});
    auto others = co_await own.text();
    EXPECT_EQ(others, http::basic_authorization("you", "p"));

    const std::string missing = in / "missing";
    http::client without({.netrc = missing});
    auto failed = co_await failure_of<error>(without.get(server.url("/")));
    EXPECT_THAT(failed, HasSubstr(missing));
}
TEST(http_netrc, gives_the_client_its_credentials) { in_loop(used_by_the_client()); }

}  // namespace
}  // namespace leat
