// What asyncio promises of TLS, as Python 3.11's own tests have it: test_asyncio/test_ssl.py and test_sslproto.py. Each test names those it
// answers; README.md has the rest. Strangers as peers have tests of their own: unit/tls_stream_test.cpp and cli/tls_peers_test.py.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "leat/leat.hpp"
#include "net/tcp_stream.hpp"
#include "unit/tls_pair.hpp"

using namespace std::chrono_literals;
using leat::testing::in_loop;
using leat::testing::raw_listener;
using leat::testing::raw_socket;
using leat::testing::settle;

namespace leat::tls_test {
namespace {

constexpr int clients = 25;
constexpr std::size_t megabyte = 1 << 20;

task<> read_some(stream_reader& from) { co_await from.read(); }
task<> write_to(stream_writer& to, std::string text) { co_await to.write(text); }
task<> close_of(stream_writer& of) { co_await of.close(); }
task<std::size_t> count_to_the_end(stream_reader& from) {
    std::size_t count = 0;
    while (auto piece = co_await from.read()) count += piece->size();
    co_return count;
}

/// Python's exchange: a megabyte, "OK", a megabyte, "SPAM", the end.
task<> serve_a_talk(stream_reader reader, stream_writer writer, int& count) {
    auto first = co_await reader.read_exactly(megabyte);
    EXPECT_EQ(first.find_first_not_of('A'), std::string_view::npos);
    co_await writer.write("OK");
    auto second = co_await reader.read_exactly(megabyte);
    EXPECT_EQ(second.find_first_not_of('B'), std::string_view::npos);
    co_await writer.write("SP", "A", "M");
    co_await writer.close();
    ++count;
}
task<> talk(stream_reader& reader, stream_writer& writer) {
    co_await writer.write(std::string(megabyte, 'A'));
    auto ok = co_await reader.read_exactly(2);
    EXPECT_EQ(ok, "OK");
    co_await writer.write(std::string(megabyte, 'B'));
    auto spam = co_await reader.read_exactly(4);
    EXPECT_EQ(spam, "SPAM");
    auto end = co_await reader.read();
    EXPECT_FALSE(end.has_value());
    co_await writer.close();
}
task<> open_and_talk(std::uint16_t port, const tls::context& trust) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port}, {.tls = &trust, .server_name = "localhost"});
    co_await talk(reader, writer);
}
task<> secure_and_talk(std::uint16_t port, const tls::context& trust) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
    co_await writer.start_tls(trust, {.server_name = "localhost"});
    co_await talk(reader, writer);
}

// test_ssl.TestSSL.test_create_server_ssl_1, test_create_connection_ssl_1
TEST(ConformanceSsl, ManyClientsTalkToOneServer) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        int served = 0;
        auto handler = [&](stream_reader reader, stream_writer writer) { return serve_a_talk(std::move(reader), std::move(writer), served); };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        task_group group;
        // On a connection that is secured from the start, and on one that was open before.
        for (int i = 0; i < clients; ++i) group.spawn(i % 2 == 0 ? open_and_talk(server.address().port(), trust) : secure_and_talk(server.address().port(), trust));
        co_await group.join();
        co_await server.close();
        EXPECT_EQ(served, clients);
    }());
}

int accept_at(int listening) { return ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC); }

task<> open_to(std::uint16_t port, const tls::context& trust, std::string name) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port}, {.tls = &trust, .server_name = name});
    co_await writer.close();
}

// test_ssl.TestSSL.test_create_connection_ssl_slow_handshake, test_ssl_handshake_timeout, test_connect_timeout_warning
// test_sslproto.BaseStartTLS.test_create_connection_ssl_slow_handshake, test_handshake_timeout
TEST(ConformanceSsl, AHandshakeThatTakesLongEndsInATimeOut) {
    in_loop([]() -> task<> {
        const auto trust = co_await tls::context::client({.ca_file = files().authority, .handshake_timeout = 50ms});
        raw_listener silent;
        const auto opening = co_await outcome_of(open_to(silent.port(), trust, "localhost"));
        EXPECT_TRUE(opening.starts_with("timeout: tls handshake")) << opening;
        raw_socket peer = silent.accept();
        auto [reader, writer] = co_await open_connection({"127.0.0.1", silent.port()});
        const auto starting = co_await outcome_of(writer.start_tls(trust, {.server_name = "localhost"}));
        EXPECT_TRUE(starting.starts_with("timeout: ")) << starting;
        // A limit from outside does the same.
        const auto patient = co_await tls::context::client(trusting());
        const auto limited_opening = co_await outcome_within(20ms, open_to(silent.port(), patient, "localhost"));
        EXPECT_TRUE(limited_opening.starts_with("timeout: ")) << limited_opening;
    }());
}

