// TLS from peers that mean no good: what they cost has a bound, and the others are served.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "abuse/process.hpp"
#include "leat/leat.hpp"
#include "net/tcp_stream.hpp"
#include "unit/tls_pair.hpp"

using namespace std::chrono_literals;
using leat::testing::in_loop;
using leat::testing::raw_socket;

namespace leat::tls_test {
namespace {

using leat::testing::measured;

/// OpenSSL's own client on a blocking socket, for what leat's would not do.
class stranger {
public:
    explicit stranger(std::uint16_t port, int version = TLS1_3_VERSION) : socket_(raw_socket::connect_to(port)), context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_min_proto_version(context_.get(), version);
        SSL_CTX_set_max_proto_version(context_.get(), version);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), socket_.fd());
    }
    bool connect() { return SSL_connect(ssl_.get()) == 1; }
    SSL* ssl() { return ssl_.get(); }
    raw_socket& socket() { return socket_; }
    /// Asks for new keys again and again, and reads none of the answers; how often it could.
    int ask_for_keys(int times) {
        timeval limit{.tv_sec = 15, .tv_usec = 0};  // small buffers make for retransmissions, which take their time
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        for (int i = 0; i < times; ++i) {
            int done = SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED);
            if (done == 1) done = SSL_do_handshake(ssl_.get());
            if (done == 1) continue;
            left_waiting_ = SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_WRITE;
            return i;
        }
        return times;
    }
    /// Did the server neither read on nor end the connection?
    bool left_waiting() const { return left_waiting_; }

private:
    struct free_context {
        void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
    };
    struct free_ssl {
        void operator()(SSL* p) const { SSL_free(p); }
    };
    raw_socket socket_;
    std::unique_ptr<SSL_CTX, free_context> context_;
    std::unique_ptr<SSL, free_ssl> ssl_;
    bool left_waiting_ = false;
};

bool connect_blocking(stranger& who) { return who.connect(); }
int ask_blocking(stranger& who, int times) { return who.ask_for_keys(times); }

/// Serves until the given peer's connection has ended; the most that its connection had to send.
struct watching_server {
    std::size_t most_unsent = 0;
    std::string outcome = "open";
    event first_ended;
    task<> handle(stream_reader reader, stream_writer writer) {
        const bool first = outcome == "open";
        if (first) leat::testing::raw_socket{::dup(dynamic_cast<detail::tcp_stream&>(*writer.transport()).descriptor())}.narrow();
        auto watch = [](const stream_writer& of, std::size_t& most) -> task<> {
            for (;;) {
                most = std::max(most, of.buffered());
                co_await sleep(1ms);
            }
        };
        auto reads = [](stream_reader& from, stream_writer& to) -> task<> {
            while (auto line = co_await from.read_line()) co_await to.write(*line);
        };
        if (first) outcome = "waiting";
        std::string how;
        auto converse = [&]() -> task<> { how = co_await outcome_of(reads(reader, writer)); };
        auto ended = co_await race(converse(), watch(writer, most_unsent));
        (void)ended;
        if (first) outcome = how, first_ended.set();
        writer.set_linger(1ms);
        (void)co_await (writer.close() | as_result);
    }
};

