#include <gtest/gtest.h>

#include "leat/task/gather.hpp"
#include "leat/task/run.hpp"
#include "leat/task/timeout.hpp"
#include "leat/tls/connection.hpp"
#include "tls/open.hpp"
#include "net/tcp_stream.hpp"
#include "tls_support.hpp"

using namespace std::chrono_literals;

namespace leat::tls_test {
namespace {

const certificates& files() { return certificates::instance(); }
tls::client_options trusting() { return {.ca_file = files().authority}; }

/// The error's text, with its kind in front.
template <class Body>
task<std::string> error_of(Body body) {
    try {
        co_await std::move(body);
    } catch (const tls::truncated_error& e) {
        co_return std::string{"truncated: "} + e.what();
    } catch (const tls::handshake_error& e) {
        co_return std::string{"handshake: "} + e.what();
    } catch (const timeout_error& e) {
        co_return std::string{"timeout: "} + e.what();
    } catch (const std::exception& e) {
        co_return std::string{"other: "} + e.what();
    }
    co_return "none";
}

task<> open_only(endpoint to, tls::client_options options) {
    auto opened = co_await tls::open_connection(to, options);
    co_await opened.writer.close();
}

task<> note(task<std::string> from, std::string& into) { into = co_await std::move(from); }

std::string opening(endpoint to, tls::client_options options) {
    std::string outcome;
    run(note(error_of(open_only(to, options)), outcome));
    return outcome;
}

// ---- bytes

task<> send_all(stream_writer& writer, const std::string& bytes, std::size_t piece) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) co_await writer.write(std::string_view{bytes}.substr(at, piece));
}

task<> receive_all(stream_reader& reader, std::size_t count, std::string& into) {
    while (into.size() < count) {
        auto piece = co_await reader.read();
        if (!piece) co_return;
        into += *piece;
    }
}

task<> send_and_receive(std::uint16_t port, const std::string& bytes, std::size_t piece, std::string& back, bool bulk) {
    detail::tls_client_settings settings{trusting()};
    detail::tcp_stream* opened = co_await detail::open_tls({"localhost", port}, settings);
    if (bulk) opened->expect_bulk(true);
    stream_reader reader{*opened};
    stream_writer writer{*opened};
    co_await gather(send_all(writer, bytes, piece), receive_all(reader, bytes.size(), back));
    co_await writer.close();
}

