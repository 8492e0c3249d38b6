#include "leat/sync/event.hpp"
#include "net/tcp_stream.hpp"
#include "tls/settings.hpp"
#include "tls/tls_layer.hpp"
#include "tls_pair.hpp"

using namespace std::chrono_literals;
using leat::testing::in_loop;
using leat::testing::raw_socket;

namespace leat::tls_test {
namespace {

detail::tls_layer& layer_of(const stream_writer& writer) { return *detail::tls_layer::of(dynamic_cast<detail::tcp_stream&>(*writer.transport())); }
/// Keeps a side to TLS 1.2.
void keep_to_tls_1_2(const tls::context& context) { SSL_CTX_set_max_proto_version(context.settings()->current()->get(), TLS1_2_VERSION); }

// ---- what both sides know

task<> one_exchange(tls::server_options options, tls::client_options client, witness& server_side, std::vector<tls::session>& client_side, int count, bool old) {
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(client);
    if (old) keep_to_tls_1_2(context);
    auto echo = [&server_side](stream_reader reader, stream_writer writer) { return server_side.echo(std::move(reader), std::move(writer)); };
    auto server = co_await start_server(echo, {"127.0.0.1", 0}, {.tls = &context});
    for (int i = 0; i < count; ++i) {
        auto session = co_await exchange(server.address().port(), trust);
        client_side.push_back(std::move(session));
    }
}

TEST(TlsServer, TellsWhatWasAgreedOnOnBothSides) {
    witness server_side;
    std::vector<tls::session> client_side;
    const std::string_view offered[] = {"smtp", "http/1.1", "h2"}, spoken[] = {"h2", "http/1.1"};
    tls::server_options options = serving();
    options.alpn = spoken;
    tls::client_options client = trusting();
    client.alpn = offered;
    in_loop(one_exchange(options, client, server_side, client_side, 1, false));
    ASSERT_EQ(server_side.sessions.size(), 1u);
    const tls::session &there = server_side.sessions[0], &here = client_side.at(0);
    EXPECT_EQ(there.version, "TLSv1.3");
    EXPECT_EQ(there.cipher, here.cipher);
    EXPECT_EQ(there.alpn, "h2") << "the server's preference counts";
    EXPECT_EQ(here.alpn, "h2");
    EXPECT_EQ(there.server_name, "localhost");
    EXPECT_EQ(here.server_name, "localhost");
    EXPECT_EQ(there.peer_subject, "");
    EXPECT_EQ(there.peer_fingerprint, "");
    EXPECT_EQ(here.peer_subject, "CN=localhost");
    EXPECT_EQ(here.peer_names, (std::vector<std::string>{"localhost", "127.0.0.1", "::1"}));
}

TEST(TlsServer, ResumesSessions) {
    for (bool old : {false, true}) {
        witness server_side;
        std::vector<tls::session> client_side;
        in_loop(one_exchange(serving(), trusting(), server_side, client_side, 3, old));
        ASSERT_EQ(client_side.size(), 3u);
        EXPECT_EQ(client_side[0].version, old ? "TLSv1.2" : "TLSv1.3");
        EXPECT_FALSE(client_side[0].resumed);
        EXPECT_TRUE(client_side[1].resumed) << old;
        EXPECT_TRUE(client_side[2].resumed) << old;
        EXPECT_TRUE(server_side.sessions.at(2).resumed);
        EXPECT_EQ(client_side[2].peer_fingerprint, client_side[0].peer_fingerprint);
    }
}

TEST(TlsServer, ResumesNothingWithoutTickets) {
    for (bool old : {false, true}) {
        witness server_side;
        std::vector<tls::session> client_side;
        tls::server_options options = serving();
        options.session_tickets = false;
        in_loop(one_exchange(options, trusting(), server_side, client_side, 2, old));
        EXPECT_FALSE(client_side.at(1).resumed) << old;
    }
}

task<> resume_after_reload(std::vector<bool>& resumed) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    for (int i = 0; i < 3; ++i) {
        const auto session = co_await exchange(server.address().port(), trust);
        resumed.push_back(session.resumed);
        if (i == 1) co_await context.reload();
    }
}

TEST(TlsServer, ResumesNothingFromBeforeAReload) {
    std::vector<bool> resumed;
    in_loop(resume_after_reload(resumed));
    EXPECT_EQ(resumed, (std::vector<bool>{false, true, false}));
}

// ---- clients' certificates

struct client_case {
    std::string outcome;  // the client's
    std::string log;      // the server's
    witness server_side;
};

task<> try_client(tls::server_options options, tls::client_options client, client_case& seen) {
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(client);
    auto echo = [&seen](stream_reader reader, stream_writer writer) { return seen.server_side.echo(std::move(reader), std::move(writer)); };
    auto server = co_await start_server(echo, {"127.0.0.1", 0}, {.tls = &context});
    seen.outcome = co_await outcome_of(exchange(server.address().port(), trust));
    co_await server.close();
}

client_case with_client(tls::client_certificates asked, const std::string& certificate, bool look_for_revoked = false) {
    client_case seen;
    tls::server_options options = serving();
    options.client_certificates = asked;
    options.client_ca_file = files().authority;
    if (look_for_revoked) options.crl_file = files().revocations;
    tls::client_options client = trusting();
    client.certificate = certificate;
    client.key = files().key;
    listening_to_the_log log;
    in_loop(try_client(options, client, seen));
    seen.log = log.take();
    return seen;
}

TEST(TlsServer, KnowsItsClientsByTheirCertificates) {
    for (auto asked : {tls::client_certificates::optional, tls::client_certificates::required}) {
        const client_case seen = with_client(asked, files().alice, true);
        EXPECT_EQ(seen.outcome, "");
        ASSERT_EQ(seen.server_side.sessions.size(), 1u) << seen.log;
        const tls::session& session = seen.server_side.sessions[0];
        EXPECT_EQ(session.peer_subject, "CN=alice,O=Example");
        EXPECT_EQ(session.peer_names, std::vector<std::string>{"alice@example.org"});
        EXPECT_EQ(session.peer_fingerprint.size(), 64u);
    }
}

TEST(TlsServer, TakesAClientWithoutACertificateOnlyWhereItIsOptional) {
    const client_case optional = with_client(tls::client_certificates::optional, "");
    EXPECT_EQ(optional.outcome, "");
    ASSERT_EQ(optional.server_side.sessions.size(), 1u);
    EXPECT_EQ(optional.server_side.sessions[0].peer_subject, "");

    const client_case required = with_client(tls::client_certificates::required, "");
    EXPECT_TRUE(required.outcome.starts_with("certificate: ")) << required.outcome;
    EXPECT_TRUE(has(required.outcome, "the peer does not accept our certificate: ")) << required.outcome;
    EXPECT_TRUE(has(required.log, "the client sent no certificate")) << required.log;
    EXPECT_TRUE(has(required.log, "warning tls 127.0.0.1:")) << "the peer is named: " << required.log;
    EXPECT_TRUE(required.server_side.sessions.empty());
}

TEST(TlsServer, RefusesClientsWithABadCertificateAndSaysWhy) {
    const auto optional = tls::client_certificates::optional;
    const client_case unknown = with_client(optional, files().mallory);
    EXPECT_TRUE(has(unknown.log, "the issuer of the client's certificate is unknown (unknown authority)")) << unknown.log;
    EXPECT_TRUE(has(unknown.outcome, "the peer does not accept our certificate: unknown CA")) << unknown.outcome;

    const client_case itself = with_client(optional, files().stranger);
    EXPECT_TRUE(has(itself.log, "the client's certificate is signed by itself (localhost)")) << itself.log;

    const client_case expired = with_client(optional, files().expired);
    EXPECT_TRUE(has(expired.log, "the client's certificate has expired (20")) << expired.log;
    EXPECT_TRUE(has(expired.outcome, "certificate expired")) << expired.outcome;

    const client_case revoked = with_client(optional, files().revoked, true);
    EXPECT_TRUE(has(revoked.log, "the client's certificate has been revoked")) << revoked.log;
    EXPECT_TRUE(has(revoked.outcome, "certificate revoked")) << revoked.outcome;
    EXPECT_EQ(with_client(optional, files().revoked).outcome, "") << "without a list nobody knows";
}

TEST(TlsServer, RefusesAServersCertificateThatIsMeantForClients) {
    client_case seen;
    listening_to_the_log log;
    in_loop(try_client({.certificate = files().alice, .key = files().key}, trusting(), seen));
    seen.log = log.take();
    EXPECT_TRUE(has(seen.outcome, "the certificate is not meant for a server")) << seen.outcome;
}

// ---- what cannot be agreed on

TEST(TlsServer, RefusesProtocolsAndVersionsThatItDoesNotSpeak) {
    const std::string_view offered[] = {"smtp"}, spoken[] = {"h2", "http/1.1"};
    tls::server_options options = serving();
    options.alpn = spoken;
    tls::client_options client = trusting();
    client_case none;
    in_loop(try_client(options, client, none));
    EXPECT_EQ(none.outcome, "") << "who offers none is not refused";
    client.alpn = offered;
    listening_to_the_log log;
    client_case other;
    in_loop(try_client(options, client, other));
    other.log = log.take();
    EXPECT_TRUE(has(other.log, "the peer offers no protocol (ALPN) that is spoken here")) << other.log;
    EXPECT_TRUE(has(other.outcome, "the peer refused the handshake: no application protocol")) << other.outcome;
}

task<> old_client(std::string& outcome) {
    tls::server_options options = serving();
    options.minimum = tls::version::tls_1_3;
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(trusting());
    keep_to_tls_1_2(trust);
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    outcome = co_await outcome_of(exchange(server.address().port(), trust));
}

TEST(TlsServer, KeepsToItsMinimumVersion) {
    std::string outcome;
    listening_to_the_log log;
    in_loop(old_client(outcome));
    EXPECT_TRUE(has(log.take(), "the peer speaks no version of TLS that is accepted here"));
    EXPECT_TRUE(has(outcome, "protocol version")) << outcome;
}

// ---- peers that do not speak TLS

/// What a raw peer hears and the server logs after the peer said something.
task<> say_to_server(std::string words, duration limit, std::string& heard, bool& others_served) {
    tls::server_options options = serving();
    options.handshake_timeout = limit;
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    auto peer = raw_socket::connect_to(server.address().port());
    peer.send(words);
    const auto other = co_await outcome_of(exchange(server.address().port(), trust));
    others_served = other.empty();
    heard = co_await to_thread(leat::testing::receive_all_from, peer.fd());
    peer.close();
    co_await server.close();
}

TEST(TlsServer, SaysThatAPeerSpeaksPlainText) {
    std::string heard;
    bool others_served = false;
    listening_to_the_log log;
    in_loop(say_to_server("GET / HTTP/1.1\r\n\r\n", 10s, heard, others_served));
    EXPECT_TRUE(has(log.take(), "the peer asks in plain HTTP, not in TLS"));
    EXPECT_TRUE(others_served);
    listening_to_the_log again;
    in_loop(say_to_server("EHLO example.org\r\n", 10s, heard, others_served));
    EXPECT_TRUE(has(again.take(), "the peer does not speak TLS"));
}

TEST(TlsServer, EndsAHandshakeThatComesToNothing) {
    std::string heard = "nothing";
    bool others_served = false;
    listening_to_the_log log;
    in_loop(say_to_server("", 50ms, heard, others_served));
    EXPECT_TRUE(has(log.take(), "tls handshake 127.0.0.1:"));
    EXPECT_TRUE(others_served) << "a silent peer holds up nobody";
    EXPECT_TRUE(heard.empty() || heard == "<reset>") << heard;
}

task<> silent_peers_and_a_limit(int& served) {
    tls::server_options options = serving();
    options.handshake_timeout = 100ms;
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.max_connections = 3, .tls = &context});
    std::vector<raw_socket> peers;
    for (int i = 0; i < 3; ++i) peers.push_back(raw_socket::connect_to(server.address().port()));
    while (server.connections() < 3) co_await sleep(1ms);
    // No room until the silent ones have been given up.
    const auto session = co_await exchange(server.address().port(), trust);
    served += session.version.empty() ? 0 : 1;
    co_await server.close();
}