task<> key_update_flood(std::size_t& most_unsent, std::string& outcome, int& asked, std::size_t& grown) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    watching_server state;
    auto handler = [&](stream_reader reader, stream_writer writer) { return state.handle(std::move(reader), std::move(writer)); };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
    stranger flood{server.address().port()};
    flood.socket().narrow();
    const bool connected = co_await to_thread(connect_blocking, std::ref(flood));
    EXPECT_TRUE(connected);
    const std::size_t before = leat::testing::memory_of();
    auto asking = [](stranger& who, int& count) -> task<> { count = co_await to_thread(ask_blocking, std::ref(who), 60'000); };
    auto others = [](std::uint16_t port, const tls::context& with) -> task<> {
        for (int i = 0; i < 5; ++i) (void)co_await timeout(20s, exchange(port, with));
    };
    auto both = gather(asking(flood, asked), others(server.address().port(), trust));
    co_await std::move(both);
    EXPECT_FALSE(flood.left_waiting());
    grown = leat::testing::memory_of() - before;
    flood.socket().close();
    co_await state.first_ended.wait();
    outcome = state.outcome;
    most_unsent = state.most_unsent;
    co_await server.close();
}

TEST(TlsAbuse, EndlessKeyUpdatesWhoseAnswersNobodyReadsEndTheConnection) {
    std::size_t most_unsent = 0, grown = 0;
    std::string outcome;
    int asked = 0;
    in_loop(key_update_flood(most_unsent, outcome, asked, grown));
    EXPECT_LT(most_unsent, std::size_t{512} * 1024) << "after " << asked << " requests";
    EXPECT_TRUE(has(outcome, "does not read the answers")) << outcome << " after " << asked << " requests";
    if (measured) {
        EXPECT_LT(grown, std::size_t{16} << 20);
    }
}

/// Asks for new keys and reads on.
std::string ask_and_read(stranger& who, int times) {
    char byte[64];
    for (int i = 0; i < times; ++i) {
        if (SSL_key_update(who.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(who.ssl()) != 1) return "refused";
    }
    if (SSL_write(who.ssl(), "hello\n", 6) != 6) return "write refused";
    const int n = SSL_read(who.ssl(), byte, sizeof byte);
    return n > 0 ? std::string(byte, static_cast<std::size_t>(n)) : "nothing";
}

task<> keys_without_data(std::string& reply, std::size_t& room) {
    const auto context = co_await tls::context::server(serving());
    auto handler = [&](stream_reader reader, stream_writer writer) -> task<> {
        auto line = co_await reader.read_line();
        room = reader.transport()->input.room_size();
        co_await writer.write(line.value_or(""));
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
    stranger asks{server.address().port()};
    const bool connected = co_await to_thread(connect_blocking, std::ref(asks));
    EXPECT_TRUE(connected);
    reply = co_await to_thread(ask_and_read, std::ref(asks), 60'000);
    asks.socket().close();
    co_await server.close();
}

TEST(TlsAbuse, RecordsWithoutDataTakeNoRoom) {
    std::string reply;
    std::size_t room = 0;
    in_loop(keys_without_data(reply, room));
    EXPECT_EQ(reply, "hello\n");
    EXPECT_LT(room, std::size_t{300} * 1024) << "not what all those records were long";
}

int renegotiate(stranger& who) { return who.connect() && SSL_renegotiate(who.ssl()) == 1 && SSL_do_handshake(who.ssl()) == 1 ? 1 : 0; }

task<> renegotiation(int& renegotiated) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    stranger old{server.address().port(), TLS1_2_VERSION};
    renegotiated = co_await to_thread(renegotiate, std::ref(old));
    (void)co_await exchange(server.address().port(), trust);
    old.socket().close();
    co_await server.close();
}

TEST(TlsAbuse, RenegotiationIsRefused) {
    int renegotiated = -1;
    in_loop(renegotiation(renegotiated));
    EXPECT_EQ(renegotiated, 0);
}

task<> handshakes_that_never_end(std::size_t& grown) {
    tls::server_options options = serving();
    options.handshake_timeout = 300ms;
    const auto context = co_await tls::context::server(options);
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    (void)co_await exchange(server.address().port(), trust);
    const std::size_t before = leat::testing::memory_of();
    std::vector<raw_socket> halfway;
    for (int i = 0; i < 200; ++i) {
        halfway.push_back(raw_socket::connect_to(server.address().port()));
        halfway.back().send(std::string_view{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11}.substr(0, static_cast<std::size_t>(i % 12)));
    }
    while (server.statistics().accepted < 201) co_await sleep(1ms);
    (void)co_await exchange(server.address().port(), trust);
    grown = leat::testing::memory_of() - before;
    while (server.connections() > 0) co_await sleep(5ms);
    co_await server.close();
}

TEST(TlsAbuse, HandshakesThatNeverEndAreGivenUp) {
    listening_to_the_log log;
    std::size_t grown = 0;
    in_loop(handshakes_that_never_end(grown));
    const std::string said = log.take();
    EXPECT_TRUE(has(said, "tls handshake 127.0.0.1:")) << said.substr(0, 2000);
    if (measured) {
        EXPECT_LT(grown, std::size_t{200} * 64 * 1024) << "OpenSSL's own state is the most of it";
    }
}

/// What the server does with these bytes: how many it let itself be sent, to the end of the connection.
std::size_t pour(std::uint16_t port, const std::string& first, const std::string& again, std::size_t most) {
    auto peer = raw_socket::connect_to(port);
    timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::size_t sent = 0;
    try {
        peer.send(first);
        sent += first.size();
        while (!again.empty() && sent < most) peer.send(again), sent += again.size();
    } catch (const std::exception&) {
        return sent;
    }
    peer.shut_down_sending();
    (void)leat::testing::receive_all_from(peer.fd());
    return sent;
}

task<> hellos(std::vector<std::size_t>& sent, std::size_t& grown) {
    const auto context = co_await tls::context::server(serving());
    const auto trust = co_await tls::context::client(trusting());
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0}, {.tls = &context});
    const auto port = server.address().port();
    (void)co_await exchange(port, trust);
    const std::size_t before = leat::testing::memory_of();
    constexpr std::size_t most = 64 << 20;
    // A hello of 16 MiB, in records of 16 KiB.
    const std::string body(16 * 1024, '\x03');
    const std::string record = std::string{"\x16\x03\x01\x40\x00", 5} + body;
    sent.push_back(co_await to_thread(pour, port, std::string{"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9}, record, most));
    // One in pieces of a byte each, without end.
    std::string bytes;
    for (int i = 0; i < 4096; ++i) bytes += std::string{"\x16\x03\x01\x00\x01\x03", 6};
    sent.push_back(co_await to_thread(pour, port, std::string{"\x16\x03\x01\x00\x04\x01\x03\xff\xff", 9}, bytes, most));
    // Empty records, without end.
    std::string nothing;
    for (int i = 0; i < 4096; ++i) nothing += std::string{"\x16\x03\x01\x00\x00", 5};
    sent.push_back(co_await to_thread(pour, port, nothing, nothing, most));
    // Noise, and a record that is too long.
    sent.push_back(co_await to_thread(pour, port, noise(100'000), noise(100'000), most));
    sent.push_back(co_await to_thread(pour, port, std::string{"\x16\x03\x01\xff\xff", 5}, body, most));
    grown = leat::testing::memory_of() - before;
    (void)co_await exchange(port, trust);
    co_await server.close();
}

TEST(TlsAbuse, HellosThatAreTooLongOrBrokenAreRefused) {
    listening_to_the_log log;
    std::vector<std::size_t> sent;
    std::size_t grown = 0;
    in_loop(hellos(sent, grown));
    ASSERT_EQ(sent.size(), 5u);
    const std::string said = log.take();
    std::size_t refused = 0;
    for (auto at = said.find("warning tls 127.0.0.1:"); at != std::string::npos; at = said.find("warning tls 127.0.0.1:", at + 1)) ++refused;
    EXPECT_EQ(refused, 5u) << said.substr(0, 2000);
    // What still comes while such a connection closes is read and dropped.
    if (measured) {
        EXPECT_LT(grown, std::size_t{8} << 20);
    }
}

}  // namespace
}  // namespace leat::tls_test
