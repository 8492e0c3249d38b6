#include "http/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/request_writer.hpp"
#include "leat/http/content.hpp"
#include "support/real_server.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

namespace leat {
namespace {

using detail::auth_challenge;
using detail::digest_challenge;
using testing::failure_of;
using testing::in_loop;
using testing::moved;
using testing::ok;
using testing::put;
using testing::reply;
using testing::scripted_server;
using testing::seen_request;
using testing::temporary_directory;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using scheme = http::credentials::scheme;

std::vector<auth_challenge> challenges(std::string_view field) {
    std::vector<auth_challenge> found;
    detail::parse_challenges(field, found);
    return found;
}

std::string shown_as_text(const std::vector<auth_challenge>& all) {
    std::string text;
    for (const auto& each : all) {
        text += "<" + each.scheme;
        if (!each.token68.empty()) text += " " + each.token68;
        for (const auto& [name, value] : each.parameters) text += " " + name + "=" + value;
        text += ">";
    }
    return text;
}

// ---- challenges

TEST(http_credentials, reads_one_challenge_and_several_in_a_field) {
    const struct {
        const char *field, *read;
    } cases[] = {
        {"Basic realm=\"simple\"", "<basic realm=simple>"},
        {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"", "<newauth realm=apps type=1 title=Login to \"apps\"><basic realm=simple>"},
        {"Negotiate", "<negotiate>"},
        {"Negotiate, Basic realm=x", "<negotiate><basic realm=x>"},
        {"Negotiate YWJj==, Basic realm=x", "<negotiate YWJj==><basic realm=x>"},
        {"Negotiate YWJj=", "<negotiate YWJj=>"},
        {" , ,Basic  realm = \"a, b\" , charset=UTF-8 ,", "<basic realm=a, b charset=UTF-8>"},
        {"Digest qop=\"auth,auth-int\",nonce=\"x\",Digest nonce=y", "<digest qop=auth,auth-int nonce=x><digest nonce=y>"},
        {"Basic realm=\"endless", ""},
        {"Basic realm=x, @", "<basic realm=x>"},
        {"", ""},
        {"\"", ""},
    };
    for (const auto& each : cases) EXPECT_EQ(shown_as_text(challenges(each.field)), each.read) << each.field;
}

// ---- digest

std::string answer(std::string_view field, std::string_view password, std::string_view own_nonce, std::uint32_t count = 1, std::string_view user = "Mufasa") {
    const auto made = digest_challenge::from(challenges(field).at(0));
    return made ? detail::digest_answer(*made, user, password, "GET", "/dir/index.html", count, own_nonce) : "none";
}

TEST(http_credentials, answers_as_the_rfcs_do) {
    // RFC 7616 3.9.1
    const std::string common =
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
        "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", algorithm=";
    const std::string own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    EXPECT_THAT(answer(common + "MD5", "Circle of Life", own), HasSubstr("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
    EXPECT_THAT(answer(common + "SHA-256", "Circle of Life", own), HasSubstr("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
    // RFC 2617 3.5
    const std::string old = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    EXPECT_EQ(answer(old, "Circle Of Life", "0a4f113b"),
              "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, nc=00000001, "
              "cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"");
    // RFC 2069, without qop (its erratum)
    EXPECT_THAT(answer("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"", "CircleOfLife", ""),
                HasSubstr("response=\"1949323746fe6a43ef61f9606e7febea\""));
}

TEST(http_credentials, answers_with_sha_512_256) {
    // The case of RFC 7616 3.9.2, whose own figures are of SHA-512 cut short; these are Python's hashlib's.
    const auto made = digest_challenge::from(challenges("Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", "
                                                        "opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true").at(0));
    ASSERT_TRUE(made);
    const std::string shown = detail::digest_answer(*made, "J\xc3\xa4s\xc3\xb8n Doe", "Secret, or not?", "GET", "/doe.json", 1, "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm");
    EXPECT_THAT(shown, HasSubstr("username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\""));
    EXPECT_THAT(shown, HasSubstr("response=\"7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c\""));
    EXPECT_THAT(shown, HasSubstr("algorithm=SHA-512-256, qop=auth,"));
}

TEST(http_credentials, covers_the_body_where_the_server_wants_that) {
    const auto field = "Digest realm=r, nonce=n, qop=auth-int, algorithm=SHA-256, Basic realm=r";
    const auto made = digest_challenge::from(challenges(field).at(0));
    ASSERT_TRUE(made);
    // printf of each part into sha256sum
    EXPECT_EQ(detail::digest_answer(*made, "me", "pw", "POST", "/x", 1, "c", "the body"), 
              "Digest username=\"me\", realm=\"r\", nonce=\"n\", uri=\"/x\", algorithm=SHA-256, qop=auth-int, nc=00000001, cnonce=\"c\", "
              "response=\"55e3c39b75e4736d65d44b271ce7e705795704234a55755c389de8eea1d8ffb4\"");
    EXPECT_THAT(answer("Digest realm=r, nonce=n, qop=\"auth-int, auth\"", "p", "c"), HasSubstr("qop=auth,"));
    detail::authenticator knows;
    const detail::login who{"me", "pw"};
    EXPECT_TRUE(knows.asked(challenges(field), who, "", false));
    EXPECT_THAT(knows.show(who, "POST", "/x", false, "the body"), HasSubstr("qop=auth-int"));
    // A body that is read as it is sent is not known before.
    EXPECT_EQ(knows.show(who, "POST", "/x", false, std::nullopt), "");
    EXPECT_FALSE(knows.asked(challenges("Digest realm=r, nonce=n, qop=auth-int"), who, "", false, false));
    EXPECT_TRUE(knows.asked(challenges(field), who, "", false, false));
    EXPECT_EQ(knows.show(who, "POST", "/x", false, std::nullopt), http::basic_authorization("me", "pw"));
}

TEST(http_credentials, shown_to_one_realm_are_not_wrong_for_another) {
    detail::authenticator knows;
    const detail::login who{"me", "pw"};
    EXPECT_TRUE(knows.asked(challenges("Digest realm=one, nonce=1, qop=auth"), who, "", false));
    // Another request was asked by the other realm meanwhile.
    EXPECT_TRUE(knows.asked(challenges("Digest realm=two, nonce=2, qop=auth"), who, "", false));
    const std::string shown = knows.show(who, "GET", "/", false);
    EXPECT_TRUE(knows.asked(challenges("Digest realm=one, nonce=3, qop=auth"), who, shown, true));
    EXPECT_FALSE(knows.asked(challenges("Digest realm=one, nonce=4, qop=auth"), who, knows.show(who, "GET", "/", false), true));
}

TEST(http_credentials, says_what_was_offered) {
    EXPECT_THAT(answer("Digest realm=r, nonce=n, qop=auth, algorithm=SHA-256-sess", "p", "c", 255), HasSubstr("algorithm=SHA-256-sess, qop=auth, nc=000000ff"));
    EXPECT_THAT(answer("Digest realm=r, nonce=n, qop=auth, charset=UTF-8", "p", "c", 1, "J\xc3\xa4s\xc3\xb8n"), HasSubstr("username*=UTF-8''J%C3%A4s%C3%B8n"));
    EXPECT_THAT(answer("Digest realm=r, nonce=n, qop=auth, userhash=true, algorithm=MD5", "p", "c"), HasSubstr("userhash=true"));
    EXPECT_THAT(answer("Digest realm=\"a \\\"b\\\"\", nonce=n", "p", "c"), HasSubstr("realm=\"a \\\"b\\\"\""));
}

TEST(http_credentials, passes_over_digests_that_it_cannot_answer) {
    for (auto field : {"Digest realm=r", "Digest nonce=n, algorithm=SHA-512", "Digest nonce=n, qop=auth-conf", "Digest nonce=n, algorithm=MD5-sess", "Basic nonce=n"})
        EXPECT_EQ(answer(field, "p", "c"), "none") << field;
}

TEST(http_credentials, shows_itself_as_the_scheme_says) {
    detail::authenticator fresh;
    detail::login who{"me", "pw"};
    const std::string basic = http::basic_authorization("me", "pw");
    EXPECT_EQ(fresh.show(who, "GET", "/", false), "");
    EXPECT_EQ(fresh.show(who, "GET", "/", true), basic);
    EXPECT_FALSE(fresh.asked(challenges("Negotiate"), who, "", false));
    EXPECT_TRUE(fresh.asked(challenges("Basic realm=x"), who, "", false));
    EXPECT_EQ(fresh.show(who, "GET", "/", false), basic);
    EXPECT_FALSE(fresh.asked(challenges("Basic realm=x"), who, basic, true));
    // The best that is offered; a wrong password is not tried again, a nonce that is too old is.
    EXPECT_TRUE(fresh.asked(challenges("Basic realm=x, Digest realm=x, nonce=1, qop=auth, Digest realm=x, nonce=2, qop=auth, algorithm=SHA-256"), who, basic, false));
    const std::string first = fresh.show(who, "GET", "/", true);
    EXPECT_THAT(first, HasSubstr("algorithm=SHA-256"));
    EXPECT_THAT(first, HasSubstr("nc=00000001"));
    EXPECT_THAT(fresh.show(who, "GET", "/", true), HasSubstr("nc=00000002"));
    EXPECT_FALSE(fresh.asked(challenges("Digest realm=x, nonce=3, qop=auth"), who, first, true));
    EXPECT_TRUE(fresh.asked(challenges("Digest realm=x, nonce=3, qop=auth, stale=TRUE"), who, first, true));
    who.how = scheme::bearer;
    EXPECT_EQ(fresh.show(who, "GET", "/", false), "Bearer pw");
    who.how = scheme::digest;
    EXPECT_FALSE(fresh.asked(challenges("Basic realm=x"), who, "", false));
}

// ---- the client

reply with_digest(const seen_request& request) {
    const std::string shown = request.field("Authorization");
    if (request.target() == "/stale" && shown.find("nonce=\"n2\"") == std::string::npos)
        return {"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Digest realm=\"x\", qop=\"auth\", nonce=\"n2\", stale=true\r\nContent-Length: 3\r\n\r\nwho"};
    if (shown.empty() || request.target() == "/never")
        return {"HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=\"x\", qop=\"auth\", nonce=\"n1\", Basic realm=\"x\"\r\nContent-Length: 3\r\n\r\nwho"};
    return {ok(shown)};
}

task<> digest_of_a_client() {
    scripted_server server(with_digest);
    co_await server.start();
    http::client http({.credentials = {.user = "me", .password = "pw"}});
    auto first = co_await http.get(server.url("/a?b=c"));
    auto shown = co_await first.text();
    EXPECT_THAT(shown, HasSubstr("nonce=\"n1\", uri=\"/a?b=c\""));
    EXPECT_EQ(server.requests.size(), 2u);
    EXPECT_EQ(server.requests[0].field("Authorization"), "");
    auto second = co_await http.get(server.url("/b"));
    auto counted = co_await second.text();
    EXPECT_THAT(counted, HasSubstr("nc=00000002"));
    EXPECT_EQ(server.requests.size(), 3u);
    auto third = co_await http.get(server.url("/stale"));
    auto renewed = co_await third.text();
    EXPECT_THAT(renewed, HasSubstr("nonce=\"n2\""));
    EXPECT_EQ(server.requests.size(), 5u);
    auto refused = co_await http.get(server.url("/never"));
    EXPECT_EQ(refused.status(), 401);
    EXPECT_EQ(server.requests.size(), 7u);
    EXPECT_EQ(server.connections, 1u);  // the bodies of the challenges were read
}
TEST(http_credentials, answers_a_digest_and_uses_its_nonce_again) { in_loop(digest_of_a_client()); }

/// Each path has a realm and a nonce of its own.
reply with_realms(const seen_request& request) {
    const std::string shown = request.field("Authorization"), target = request.target();
    if (shown.find("realm=\"" + target + "\"") == std::string::npos)
        return {"HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=\"" + target + "\", qop=\"auth\", nonce=\"n\"\r\nContent-Length: 0\r\n\r\n"};
    if (target == "/first") return {moved(302, "/second")};
    return {ok("there")};
}

task<> redirected_to_another_realm() {
    scripted_server server(with_realms);
    co_await server.start();
    http::client http({.credentials = {.user = "me", .password = "pw"}});
    auto response = co_await http.get(server.url("/first"));
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(server.requests.size(), 4u);
}
TEST(http_credentials, answer_the_challenge_of_the_place_that_a_redirect_leads_to) { in_loop(redirected_to_another_realm()); }

task<> body_under_a_digest() {
    scripted_server server([](const seen_request& request) -> reply {
        if (request.field("Authorization").empty())
            return {"HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=r, nonce=n, algorithm=SHA-256, qop=auth-int\r\nContent-Length: 0\r\n\r\n"};
        return {ok(request.body + " " + request.field("Authorization"))};
    });
    co_await server.start();
    http::client http({.credentials = {.user = "me", .password = "pw"}});
    auto response = co_await http.request("POST", server.url("/"), {.body = "the body"});
    auto text = co_await response.text();
    const auto shown = challenges(std::string_view{text}.substr(9)).at(0);
    const auto cnonce = shown.get("cnonce").value_or("");
    const auto made = digest_challenge::from(challenges("Digest realm=r, nonce=n, algorithm=SHA-256, qop=auth-int").at(0));
    EXPECT_EQ(text, "the body " + detail::digest_answer(*made, "me", "pw", "POST", "/", 1, cnonce, "the body"));
}
TEST(http_credentials, cover_the_body_that_the_client_sends) { in_loop(body_under_a_digest()); }

task<> user_in_the_url() {
    scripted_server server([](const seen_request& request) -> reply { return {ok(request.field("Authorization"))}; });
    co_await server.start();
    const std::string host = "@127.0.0.1:" + std::to_string(server.port()) + "/";
    http::client http({.credentials = {.user = "me", .password = "pw", .how = scheme::basic}});
    auto token = co_await http.get("http://:t0ken" + host);
    auto shown = co_await token.text();
    EXPECT_EQ(shown, http::basic_authorization("", "t0ken"));
    auto named = co_await http.get("http://you" + host);
    auto name_alone = co_await named.text();
    EXPECT_EQ(name_alone, http::basic_authorization("you", ""));
    auto empty = co_await http.get("http://" + host);
    auto clients = co_await empty.text();
    EXPECT_EQ(clients, http::basic_authorization("me", "pw"));
}
TEST(http_credentials, in_a_url_may_be_a_password_alone) { in_loop(user_in_the_url()); }

task<> schemes_of_a_client() {
    scripted_server server([](const seen_request& request) -> reply { return {ok(request.field("Authorization"))}; });
    co_await server.start();
    http::client http;
    auto bearer = co_await http.get(server.url("/"), {.credentials = {.password = "t0ken", .how = scheme::bearer}});
    auto token = co_await bearer.text();
    EXPECT_EQ(token, "Bearer t0ken");
    auto basic = co_await http.get(server.url("/"), {.credentials = {.user = "me", .password = "pw", .how = scheme::basic}});
    auto plain = co_await basic.text();
    EXPECT_EQ(plain, http::basic_authorization("me", "pw"));
    auto automatic = co_await http.get(server.url("/"), {.credentials = {.user = "me", .password = "pw"}});
    auto nothing = co_await automatic.text();
    EXPECT_EQ(nothing, "");
    const http::headers own{{"Authorization", "Mine"}};
    auto callers = co_await http.get(server.url("/"), {.headers = &own, .credentials = {.user = "me", .password = "pw", .how = scheme::basic}});
    auto mine = co_await callers.text();
    EXPECT_EQ(mine, "Mine");
}
TEST(http_credentials, are_shown_as_the_request_says) { in_loop(schemes_of_a_client()); }

task<> redirected_elsewhere() {
    scripted_server other([](const seen_request& request) -> reply { return {ok(request.field("Authorization"))}; });
    co_await other.start();
    std::string away;
    scripted_server server([&away](const seen_request& request) -> reply {
        if (request.target() == "/away") return {moved(302, away)};
        if (request.target() == "/near") return {moved(302, "/here")};
        return {ok(request.field("Authorization"))};
    });
    co_await server.start();
    away = other.url("/");
    http::client http({.credentials = {.user = "me", .password = "pw", .how = scheme::basic}});
    auto left = co_await http.get(server.url("/away"));
    auto nothing = co_await left.text();
    EXPECT_EQ(nothing, "");
    auto stayed = co_await http.get(server.url("/near"));
    auto shown = co_await stayed.text();
    EXPECT_EQ(shown, http::basic_authorization("me", "pw"));
    // The URL that leads there may have some of its own.
    away = "http://you:there@127.0.0.1:" + std::to_string(other.port()) + "/";
    auto with_own = co_await http.get(server.url("/away"));
    auto theirs = co_await with_own.text();
    EXPECT_EQ(theirs, http::basic_authorization("you", "there"));
}
TEST(http_credentials, do_not_follow_a_redirect_to_another_origin) { in_loop(redirected_elsewhere()); }

class once final : public http::content {
public:
    std::optional<std::uint64_t> size() const override { return 0; }
    task<std::optional<std::string_view>> read() override { co_return std::nullopt; }
    bool rewind() override { return false; }
};

task<> body_that_cannot_be_read_again() {
    scripted_server server([](const seen_request&) -> reply { return {moved(307, "/there")}; });
    co_await server.start();
    http::client http;
    once body;
    auto failed = co_await failure_of<http::redirect_error>(http.request("PUT", server.url("/"), {.content = &body}));
    EXPECT_THAT(failed, HasSubstr("cannot be read a second time"));
}
TEST(http_credentials, a_redirect_fails_where_the_body_cannot_be_read_again) { in_loop(body_that_cannot_be_read_again()); }

// ---- real servers

task<> with_apache() {
    if (!testing::is_installed("/usr/sbin/apache2")) co_return;
    temporary_directory in;
    const auto port = testing::free_port();
    std::filesystem::create_directories(in / "www/digest");
    std::filesystem::create_directories(in / "www/basic");
    std::filesystem::permissions(in.string(), std::filesystem::perms{0755});
    put(in / "www/digest/index.html", "digested");
    put(in / "www/basic/index.html", "basically");
    put(in / "digest", "me:room:3fe0f63377d6fcea64047f34877ca191\n");
    put(in / "basic", "me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    std::string text;
    for (std::string module : {"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "auth_digest", "dir"})
        text += "LoadModule " + module + "_module /usr/lib/apache2/modules/mod_" + module + ".so\n";
    text += "ServerName localhost\nServerRoot " + in.string() + "\nListen 127.0.0.1:" + std::to_string(port) + "\nPidFile pid\nErrorLog log\nDocumentRoot www\nDirectoryIndex index.html\n";
    if (::getuid() == 0) text += "User www-data\nGroup www-data\n";
    text += "<Location /digest>\nAuthType Digest\nAuthName room\nAuthDigestProvider file\nAuthUserFile digest\nRequire valid-user\n</Location>\n";
    text += "<Location /basic>\nAuthType Basic\nAuthName room\nAuthBasicProvider file\nAuthUserFile basic\nRequire valid-user\n</Location>\n";
    put(in / "conf", text);
    testing::real_server apache({"/usr/sbin/apache2", "-D", "FOREGROUND", "-f", in / "conf"}, port);
    co_await apache.ready();
    const std::string root = "http://127.0.0.1:" + std::to_string(port);
    http::client http({.credentials = {.user = "me", .password = "secret"}});
    for (int turn = 0; turn < 3; ++turn) {
        auto digested = co_await http.get(root + "/digest/");
        EXPECT_EQ(digested.status(), 200);
        auto first = co_await digested.text();
        EXPECT_EQ(first, "digested");
        auto basically = co_await http.get(root + "/basic/");
        EXPECT_EQ(basically.status(), 200);
        auto second = co_await basically.text();
        EXPECT_EQ(second, "basically");
    }
    http::client wrong({.credentials = {.user = "me", .password = "wrong"}});
    auto refused = co_await wrong.get(root + "/digest/");
    EXPECT_EQ(refused.status(), 401);
}
TEST(http_credentials, are_accepted_by_apache) { in_loop(with_apache()); }

}  // namespace
}  // namespace leat