TEST(TlsServer, CountsHandshakesAsConnections) {
    int served = 0;
    in_loop(silent_peers_and_a_limit(served));
    EXPECT_EQ(served, 1);
}

task<> close_during_handshake(bool destroy) {
    const auto context = co_await tls::context::server(serving());
    std::optional<server> running = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.drain_timeout = 30s, .tls = &context});
    auto silent = raw_socket::connect_to(running->address().port());
    auto halfway = raw_socket::connect_to(running->address().port());
    halfway.send(std::string_view{"\x16\x03\x01\x00\x80\x01", 6});
    while (running->connections() < 2) co_await sleep(1ms);
    if (!destroy) co_await timeout(5s, running->close());
    running.reset();
    const std::string end = co_await to_thread(leat::testing::receive_all_from, silent.fd());
    EXPECT_TRUE(end.empty() || end == "<reset>") << end;
}

TEST(TlsServer, ADrainDoesNotWaitForHandshakes) {
    in_loop(close_during_handshake(false));
    in_loop(close_during_handshake(true));
}

task<> servers_that_end(int& count) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    for (int delay = 0; delay < 60; ++delay) {
        std::optional<server> running = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
        auto client = exchange(running->address().port(), trust);
        auto ending = [](std::optional<server>& which, int tenths) -> task<> {
            co_await sleep(std::chrono::microseconds(tenths * 100));
            which.reset();
        };
        auto both = gather(outcome_of(std::move(client)), ending(running, delay));
        co_await std::move(both);
        ++count;
    }
}