// test_ssl.TestSSL.test_create_connection_ssl_failed_certificate
// test_sslproto.BaseStartTLS.test_create_connection_ssl_failed_certificate
TEST(ConformanceSsl, ACertificateThatIsNotTrustedIsAnErrorOnBothSides) {
    listening_to_the_log log;
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server({.certificate = files().stranger, .key = files().key});
        const auto trust = co_await tls::context::client(trusting());
        auto handler = [](stream_reader, stream_writer) -> task<> {
            ADD_FAILURE() << "the handler is for secured connections";
            co_return;
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        const auto opening = co_await outcome_of(open_to(server.address().port(), trust, "localhost"));
        EXPECT_TRUE(opening.starts_with("certificate: ")) << opening;
        while (server.statistics().accepted < 1 || server.connections() > 0) co_await sleep(1ms);
        co_await server.close();
    }());
    EXPECT_TRUE(has(log.take(), "the peer does not accept our certificate"));
}

// test_ssl.TestSSL.test_ssl_handshake_connection_lost
// test_sslproto.SslProtoHandshakeTests.test_eof_received_waiter, test_connection_lost
TEST(ConformanceSsl, APeerThatGoesDuringTheHandshakeEndsIt) {
    in_loop([]() -> task<> {
        const auto trust = co_await tls::context::client(trusting());
        for (const bool reset : {false, true}) {
            raw_listener listener;
            auto goes = [](raw_listener& at, bool hard) -> task<> {
                raw_socket peer{co_await to_thread(accept_at, at.fd())};
                auto hello = co_await to_thread(leat::testing::receive_exactly_from, peer.fd(), std::size_t{5});
                EXPECT_EQ(hello.size(), 5u);
                if (hard) peer.reset();
            };
            auto both = gather(outcome_of(open_to(listener.port(), trust, "localhost")), outcome_of(goes(listener, reset)));
            auto [opening, gone] = co_await std::move(both);
            EXPECT_EQ(gone, "");
            EXPECT_TRUE(has(opening, "localhost") || has(opening, "127.0.0.1")) << opening;
            EXPECT_FALSE(opening.starts_with("timeout")) << opening;
        }
        // And the server's side: it goes on serving.
        const auto context = co_await tls::context::server(serving());
        auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
        {
            auto peer = raw_socket::connect_to(server.address().port());
            peer.send(std::string_view{"\x16\x03\x01\x02\x00\x01", 6});
        }
        (void)co_await exchange(server.address().port(), trust);
        co_await server.close();
    }());
}

// test_ssl.TestSSL.test_ssl_connect_accepted_socket, test_connect_accepted_socket
TEST(ConformanceSsl, ASocketFromElsewhereIsServedInTlsToo) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        raw_listener listening;
        const auto port = listening.port();
        const int taken_over = ::fcntl(listening.fd(), F_DUPFD_CLOEXEC, 0);
        listening.close();
        auto server = co_await start_server_on(echo_lines, taken_over, {.tls = &context});
        const auto session = co_await exchange(port, trust);
        EXPECT_EQ(session.version, "TLSv1.3");
        co_await server.close();
    }());
}

// test_ssl.TestSSL.test_start_tls_client_corrupted_ssl
// test_sslproto.BaseStartTLS.test_start_tls_client_corrupted_ssl
TEST(ConformanceSsl, BytesThatAreNoRecordAreAnError) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
            auto line = co_await reader.read_line();
            EXPECT_EQ(line.value_or(""), "hello\n");
            // Past the layer that encrypts.
            const int socket = dynamic_cast<detail::tcp_stream&>(*writer.transport()).descriptor();
            raw_socket raw{::dup(socket)};
            raw.send("this is no record at all");
            co_await writer.close();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
        co_await writer.write("hello\n");
        const auto reading = co_await outcome_of(read_some(reader));
        EXPECT_TRUE(reading.starts_with("tls: ")) << reading;
        (void)co_await outcome_of(close_of(writer));
    }());
}

