#include <filesystem>
#include <fstream>

#include "tls_pair.hpp"

using namespace std::chrono_literals;
using leat::testing::in_loop;

namespace leat::tls_test {
namespace {

std::string making(tls::server_options options) { return in_loop(outcome_of(tls::context::server(options))); }

TEST(TlsContext, SaysWhichFileIsMissing) {
    EXPECT_EQ(making({}), "tls: tls: a server needs a certificate, and none was given");
    EXPECT_EQ(making({.certificate = "/nonexistent/chain.pem"}), "tls: tls: no certificate from /nonexistent/chain.pem: No such file or directory");
    EXPECT_EQ(making({.certificate = files().good, .key = "/nonexistent/key.pem"}), "tls: tls: no key from /nonexistent/key.pem: No such file or directory");
    EXPECT_EQ(making({.certificate = files().good, .key = files().key, .client_certificates = tls::client_certificates::required}),
              "tls: tls: client certificates are asked for, and no client_ca_file says whose are good");
    EXPECT_EQ(making({.certificate = files().good, .key = files().key, .client_certificates = tls::client_certificates::required, .client_ca_file = "/nonexistent"}),
              "tls: tls: no certificates from /nonexistent: No such file or directory");
}

TEST(TlsContext, SaysWhichFileIsNotPem) {
    std::ofstream(files().path("junk")) << "this is no certificate\n";
    const std::string junk = files().path("junk");
    EXPECT_EQ(making({.certificate = junk}), "tls: tls: no certificate from " + junk + ": it holds none in PEM form");
    EXPECT_EQ(making({.certificate = files().good, .key = junk}), "tls: tls: no key from " + junk + ": it holds none in PEM form");
    EXPECT_EQ(making({.certificate = files().good}), "tls: tls: no key from " + files().good + ": it holds none in PEM form");
}

TEST(TlsContext, SaysThatAKeyIsAnotherCertificates) {
    EXPECT_EQ(making({.certificate = files().good, .key = files().other_key}),
              "tls: tls: the key in " + files().other_key + " is not that of the certificate in " + files().good);
}

TEST(TlsContext, SaysThatAKeyHasAPasswordAndDoesNotAskForIt) {
    EXPECT_EQ(making({.certificate = files().good, .key = files().locked_key}), "tls: tls: no key from " + files().locked_key + ": it is encrypted with a password");
}

TEST(TlsContext, TakesTheKeyFromTheCertificatesFile) { EXPECT_EQ(making({.certificate = files().both}), ""); }

TEST(TlsContext, RefusesProtocolsWithoutAName) {
    const std::string_view names[] = {"h2", ""};
    EXPECT_THROW(in_loop(tls::context::server({.certificate = files().both, .alpn = names})), tls::error);
}

TEST(TlsContext, WarnsOfACertificateThatHasExpired) {
    listening_to_the_log log;
    EXPECT_EQ(making({.certificate = files().expired, .key = files().key}), "");
    EXPECT_TRUE(has(log.take(), "the certificate in " + files().expired + " has expired"));
}

task<> in_the_wrong_role(std::vector<std::string>& outcomes) {
    const auto server = co_await tls::context::server(serving());
    const auto client = co_await tls::context::client(trusting());
    EXPECT_TRUE(server.is_server());
    EXPECT_FALSE(client.is_server());
    try {
        co_await open_connection({"127.0.0.1", 9}, {.tls = &server});
    } catch (const tls::error& e) {
        outcomes.push_back(e.what());
    }
    try {
        co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &client});
    } catch (const tls::error& e) {
        outcomes.push_back(e.what());
    }
}

TEST(TlsContext, IsForOneSideOnly) {
    std::vector<std::string> outcomes;
    in_loop(in_the_wrong_role(outcomes));
    EXPECT_EQ(outcomes, (std::vector<std::string>{"tls: a client needs a client's context, and this is a server's",
                                                  "tls: a server needs a server's context, and this is a client's"}));
}

task<> outlived_context() {
    std::optional<server> kept;
    {
        const auto context = co_await tls::context::server(serving());
        auto starting = start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
        kept.emplace(co_await std::move(starting));
    }
    std::optional<task<connection>> opening;
    {
        const std::string name = "localhost";
        const auto context = co_await tls::context::client(trusting());
        opening.emplace(open_connection({"127.0.0.1", kept->address().port()}, {.tls = &context, .server_name = name}));
    }
    auto [reader, writer] = co_await std::move(*opening);
    co_await writer.write("hello\n");
    auto line = co_await reader.read_line();
    EXPECT_EQ(line.value_or(""), "hello\n");
    co_await writer.close();
}

TEST(TlsContext, LivesAsLongAsWhatWasStartedWithIt) { in_loop(outlived_context()); }

// ---- the choice among several certificates

std::string first_name(const tls::session& session) { return session.peer_names.empty() ? "" : session.peer_names.front(); }