TEST(TlsServer, CanBeDestroyedAtAnyMomentOfAHandshake) {
    int count = 0;
    in_loop(servers_that_end(count));
    EXPECT_EQ(count, 60);
}

// ---- bytes

task<> send_noise(stream_writer& writer, const std::string& bytes, int updates) {
    const std::size_t piece = 50'000;
    std::size_t until_update = bytes.size() / static_cast<std::size_t>(updates + 1);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        if (updates > 0 && at >= until_update) {
            until_update += bytes.size() / static_cast<std::size_t>(updates + 1);
            SSL_key_update(layer_of(writer).ssl(), SSL_KEY_UPDATE_REQUESTED);
        }
        co_await writer.write(std::string_view{bytes}.substr(at, piece));
    }
    co_await writer.write_eof();
}

task<> compare_noise(stream_reader& reader, const std::string& bytes, bool& same) {
    std::size_t at = 0;
    same = true;
    while (auto piece = co_await reader.read()) {
        same = same && bytes.compare(at, piece->size(), *piece) == 0;
        at += piece->size();
    }
    same = same && at == bytes.size();
}

task<> both_ways(const std::string& there, const std::string& back, int updates, bool& arrived, bool& returned) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    event handled;
    auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
        auto both = gather(compare_noise(reader, there, arrived), send_noise(writer, back, updates));
        co_await std::move(both);
        co_await writer.close();
        handled.set();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
    auto both = gather(compare_noise(reader, back, returned), send_noise(writer, there, updates));
    co_await std::move(both);
    co_await writer.close();
    co_await handled.wait();
    co_await server.close();
}