/// Speaks in plain text first; then both sides secure the connection.
task<> plain_then_secured(stream_reader reader, stream_writer writer, const tls::context& context) {
    auto hello = co_await reader.read_exactly(5);
    EXPECT_EQ(hello, "hello");
    co_await writer.write("O");
    co_await writer.start_tls(context);
    auto secret = co_await reader.read_exactly(5);
    EXPECT_EQ(secret, "inner");
    co_await writer.write("K");
    co_await writer.close();
}

// test_ssl.TestSSL.test_start_tls_client_reg_proto_1, test_start_tls_server_1
// test_streams.StreamTests.test_start_tls
// test_sslproto.BaseStartTLS.test_start_tls_client_reg_proto_1, test_start_tls_server_1
TEST(ConformanceSsl, AConnectionInUseIsSecuredByBothSides) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        auto handler = [&](stream_reader reader, stream_writer writer) { return plain_then_secured(std::move(reader), std::move(writer), context); };
        auto server = co_await start_server(handler, {"127.0.0.1", 0});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
        co_await writer.write("hello");
        auto first = co_await reader.read_exactly(1);
        EXPECT_EQ(first, "O");
        co_await writer.start_tls(trust, {.server_name = "localhost"});
        EXPECT_TRUE(tls::session_of(writer).has_value());
        co_await writer.write("inner");
        auto second = co_await reader.read_exactly(1);
        EXPECT_EQ(second, "K");
        auto end = co_await reader.read();
        EXPECT_FALSE(end.has_value());
        co_await writer.close();
        co_await server.close();
    }());
}

// test_ssl.TestSSL.test_create_connection_memory_leak, test_handshake_timeout_handler_leak, test_shutdown_timeout_handler_leak
// test_sslproto.BaseStartTLS.test_create_connection_memory_leak
TEST(ConformanceSsl, AContextGoesWithTheLastOfItsConnections) {
    std::weak_ptr<detail::tls_settings> client, server_side;
    in_loop([](std::weak_ptr<detail::tls_settings>& client, std::weak_ptr<detail::tls_settings>& server_side) -> task<> {
        {
            const auto context = co_await tls::context::server(serving());
            const auto trust = co_await tls::context::client({.ca_file = files().authority, .handshake_timeout = 50ms});
            client = trust.settings();
            server_side = context.settings();
            auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
            (void)co_await exchange(server.address().port(), trust);
            co_await server.close();
            raw_listener silent;
            const auto late = co_await outcome_of(open_to(silent.port(), trust, "localhost"));
            EXPECT_TRUE(late.starts_with("timeout: ")) << late;
            // A peer that does not answer the end: given up after the linger time.
            auto peer = raw_listener{};
            auto [reader, writer] = co_await open_connection({"127.0.0.1", peer.port()});
            writer.set_linger(1ms);
            const auto started = co_await outcome_of(writer.start_tls(trust, {.server_name = "localhost"}));
            EXPECT_TRUE(started.starts_with("timeout: ")) << started;
            (void)co_await outcome_of(close_of(writer));
        }
        co_await settle();
        EXPECT_TRUE(client.expired());
        EXPECT_TRUE(server_side.expired());
    }(client, server_side));
    EXPECT_TRUE(client.expired());
    EXPECT_TRUE(server_side.expired());
}

task<> start_as_server(stream_writer& writer, const tls::context& context) { co_await writer.start_tls(context); }
task<> start_with(stream_writer& writer, const tls::context& trust) { co_await writer.start_tls(trust, {.server_name = "localhost"}); }

// test_ssl.TestSSL.test_start_tls_slow_client_cancel
// test_sslproto.BaseStartTLS.test_start_tls_slow_client_cancel
TEST(ConformanceSsl, AHandshakeWithASlowPeerCanBeCancelled) {
    in_loop([]() -> task<> {
        const auto trust = co_await tls::context::client(trusting());
        raw_listener slow;
        auto [reader, writer] = co_await open_connection({"127.0.0.1", slow.port()});
        auto peer = slow.accept();
        const auto outcome = co_await outcome_within(20ms, start_with(writer, trust));
        EXPECT_TRUE(outcome.starts_with("timeout: ")) << outcome;
        const auto later = co_await outcome_of(write_to(writer, "in plain text?"));
        EXPECT_NE(later, "");
    }());
}

