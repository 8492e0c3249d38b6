#include <gtest/gtest.h>

#include <cstdlib>

#include "leat/log/log.hpp"
#include "leat/task/run.hpp"
#include "leat/tls/connection.hpp"
#include "tls_support.hpp"

namespace leat::tls_test {
namespace {

const certificates& files() { return certificates::instance(); }

/// "" if the connection was accepted, else the error's text.
task<> try_to_open(endpoint to, tls::client_options options, std::string& outcome) {
    try {
        auto [reader, writer] = co_await tls::open_connection(to, options);
        co_await writer.close();
        outcome = "";
    } catch (const tls::certificate_error& e) {
        outcome = std::string{"certificate: "} + e.what();
    } catch (const tls::handshake_error& e) {
        outcome = std::string{"handshake: "} + e.what();
    } catch (const tls::error& e) {
        outcome = std::string{"tls: "} + e.what();
    }
}

std::string outcome_of(endpoint to, tls::client_options options) {
    std::string outcome = "nothing";
    run(try_to_open(to, options, outcome));
    return outcome;
}

task<> sessions(endpoint to, tls::client_options options, std::vector<tls::session>& seen, int count) {
    for (int i = 0; i < count; ++i) {
        auto [reader, writer] = co_await tls::open_connection(to, options);
        co_await writer.write("GET / HTTP/1.0\r\n\r\n");
        while (auto piece = co_await reader.read()) {}
        seen.push_back(tls::session_of(reader).value());
        co_await writer.close();
    }
}

TEST(TlsVerify, AcceptsAChainFromTheGivenFile) {
    peer server = peer::openssl(files().good);
    EXPECT_EQ(outcome_of({"localhost", server.port()}, {.ca_file = files().authority}), "");
}

TEST(TlsVerify, AcceptsAChainFromTheSystemsStore) {
    peer server = peer::openssl(files().good);
    ::setenv("SSL_CERT_FILE", files().authority.c_str(), 1);
    // A thread of its own would have its own store; here it is the first use without a ca_file that counts.
    const std::string outcome = outcome_of({"localhost", server.port()}, {});
    ::unsetenv("SSL_CERT_FILE");
    EXPECT_EQ(outcome, "");
}

TEST(TlsVerify, AcceptsTheVeryCertificateThatWasNamed) {
    peer server = peer::python("watch", files().stranger);
    EXPECT_EQ(outcome_of({"localhost", server.port()}, {.ca_file = files().stranger}), "");
}

TEST(TlsVerify, RefusesACertificateThatIsSignedByItself) {
    peer server = peer::openssl(files().stranger);
    const std::string outcome = outcome_of({"localhost", server.port()}, {.ca_file = files().authority});
    EXPECT_TRUE(outcome.starts_with("certificate: tls localhost:")) << outcome;
    EXPECT_NE(outcome.find("is signed by itself (localhost)"), std::string::npos) << outcome;
}

TEST(TlsVerify, RefusesAnotherHostsCertificateAndNamesBoth) {
    peer server = peer::openssl(files().elsewhere);
    const std::string outcome = outcome_of({"localhost", server.port()}, {.ca_file = files().authority});
    EXPECT_NE(outcome.find("is not for localhost, but for elsewhere.example"), std::string::npos) << outcome;
}

TEST(TlsVerify, VerifiesTheNameThatWasGivenInPlaceOfTheHost) {
    peer server = peer::openssl(files().elsewhere);
    EXPECT_EQ(outcome_of({"127.0.0.1", server.port()}, {.ca_file = files().authority, .server_name = "elsewhere.example"}), "");
    EXPECT_EQ(outcome_of({"127.0.0.1", server.port()}, {.ca_file = files().authority, .server_name = "elsewhere.example."}), "");
}

TEST(TlsVerify, RefusesAnExpiredCertificate) {
    peer server = peer::openssl(files().expired);
    const std::string outcome = outcome_of({"localhost", server.port()}, {.ca_file = files().authority});
    EXPECT_NE(outcome.find("the certificate has expired"), std::string::npos) << outcome;
}

TEST(TlsVerify, VerifiesNumericAddressesAsSuch) {
    peer four = peer::python("watch", files().good);
    EXPECT_EQ(outcome_of({"127.0.0.1", four.port()}, {.ca_file = files().authority}), "");
    const std::string outcome = outcome_of({"localhost", four.port()}, {.ca_file = files().authority, .server_name = "127.0.0.2"});
    EXPECT_NE(outcome.find("is not for 127.0.0.2"), std::string::npos) << outcome;
    peer six = peer::python("watch", files().good, "::1");
    EXPECT_EQ(outcome_of({"::1", six.port()}, {.ca_file = files().authority}), "");
    EXPECT_EQ(outcome_of({"[::1]", six.port()}, {.ca_file = files().authority}), "");
}

TEST(TlsVerify, InsecureTakesAnyCertificate) {
    peer server = peer::openssl(files().stranger);
    testing::internal::CaptureStderr();
    EXPECT_EQ(outcome_of({"localhost", server.port()}, {.insecure = true}), "");
    EXPECT_EQ(outcome_of({"localhost", server.port()}, {.insecure = true}), "");
    log::setup();  // waits for what was logged
    const std::string said = testing::internal::GetCapturedStderr();
    const auto first = said.find("not verified (insecure)");
    EXPECT_NE(first, std::string::npos) << said;
    EXPECT_EQ(said.find("not verified (insecure)", first + 1), std::string::npos) << said;
}

TEST(TlsVerify, SaysWhatIsWrongWithTheTrustedFile) {
    const std::string outcome = outcome_of({"localhost", 9}, {.ca_file = "/nonexistent/ca.pem"});
    EXPECT_EQ(outcome, "tls: tls: no certificates from /nonexistent/ca.pem: No such file or directory");
    EXPECT_TRUE(outcome_of({"localhost", 9}, {.ca_file = files().key}).starts_with("tls: tls: no certificates from")) << "a key is no certificate";
}

TEST(TlsVerify, TellsWhatWasAgreedOnAndResumesSessions) {
    peer server = peer::openssl(files().good, {"-alpn", "http/1.1"});
    const std::string_view offered[] = {"h2", "http/1.1"};
    std::vector<tls::session> seen;
    run(sessions({"localhost", server.port()}, {.ca_file = files().authority, .alpn = offered}, seen, 3));
    ASSERT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen[0].version, "TLSv1.3");
    EXPECT_EQ(seen[0].alpn, "http/1.1");
    EXPECT_FALSE(seen[0].resumed);
    EXPECT_TRUE(seen[1].resumed);
    EXPECT_TRUE(seen[2].resumed);
}

TEST(TlsVerify, SpeaksTls12AndResumesItsSessions) {
    peer server = peer::openssl(files().good, {"-tls1_2"});
    std::vector<tls::session> seen;
    run(sessions({"localhost", server.port()}, {.ca_file = files().authority}, seen, 2));
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].version, "TLSv1.2");
    EXPECT_TRUE(seen[1].resumed);
}

TEST(TlsVerify, KeepsToTheMinimumVersion) {
    peer server = peer::openssl(files().good, {"-tls1_2"});
    const std::string outcome = outcome_of({"localhost", server.port()}, {.ca_file = files().authority, .minimum = tls::version::tls_1_3});
    EXPECT_NE(outcome.find("handshake: tls localhost:"), std::string::npos) << outcome;
    EXPECT_NE(outcome.find("protocol version"), std::string::npos) << outcome;
}

}  // namespace
}  // namespace leat::tls_test