TEST(TlsServer, CarriesManyMegabytesBothWaysAtOnce) {
    bool arrived = false, returned = false;
    in_loop(both_ways(noise(20'000'000), noise(15'000'001), 0, arrived, returned));
    EXPECT_TRUE(arrived);
    EXPECT_TRUE(returned);
}

TEST(TlsServer, GoesOnWithNewKeysInTheMiddle) {
    bool arrived = false, returned = false;
    in_loop(both_ways(noise(5'000'000), noise(4'000'000), 30, arrived, returned));
    EXPECT_TRUE(arrived);
    EXPECT_TRUE(returned);
}

task<> half_close(std::string& reply) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
        std::size_t count = 0;
        while (auto piece = co_await reader.read()) count += piece->size();
        co_await writer.write("got ", std::to_string(count), "\n");
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
    co_await writer.write(std::string(100'000, 'x'));
    co_await writer.write_eof();
    while (auto line = co_await reader.read_line()) reply += *line;
    co_await writer.close();
}

TEST(TlsServer, TheEndOfOneSideLeavesTheOtherOpen) {
    std::string reply;
    in_loop(half_close(reply));
    EXPECT_EQ(reply, "got 100000\n");
}

task<> small_writes(std::size_t& bytes) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
    const auto before = BIO_number_written(SSL_get_wbio(layer_of(writer).ssl()));
    for (int i = 0; i < 100; ++i) co_await writer.write("x");
    co_await writer.write("\n");
    auto line = co_await reader.read_line();
    EXPECT_EQ(line.value_or("").size(), 101u);
    bytes = BIO_number_written(SSL_get_wbio(layer_of(writer).ssl())) - before;
    co_await writer.close();
}