// test_ssl.TestSSL.test_create_server_ssl_over_ssl
// test_sslproto.BaseStartTLS.test_start_tls_wrong_args
TEST(ConformanceSsl, WhatCannotBeSecuredIsRefusedWithWords) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
        const auto twice = co_await outcome_of(start_with(writer, trust));
        EXPECT_TRUE(has(twice, "secured already")) << twice;
        co_await writer.write("goes on\n");
        auto line = co_await reader.read_line();
        EXPECT_EQ(line.value_or(""), "goes on\n");
        co_await writer.close();
        // A server's context where a client's is needed.
        const auto wrong = co_await outcome_of(open_to(server.address().port(), context, "localhost"));
        EXPECT_NE(wrong, "");
        auto wrong_way = [](const tls::context& of) -> task<> { (void)co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &of}); };
        const auto serving_with = co_await outcome_of(wrong_way(trust));
        EXPECT_NE(serving_with, "");
        co_await server.close();
    }());
}

// test_streams.StreamTests.test_open_connection_no_loop_ssl
TEST(ConformanceSsl, AConnectionIsOpenedInTls) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
        auto [reader, writer] = co_await tls::open_connection({"localhost", server.address().port()}, trusting());
        co_await writer.write("GET / HTTP/1.0\r\n");
        auto line = co_await reader.read_line();
        EXPECT_EQ(line.value_or(""), "GET / HTTP/1.0\r\n");
        co_await writer.close();
        co_await server.close();
    }());
}

// test_streams.StreamTests.test_open_unix_connection_no_loop_ssl
TEST(ConformanceSsl, AUnixConnectionIsSecuredToo) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        auto [ours, theirs] = unix_socket_pair();
        auto both = gather(start_with(ours.writer, trust), start_as_server(theirs.writer, context));
        co_await std::move(both);
        co_await ours.writer.write("secret\n");
        auto line = co_await theirs.reader.read_line();
        EXPECT_EQ(line.value_or(""), "secret\n");
        auto closing = gather(close_of(ours.writer), close_of(theirs.writer));
        co_await std::move(closing);
    }());
}

// test_ssl.TestSSL.test_shutdown_cleanly
TEST(ConformanceSsl, BothSidesEndInOrder) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        int ended = 0;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto bytes = co_await reader.read_exactly(megabyte);
            EXPECT_EQ(bytes.size(), megabyte);
            co_await writer.write("OK");
            auto end = co_await reader.read();  // throws where there is no close_notify
            EXPECT_FALSE(end.has_value());
            co_await writer.close();
            ++ended;
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        auto client = [](std::uint16_t port, const tls::context& with) -> task<> {
            auto [reader, writer] = co_await open_connection({"127.0.0.1", port}, {.tls = &with});
            co_await writer.write(std::string(megabyte, 'A'));
            auto ok = co_await reader.read_exactly(2);
            EXPECT_EQ(ok, "OK");
            co_await writer.close();
        };
        task_group group;
        for (int i = 0; i < clients; ++i) group.spawn(client(server.address().port(), trust));
        co_await group.join();
        co_await server.close();
        EXPECT_EQ(ended, clients);
    }());
}

// test_ssl.TestSSL.test_flush_before_shutdown
TEST(ConformanceSsl, ACloseSendsWhatWasWritten) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        constexpr std::size_t total = 32 * 128 * 1024;
        std::size_t received = 0;
        std::string how = "nothing";
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto count = [&](stream_reader& from) -> task<> { received = co_await count_to_the_end(from); };
            how = co_await outcome_of(count(reader));
            co_await writer.close();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
        writer.set_water_marks(bytes{2 * total}, bytes{1});
        co_await writer.write(std::string(total, 'x'));
        EXPECT_GT(writer.buffered(), 0u);
        co_await writer.close();
        co_await server.close();
        EXPECT_EQ(received, total);
        EXPECT_EQ(how, "");
    }());
}

// test_ssl.TestSSL.test_remote_shutdown_receives_trailing_data
TEST(ConformanceSsl, WhoHasEndedItsOwnSideStillReceives) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        constexpr std::size_t total = 32 * 128 * 1024;
        std::size_t received = 0;
        event done;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto ping = co_await reader.read_exactly(4);
            EXPECT_EQ(ping, "ping");
            co_await writer.write("pong");
            co_await writer.write_eof();  // close_notify, and no more than that
            received = co_await count_to_the_end(reader);
            co_await writer.close();
            done.set();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
        co_await writer.write("ping");
        auto pong = co_await reader.read_exactly(4);
        EXPECT_EQ(pong, "pong");
        auto end = co_await reader.read();
        EXPECT_FALSE(end.has_value());
        co_await writer.write(std::string(total, 'x'));
        co_await writer.close();
        co_await done.wait();
        co_await server.close();
        EXPECT_EQ(received, total);
    }());
}