TEST(TlsStream, CarriesTwentyMegabytesBothWays) {
    peer server = peer::python("echo", files().good);
    const std::string bytes = noise(20'000'000);
    std::string back;
    EXPECT_EQ(run(send_and_receive(server.port(), bytes, 50'000, back, false)), 0);
    EXPECT_TRUE(back == bytes);
    EXPECT_EQ(server.line(), "closed");
}

TEST(TlsStream, CarriesBytesInPiecesOfEverySize) {
    peer server = peer::python("echo", files().good);
    const std::string bytes = noise(700'000);
    for (std::size_t piece : {std::size_t{1} << 10, std::size_t{16'384}, std::size_t{16'385}, std::size_t{700'000}}) {
        std::string back;
        EXPECT_EQ(run(send_and_receive(server.port(), bytes, piece, back, true)), 0);
        EXPECT_TRUE(back == bytes) << piece;
    }
}

task<> echo_lines(std::uint16_t port, int& good) {
    auto [reader, writer] = co_await tls::open_connection({"localhost", port}, trusting());
    for (int i = 0; i < 200; ++i) {
        const std::string line = "line " + std::to_string(i) + std::string(static_cast<std::size_t>(i * 7), 'x') + "\n";
        co_await writer.write(line);
        auto reply = co_await reader.read_line();
        if (reply == line) ++good;
    }
    co_await writer.write_eof();
    auto end = co_await reader.read_line();
    if (!end) ++good;
    co_await writer.close();
}

TEST(TlsStream, CarriesLinesAndAnEndOfItsOwn) {
    peer server = peer::python("echo", files().good);
    int good = 0;
    EXPECT_EQ(run(echo_lines(server.port(), good)), 0);
    EXPECT_EQ(good, 201);
    EXPECT_EQ(server.line(), "closed");
}

// ---- ends

task<> write_and_close(std::uint16_t port) {
    auto [reader, writer] = co_await tls::open_connection({"localhost", port}, trusting());
    co_await writer.write("all of it");
    co_await writer.close();
}

task<> write_and_drop(std::uint16_t port) {
    auto [reader, writer] = co_await tls::open_connection({"localhost", port}, trusting());
    co_await writer.write("some of it");
}

TEST(TlsStream, CloseSaysTheEndAndDroppingDoesNot) {
    peer server = peer::python("watch", files().good);
    EXPECT_EQ(run(write_and_close(server.port())), 0);
    EXPECT_EQ(server.line(), "closed");
    EXPECT_EQ(run(write_and_drop(server.port())), 0);
    EXPECT_EQ(server.line(), "broken off");
}

task<> read_to_the_end(std::uint16_t port, bool allow, std::string& lines, std::string& outcome) {
    tls::client_options options = trusting();
    options.allow_truncation = allow;
    auto [reader, writer] = co_await tls::open_connection({"localhost", port}, options);
    try {
        while (auto line = co_await reader.read_line()) lines += *line;
    } catch (const tls::truncated_error& e) {
        outcome = e.what();
        lines += "|";
        lines += reader.buffered();
    }
    co_await writer.close();
}

TEST(TlsStream, AnEndWithoutCloseNotifyIsAnErrorThatKeepsWhatCame) {
    peer server = peer::python("truncate", files().good);
    std::string lines, outcome;
    EXPECT_EQ(run(read_to_the_end(server.port(), false, lines, outcome)), 0);
    EXPECT_EQ(lines, "hello\n|half a li");
    EXPECT_EQ(outcome, "tls localhost:" + std::to_string(server.port()) + ": the connection ended without close_notify; something may be missing");
}

TEST(TlsStream, AnEndWithoutCloseNotifyMayBeAllowed) {
    peer server = peer::python("truncate", files().good);
    std::string lines, outcome;
    EXPECT_EQ(run(read_to_the_end(server.port(), true, lines, outcome)), 0);
    EXPECT_EQ(lines, "hello\nhalf a li");
    EXPECT_EQ(outcome, "");
}

// ---- handshakes that fail

TEST(TlsStream, APeerThatAnswersInPlainHttpIsNamedAsSuch) {
    peer server = peer::python("http", files().good);
    const std::string outcome = opening({"localhost", server.port()}, trusting());
    EXPECT_EQ(outcome, "handshake: tls localhost:" + std::to_string(server.port()) + ": the peer answers in plain HTTP, not in TLS");
}

TEST(TlsStream, ASilentPeerEndsInATimeOut) {
    peer server = peer::python("silent", files().good);
    tls::client_options options = trusting();
    options.handshake_timeout = 50ms;
    const std::string outcome = opening({"localhost", server.port()}, options);
    EXPECT_TRUE(outcome.starts_with("timeout: tls handshake localhost:")) << outcome;
    EXPECT_EQ(server.line(), "heard");
    EXPECT_EQ(server.line(), "end");
}

TEST(TlsStream, APeerThatGoesAwayIsNamed) {
    peer server = peer::openssl(files().good, {"-tls1_2", "-cipher", "PSK"});
    const std::string outcome = opening({"localhost", server.port()}, trusting());
    EXPECT_NE(outcome.find("the peer refused the handshake: handshake failure"), std::string::npos) << outcome;
}

task<> cancelled_at_once(std::uint16_t port, duration after, int& timed_out) {
    try {
        co_await timeout(after, open_only({"localhost", port}, trusting()));
    } catch (const timeout_error&) {
        ++timed_out;
    }
}

TEST(TlsStream, AHandshakeCanBeCancelledAtAnyMoment) {
    peer silent = peer::python("silent", files().good);
    int timed_out = 0;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(run(cancelled_at_once(silent.port(), 20ms, timed_out)), 0);
    EXPECT_EQ(timed_out, 5);
    // With a peer that does answer, each delay falls into another part of the handshake.
    peer server = peer::openssl(files().good);
    for (int delay = 0; delay < 100; ++delay)
        EXPECT_EQ(run(cancelled_at_once(server.port(), std::chrono::microseconds(delay * 50), timed_out)), 0);
}

}  // namespace
}  // namespace leat::tls_test
