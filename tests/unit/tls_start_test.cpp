#include "leat/sync/event.hpp"
#include "leat/task/group.hpp"
#include "net/tcp_stream.hpp"
#include "tls_pair.hpp"

using namespace std::chrono_literals;
using leat::testing::in_loop;
using leat::testing::raw_listener;
using leat::testing::raw_socket;

namespace leat::tls_test {
namespace {

/// A small protocol with STARTTLS, as a mail server's.
struct mail_server {
    explicit mail_server(const tls::context& context) : context_(context) {}
    task<> talk(stream_reader reader, stream_writer writer) {
        co_await writer.write("220 ready\n");
        while (auto line = co_await reader.read_line()) {
            if (*line == "STARTTLS\n") {
                co_await writer.write("220 go ahead\n");
                outcome = co_await outcome_of(writer.start_tls(context_));
                if (!outcome.empty()) break;
            } else {
                commands += *line;
                co_await writer.write(*line);
            }
        }
        co_await writer.close();
    }
    std::string commands, outcome;

private:
    tls::context context_;
};

auto handler_of(mail_server& of) {
    return [&of](stream_reader reader, stream_writer writer) { return of.talk(std::move(reader), std::move(writer)); };
}

task<> start_tls_both_sides(std::vector<std::string>& lines, mail_server*& out, std::optional<mail_server>& mail, tls::session& session) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    mail.emplace(context);
    out = &*mail;
    auto handler = handler_of(*mail);
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
    EXPECT_FALSE(tls::session_of(reader).has_value());
    for (const char* command : {"", "plain\n", "STARTTLS\n"}) {
        co_await writer.write(command);
        auto line = co_await reader.read_line();
        lines.emplace_back(line.value_or("nothing"));
    }
    co_await writer.start_tls(trust, {.server_name = "localhost"});
    session = tls::session_of(writer).value();
    for (int i = 0; i < 2; ++i) {
        co_await writer.write("secret\n");
        auto line = co_await reader.read_line();
        lines.emplace_back(line.value_or("nothing"));
    }
    co_await writer.write_eof();
    auto end = co_await reader.read_line();
    EXPECT_FALSE(end.has_value());
    co_await writer.close();
}

TEST(TlsStart, SecuresAConnectionInUseOnBothSides) {
    std::vector<std::string> lines;
    std::optional<mail_server> mail;
    mail_server* server = nullptr;
    tls::session session;
    in_loop(start_tls_both_sides(lines, server, mail, session));
    EXPECT_EQ(lines, (std::vector<std::string>{"220 ready\n", "plain\n", "220 go ahead\n", "secret\n", "secret\n"}));
    EXPECT_EQ(server->commands, "plain\nsecret\nsecret\n");
    EXPECT_EQ(server->outcome, "");
    EXPECT_EQ(session.server_name, "localhost");
    EXPECT_EQ(session.peer_subject, "CN=localhost");
}

task<> start_without_a_name(std::string& outcome) {
    const auto context = co_await tls::context::server({.certificate = files().elsewhere, .key = files().key});
    const auto trust = co_await tls::context::client(trusting());
    mail_server mail{context};
    auto handler = handler_of(mail);
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    auto [reader, writer] = co_await open_connection({"localhost", server.address().port()});
    [[maybe_unused]] auto greeting = co_await reader.read_line();
    co_await writer.write("STARTTLS\n");
    [[maybe_unused]] auto go = co_await reader.read_line();
    outcome = co_await outcome_of(writer.start_tls(trust));
    const auto reading = co_await outcome_of([](stream_reader& from) -> task<> { co_await from.read(); }(reader));
    EXPECT_EQ(reading, outcome) << "a read says so, too";
    const auto writing = co_await outcome_of([](stream_writer& to) -> task<> { co_await to.write("secret"); }(writer));
    EXPECT_TRUE(has(writing, "write after close")) << writing;
    co_await writer.close();
    co_await server.close();
    EXPECT_TRUE(has(mail.outcome, "the peer does not accept our certificate")) << mail.outcome;
}

TEST(TlsStart, VerifiesThePeersAddressWhereNoNameIsGiven) {
    std::string outcome;
    in_loop(start_without_a_name(outcome));
    EXPECT_TRUE(has(outcome, "the certificate is not for 127.0.0.1, but for elsewhere.example")) << outcome;
}

// ---- bytes that came before

task<> injected_into_the_server(std::string& outcome, std::string& commands, std::string& heard) {
    const auto context = co_await tls::context::server(serving());
    mail_server mail{context};
    auto handler = handler_of(mail);
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    auto peer = raw_socket::connect_to(server.address().port());
    peer.send("STARTTLS\ndelete everything\n");
    heard = co_await to_thread(leat::testing::receive_all_from, peer.fd());
    peer.close();
    co_await server.close();
    outcome = mail.outcome;
    commands = mail.commands;
}

TEST(TlsStart, RefusesCommandsThatWereSentBeforeTheHandshake) {
    std::string outcome, commands, heard;
    in_loop(injected_into_the_server(outcome, commands, heard));
    EXPECT_TRUE(has(outcome, "18 bytes were received before the handshake")) << outcome;
    EXPECT_TRUE(outcome.starts_with("tls: start_tls 127.0.0.1:")) << outcome;
    EXPECT_EQ(commands, "");
    EXPECT_EQ(heard, "220 ready\n220 go ahead\n");
}

task<> injected_into_the_client(std::string& outcome) {
    const auto trust = co_await tls::context::client(trusting());
    raw_listener listener;
    auto [reader, writer] = co_await open_connection({"127.0.0.1", listener.port()});
    auto peer = listener.accept();
    peer.send("220 go ahead\n\x16\x03\x03 forged");
    [[maybe_unused]] auto line = co_await reader.read_until("\n");
    while (reader.buffered().size() < 10) co_await sleep(1ms);
    outcome = co_await outcome_of(writer.start_tls(trust, {.server_name = "localhost"}));
    co_await writer.write("still plain");
    co_await writer.drain();
    const std::string heard = co_await to_thread(leat::testing::receive_exactly_from, peer.fd(), std::size_t{11});
    EXPECT_EQ(heard, "still plain") << "nothing of a handshake was sent, and the connection is as it was";
    peer.close();
    co_await writer.close();
}

TEST(TlsStart, RefusesAnswersThatWereSentBeforeTheHandshake) {
    std::string outcome;
    in_loop(injected_into_the_client(outcome));
    EXPECT_TRUE(has(outcome, "10 bytes were received before the handshake; they are not to be trusted")) << outcome;
}

task<> read_much(stream_reader& from) { co_await from.read_exactly(1'000'000); }

task<> hello_before_the_call(bool& served) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
        // The client does not wait for a word: a read that wants more than its hello receives that, and gives up.
        (void)co_await outcome_within(200ms, read_much(reader));
        EXPECT_FALSE(reader.buffered().empty());
        co_await writer.start_tls(context);
        co_await echo_lines(std::move(reader), std::move(writer));
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    (void)co_await exchange(server.address().port(), trust);
    served = true;
}