// test_ssl.TestSSL.test_shutdown_timeout_handler_not_set
TEST(ConformanceSsl, TheTimeForClosingRunsFromTheClose) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        event leave;
        auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
            auto line = co_await reader.read_line();
            co_await writer.write(line.value_or("nothing"));
            co_await leave.wait();  // neither reads nor closes
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
        writer.set_linger(20ms);
        co_await sleep(60ms);
        co_await writer.write("still there\n");
        auto line = co_await reader.read_line();
        EXPECT_EQ(line.value_or(""), "still there\n");
        const auto began = now();
        (void)co_await outcome_of(close_of(writer));
        EXPECT_GE(now() - began, 15ms) << "the peer is given its time";
        leave.set();
        co_await server.close();
    }());
}

// test_sslproto.SslProtoHandshakeTests.test_handshake_timeout_zero, test_handshake_timeout_negative
TEST(ConformanceSsl, AHandshakeTimeOutOfZeroIsNone) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
        for (const duration limit : {duration{0s}, duration{-10s}}) {
            const auto trust = co_await tls::context::client({.ca_file = files().authority, .handshake_timeout = limit});
            (void)co_await exchange(server.address().port(), trust);
        }
        co_await server.close();
    }());
}

// test_sslproto.SslProtoHandshakeTests.test_check_hostname_accepts_server_hostname, test_check_hostname_requires_server_hostname
TEST(ConformanceSsl, ThePeersNameIsVerifiedAlways) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server({.certificate = files().elsewhere, .key = files().key});
        const auto trust = co_await tls::context::client(trusting());
        auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
        const auto port = server.address().port();
        EXPECT_EQ(co_await outcome_of(open_to(port, trust, "elsewhere.example")), "");
        const auto unnamed = co_await outcome_of(open_to(port, trust, ""));
        EXPECT_TRUE(has(unnamed, "not for 127.0.0.1")) << unnamed;
        auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
        const auto starting = co_await outcome_of(writer.start_tls(trust));
        EXPECT_TRUE(has(starting, "not for 127.0.0.1")) << starting;
        (void)co_await outcome_of(close_of(writer));
    }());
}

// test_sslproto.SslProtoHandshakeTests.test_close_during_handshake
TEST(ConformanceSsl, ACloseEndsAHandshakeAndItsSocket) {
    in_loop([]() -> task<> {
        const auto trust = co_await tls::context::client({.ca_file = files().authority, .handshake_timeout = 0s});
        raw_listener listener;
        auto [reader, writer] = co_await open_connection({"127.0.0.1", listener.port()});
        auto peer = listener.accept();
        writer.set_linger(1ms);
        auto close_soon = [](stream_writer& of) -> task<> {
            co_await settle();
            co_await of.close();
        };
        auto both = gather(outcome_of(start_with(writer, trust)), outcome_of(close_soon(writer)));
        auto [started, closed] = co_await std::move(both);
        EXPECT_TRUE(started.starts_with("handshake: ")) << started;
        const auto heard = co_await to_thread(leat::testing::receive_all_from, peer.fd());
        EXPECT_FALSE(heard.ends_with("<Resource temporarily unavailable>"));
    }());
}

// test_sslproto.SslProtoHandshakeTests.test_data_received_after_closing, test_write_after_closing, test_get_extra_info_on_closed_connection
TEST(ConformanceSsl, AfterTheCloseDataIsDroppedAndAWriteIsAnError) {
    in_loop([]() -> task<> {
        const auto context = co_await tls::context::server(serving());
        const auto trust = co_await tls::context::client(trusting());
        auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
            // Goes on writing although the client has ended the connection.
            auto end = co_await reader.read();
            EXPECT_FALSE(end.has_value());
            (void)co_await outcome_of(write_to(writer, std::string(megabyte, 'x')));
            (void)co_await outcome_of(close_of(writer));
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()}, {.tls = &trust});
        EXPECT_FALSE(writer.local_address().to_string().empty());
        EXPECT_EQ(co_await outcome_of(close_of(writer)), "");
        const auto writing = co_await outcome_of(write_to(writer, "data"));
        EXPECT_TRUE(has(writing, "write after close")) << writing;
        EXPECT_EQ(writer.local_address(), address{}) << "a closed connection has none";
        co_await server.close();
    }());
}

}  // namespace
}  // namespace leat::tls_test