task<> ask_for_names(std::vector<std::string>& shown, witness& server_side) {
    const tls::certificate_files more[] = {{files().wildcard, files().key}, {files().exact, files().key}, {files().elsewhere, files().key}};
    const auto context = co_await tls::context::server({.certificate = files().good, .key = files().key, .certificates = more});
    const auto trust = co_await tls::context::client(trusting());
    auto echo = [&server_side](stream_reader reader, stream_writer writer) { return server_side.echo(std::move(reader), std::move(writer)); };
    auto server = co_await start_server(echo, {"127.0.0.1", 0}, {.tls = &context});
    for (const char* name : {"localhost", "elsewhere.example", "a.example.org", "WWW.Example.org", "exact.example.org", "a.b.example.org", "example.org",
                             "unknown.example", "127.0.0.1"}) {
        auto opened = co_await (exchange(server.address().port(), trust, name) | as_result);
        if (opened) {
            shown.push_back(first_name(*opened));
            continue;
        }
        // One that is for others: the error says for whom.
        const std::string text = text_of(opened.error().exception());
        const std::size_t names = text.find("but for ") + 8;
        shown.push_back("not " + text.substr(names, text.find(',', names) - names));
    }
}

TEST(TlsContext, ShowsTheCertificateThatIsForTheNameAskedFor) {
    std::vector<std::string> shown;
    witness server_side;
    in_loop(ask_for_names(shown, server_side));
    EXPECT_EQ(shown, (std::vector<std::string>{"localhost", "elsewhere.example", "*.example.org", "www.example.org", "*.example.org",
                                               "not localhost",  // a star is one label
                                               "not localhost", "not localhost", "localhost"}));
    ASSERT_EQ(server_side.sessions.size(), 6u);
    EXPECT_EQ(server_side.sessions[3].server_name, "WWW.Example.org");
    EXPECT_EQ(server_side.sessions[5].server_name, "") << "a numeric address is not sent";
}

// ---- reading the files again

task<> reload_with_open_connections(std::string& before, std::string& after, std::string& failed, std::string& later) {
    const std::string chain = files().path("served.pem"), key = files().path("served.key");
    std::filesystem::copy_file(files().good, chain, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(files().key, key, std::filesystem::copy_options::overwrite_existing);
    const auto context = co_await tls::context::server({.certificate = chain, .key = key});
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    const std::uint16_t port = server.address().port();
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port}, {.tls = &trust});
    before = tls::session_of(reader)->peer_fingerprint;

    std::filesystem::copy_file(files().renewed, chain, std::filesystem::copy_options::overwrite_existing);
    co_await context.reload();
    const auto renewed = co_await exchange(port, trust);
    after = renewed.peer_fingerprint;

    std::filesystem::copy_file(files().other_key, key, std::filesystem::copy_options::overwrite_existing);
    failed = co_await outcome_of(context.reload());
    const auto same = co_await exchange(port, trust);
    later = same.peer_fingerprint;

    co_await writer.write("still here\n");
    auto line = co_await reader.read_line();
    EXPECT_EQ(line.value_or(""), "still here\n");
    co_await writer.close();
}

TEST(TlsContext, ReadsItsFilesAgainWhileConnectionsAreOpen) {
    std::string before, after, failed, later;
    in_loop(reload_with_open_connections(before, after, failed, later));
    EXPECT_EQ(before.size(), 64u);
    EXPECT_EQ(after.size(), 64u);
    EXPECT_NE(before, after);
    EXPECT_EQ(later, after) << "a reload that fails changes nothing";
    EXPECT_TRUE(has(failed, "the key in " + files().path("served.key") + " is not that of the certificate in")) << failed;
}

task<> reload_a_client(std::vector<std::string>& outcomes) {
    const std::string trusted = files().path("trusted.pem");
    std::filesystem::copy_file(files().stranger, trusted, std::filesystem::copy_options::overwrite_existing);
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client({.ca_file = trusted});
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    outcomes.push_back(co_await outcome_of(exchange(server.address().port(), trust)));
    std::filesystem::copy_file(files().authority, trusted, std::filesystem::copy_options::overwrite_existing);
    co_await trust.reload();
    outcomes.push_back(co_await outcome_of(exchange(server.address().port(), trust)));
}

TEST(TlsContext, ReadsAClientsTrustAgain) {
    std::vector<std::string> outcomes;
    in_loop(reload_a_client(outcomes));
    ASSERT_EQ(outcomes.size(), 2u);
    EXPECT_TRUE(has(outcomes[0], "the certificate's issuer is unknown (leat test authority)")) << outcomes[0];
    EXPECT_EQ(outcomes[1], "");
}

// ---- cancellation

task<> cancelled_making(std::vector<std::string>& outcomes) {
    for (int delay = 0; delay < 20; ++delay)
        outcomes.push_back(co_await outcome_of([](int microseconds) -> task<> {
            const auto context = co_await timeout(std::chrono::microseconds(microseconds * 50), tls::context::server(serving()));
            co_await timeout(std::chrono::microseconds(microseconds * 50), context.reload());
        }(delay)));
}

TEST(TlsContext, MakingAndReloadingCanBeCancelled) {
    std::vector<std::string> outcomes;
    in_loop(cancelled_making(outcomes));
    for (const std::string& outcome : outcomes) EXPECT_TRUE(outcome.empty() || outcome.starts_with("timeout: ")) << outcome;
}

}  // namespace
}  // namespace leat::tls_test