TEST(TlsStart, AHelloThatCameEarlyIsPartOfTheHandshake) {
    bool served = false;
    in_loop(hello_before_the_call(served));
    EXPECT_TRUE(served);
}

// ---- wrong uses

task<> wrong_uses(std::vector<std::string>& outcomes) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
    outcomes.push_back(co_await outcome_of(writer.start_tls(trust)));
    co_await writer.close();
    outcomes.push_back(co_await outcome_of(writer.start_tls(trust)));

    raw_listener listener;
    auto [from, to] = co_await open_connection({"127.0.0.1", listener.port()});
    auto peer = listener.accept();
    auto read = [](stream_reader& of) -> task<> { co_await of.read(); };
    auto both = gather(outcome_within(20ms, read(from)), outcome_of(to.start_tls(trust)));
    auto [reading, starting] = co_await std::move(both);
    outcomes.push_back(starting);
    EXPECT_TRUE(reading.starts_with("timeout")) << reading;
    co_await to.write_eof();
    outcomes.push_back(co_await outcome_of(to.start_tls(trust)));
}

TEST(TlsStart, SaysWhatIsWrongWithItsUse) {
    std::vector<std::string> outcomes;
    in_loop(wrong_uses(outcomes));
    ASSERT_EQ(outcomes.size(), 4u);
    EXPECT_TRUE(has(outcomes[0], "the connection is secured already")) << outcomes[0];
    EXPECT_TRUE(has(outcomes[1], "secured already") || has(outcomes[1], "closed")) << outcomes[1];
    EXPECT_TRUE(has(outcomes[2], "a read is under way")) << outcomes[2];
    EXPECT_TRUE(has(outcomes[3], "the connection is closed")) << outcomes[3];
}