TEST(TlsServer, SmallWritesOfOneTurnAreOneRecord) {
    std::size_t bytes = 0;
    in_loop(small_writes(bytes));
    EXPECT_GT(bytes, 101u);
    EXPECT_LT(bytes, 101u + 40u);
}

// ---- ends

task<> broken_off(bool allow, std::string& lines, std::string& outcome) {
    tls::server_options options = serving();
    options.allow_truncation = allow;
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(trusting());
    event over;
    auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
        try {
            while (auto line = co_await reader.read_line()) lines += *line;
        } catch (...) {
            outcome = text_of(std::current_exception());
            lines += reader.buffered();
        }
        over.set();
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
    {
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
        co_await writer.write("hello\nhalf a li");
        // Dropped: no close_notify.
    }
    co_await over.wait();
}

TEST(TlsServer, AnEndWithoutCloseNotifyIsAnErrorUnlessItIsAllowed) {
    std::string lines, outcome;
    in_loop(broken_off(false, lines, outcome));
    EXPECT_EQ(lines, "hello\nhalf a li");
    EXPECT_TRUE(has(outcome, "truncated: tls 127.0.0.1:")) << outcome;
    lines = outcome = "";
    in_loop(broken_off(true, lines, outcome));
    EXPECT_EQ(lines, "hello\nhalf a li");
    EXPECT_EQ(outcome, "");
}

// ---- cancellation of a client's opening

task<> cancelled_openings(int& opened, int& timed_out) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    for (int delay = 0; delay < 100; ++delay) {
        const auto outcome = co_await outcome_within(std::chrono::microseconds(delay * 40), exchange(server.address().port(), trust));
        if (outcome.empty())
            ++opened;
        else if (outcome.starts_with("timeout: "))
            ++timed_out;
    }
    co_await server.close();
}

TEST(TlsServer, OutlivesClientsThatGoAwayAtAnyMoment) {
    int opened = 0, timed_out = 0;
    in_loop(cancelled_openings(opened, timed_out));
    EXPECT_EQ(opened + timed_out, 100);
    EXPECT_GT(timed_out, 0);
}

task<> open_in_a_cancelled_scope(std::uint16_t port, const tls::context& trust) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port}, {.tls = &trust});
    ADD_FAILURE() << "nothing is opened in a cancelled scope";
}

task<> cancelled_before(std::string& outcome) {
    const auto trust = co_await tls::context::client(trusting());
    outcome = co_await outcome_within(0s, open_in_a_cancelled_scope(9, trust));
}

TEST(TlsServer, AnOpeningCanBeCancelledBeforeItBegins) {
    std::string outcome;
    in_loop(cancelled_before(outcome));
    EXPECT_TRUE(outcome.starts_with("timeout: ") || outcome.starts_with("other: connect")) << outcome;
}

}  // namespace
}  // namespace leat::tls_test