task<> peer_that_ends(std::string& outcome) {
    const auto trust = co_await tls::context::client(trusting());
    raw_listener listener;
    auto [reader, writer] = co_await open_connection({"127.0.0.1", listener.port()});
    auto peer = listener.accept();
    peer.close();
    outcome = co_await outcome_of(writer.start_tls(trust, {.server_name = "localhost"}));
    co_await writer.close();
}

TEST(TlsStart, SaysThatThePeerHasGone) {
    std::string outcome;
    in_loop(peer_that_ends(outcome));
    EXPECT_TRUE(outcome.starts_with("handshake: tls localhost:")) << outcome;
}

// ---- other tasks during the handshake

task<> write_during_a_handshake(std::string& line) {
    tls::server_options options = serving();
    options.session_tickets = false;  // with them the server has something to send when it is done
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(trusting());
    event written;
    auto write_early = [](stream_writer& to, event& done) -> task<> {
        co_await leat::testing::settle();
        co_await to.write("early\n");
        co_await leat::testing::settle();  // the loop has tried to send it
        done.set();
    };
    auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
        auto both = gather(writer.start_tls(context), write_early(writer, written));
        co_await std::move(both);
        co_await echo_lines(std::move(reader), std::move(writer));
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
    co_await written.wait();
    co_await writer.start_tls(trust, {.server_name = "localhost"});
    auto first = co_await reader.read_line();
    line = first.value_or("nothing");
    co_await writer.close();
}

TEST(TlsStart, WhatIsWrittenDuringAHandshakeIsSentAfterIt) {
    std::string line;
    in_loop(write_during_a_handshake(line));
    EXPECT_EQ(line, "early\n");
}

task<> close_during_a_handshake(std::string& outcome) {
    const auto trust = co_await tls::context::client({.ca_file = files().authority, .handshake_timeout = 0s});
    raw_listener listener;
    auto [reader, writer] = co_await open_connection({"127.0.0.1", listener.port()});
    auto peer = listener.accept();
    writer.set_linger(1ms);
    auto close_soon = [](stream_writer& of) -> task<> {
        co_await leat::testing::settle();
        co_await of.close();
    };
    auto both = gather(outcome_of(writer.start_tls(trust, {.server_name = "localhost"})), outcome_of(close_soon(writer)));
    auto [started, closed] = co_await std::move(both);
    outcome = started;
    EXPECT_EQ(closed, "");
}

TEST(TlsStart, ACloseEndsAHandshake) {
    std::string outcome;
    in_loop(close_during_a_handshake(outcome));
    EXPECT_TRUE(outcome.starts_with("handshake: tls localhost:")) << outcome;
}

// ---- cancellation

task<> silent_peer(std::string& outcome, std::string& heard, std::string& later) {
    const auto trust = co_await tls::context::client({.ca_file = files().authority, .handshake_timeout = 50ms});
    raw_listener listener;
    auto [reader, writer] = co_await open_connection({"127.0.0.1", listener.port()});
    auto peer = listener.accept();
    co_await writer.write("STARTTLS\n");
    outcome = co_await outcome_of(writer.start_tls(trust, {.server_name = "localhost"}));
    later = co_await outcome_of([](stream_reader& from) -> task<> { co_await from.read(); }(reader));
    const auto writing = co_await outcome_of([](stream_writer& to) -> task<> { co_await to.write("secret"); }(writer));
    EXPECT_TRUE(has(writing, "write after close")) << writing;
    writer.set_linger(1ms);
    co_await writer.close();
    heard = co_await to_thread(leat::testing::receive_all_from, peer.fd());
}

TEST(TlsStart, ATimeOutLeavesNothingThatCouldBeSentInPlainText) {
    std::string outcome, heard, later;
    in_loop(silent_peer(outcome, heard, later));
    EXPECT_TRUE(outcome.starts_with("timeout: tls handshake localhost:")) << outcome;
    EXPECT_TRUE(has(later, "the handshake was cancelled")) << later;
    EXPECT_TRUE(heard.starts_with("STARTTLS\n\x16\x03")) << "what was written before goes first, and as it is";
    EXPECT_FALSE(has(heard, "secret"));
}

task<> start_at_any_moment(int& done, int& cancelled_ones) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    mail_server mail{context};
    auto handler = handler_of(mail);
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    for (int delay = 0; delay < 100; ++delay) {
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
        [[maybe_unused]] auto greeting = co_await reader.read_line();
        co_await writer.write("STARTTLS\n");
        [[maybe_unused]] auto go = co_await reader.read_line();
        const auto outcome = co_await outcome_within(std::chrono::microseconds(delay * 30), writer.start_tls(trust, {.server_name = "localhost"}));
        if (outcome.empty()) {
            co_await writer.write("hello\n");
            auto line = co_await reader.read_line();
            EXPECT_EQ(line.value_or(""), "hello\n");
            co_await writer.close();
            ++done;
        } else {
            EXPECT_TRUE(outcome.starts_with("timeout: ")) << outcome;
            ++cancelled_ones;
            if (delay % 2 == 0) {
                writer.set_linger(1ms);
                (void)co_await outcome_of([](stream_writer& of) -> task<> { co_await of.close(); }(writer));
            }
        }
    }
    co_await server.close();
}

struct thrown_between {};

/// A group that dies with its child in the middle of what it does.
task<> destroy_while_waiting(int turns, task<> child) {
    try {
        task_group group;
        group.spawn(std::move(child));
        co_await leat::testing::settle(turns);
        throw thrown_between{};
    } catch (const thrown_between&) {
    }
}

task<> start_and_be_destroyed(int& count) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    mail_server mail{context};
    auto handler = handler_of(mail);
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    for (int turns = 0; turns < 40; ++turns) {
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
        [[maybe_unused]] auto greeting = co_await reader.read_line();
        co_await writer.write("STARTTLS\n");
        [[maybe_unused]] auto go = co_await reader.read_line();
        co_await destroy_while_waiting(turns, writer.start_tls(trust, {.server_name = "localhost"}));
        // Established or of no more use; never in plain text.
        const auto writing = co_await outcome_of([](stream_writer& to) -> task<> { co_await to.write("hello\n"); }(writer));
        EXPECT_TRUE(tls::session_of(writer).has_value() || has(writing, "write after close") || turns == 0) << turns << writing;
        ++count;
    }
    co_await server.close();
}

TEST(TlsStart, CanBeDestroyedAtAnyMoment) {
    int count = 0;
    in_loop(start_and_be_destroyed(count));
    EXPECT_EQ(count, 40);
}

task<> open_secured(std::uint16_t port, const tls::context& trust) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port}, {.tls = &trust});
    co_await writer.close();
}

task<> open_and_be_destroyed(int& count) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    for (int turns = 0; turns < 60; ++turns, ++count) co_await destroy_while_waiting(turns, open_secured(server.address().port(), trust));
    co_await server.close();
}

TEST(TlsStart, AnOpeningCanBeDestroyedAtAnyMoment) {
    int count = 0;
    in_loop(open_and_be_destroyed(count));
    EXPECT_EQ(count, 60);
}

TEST(TlsStart, CanBeCancelledAtAnyMoment) {
    int done = 0, cancelled_ones = 0;
    in_loop(start_at_any_moment(done, cancelled_ones));
    EXPECT_EQ(done + cancelled_ones, 100);
    EXPECT_GT(cancelled_ones, 0);
}

}  // namespace
}  // namespace leat::tls_test
