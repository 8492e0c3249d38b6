#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "unit/tls_support.hpp"

// Readers and writers, over each kind of connection.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// A connection over TCP whose peer does what it is told.
struct over_tcp {
    connected pair;
    task<> open() { pair = co_await connect_pair(); }
    stream_reader& reader() { return pair.reader; }
    void send(std::string_view text) { pair.peer.send(text); }
    void end() { pair.peer.shut_down_sending(); }
};
struct over_a_pipe {
    stream_reader in;
    int write_end = -1;
    ~over_a_pipe() { end(); }
    task<> open() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        in = open_reader(ends[0]);
        ::close(ends[0]);
        write_end = ends[1];
        co_return;
    }
    stream_reader& reader() { return in; }
    void send(std::string_view text) { EXPECT_EQ(::write(write_end, text.data(), text.size()), static_cast<ssize_t>(text.size())); }
    void end() {
        if (write_end >= 0) ::close(std::exchange(write_end, -1));
    }
};
/// A server of OpenSSL's would need a process; leat's own is at the other end, in the same loop.
struct over_tls {
    std::optional<tls::context> server_context, client_context;
    std::optional<server> listening;
    connection client;
    std::optional<connection> accepted;
    event arrived;
    event gone;
    task<> hold(stream_reader reader, stream_writer writer) {
        accepted.emplace(connection{std::move(reader), std::move(writer)});
        accepted->writer.set_linger(1ms);
        arrived.set();
        co_await gone.wait();
    }
    task<> open() {
        const auto& files = tls_test::certificates::instance();
        server_context.emplace(co_await tls::context::server({.certificate = files.good, .key = files.key}));
        client_context.emplace(co_await tls::context::client({.ca_file = files.authority}));
        auto handler = [this](stream_reader reader, stream_writer writer) { return hold(std::move(reader), std::move(writer)); };
        listening.emplace(co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &*server_context}));
        client = co_await open_connection({"127.0.0.1", listening->address().port()}, {.tls = &*client_context, .server_name = "localhost"});
        client.writer.set_linger(1ms);
        co_await arrived.wait();
    }
    stream_reader& reader() { return client.reader; }
    /// The write goes out at the end of this turn.
    void send(std::string_view text) { EXPECT_TRUE(accepted->writer.write(text).await_ready()); }
    void end() {
        if (!accepted) return;
        accepted->writer.write_eof();
    }
};

/// Reads four bytes, in one of four ways.
template <class Over>
struct reading : scene {
    Over over;
    std::string got;
    bool sent = false;
    task<> prepare() override { co_await over.open(); }
    void trigger() override {
        if (!std::exchange(sent, true)) over.send("abc\n");
    }
    /// The bytes come exactly once: to the one that waited, or to the next.
    task<> check(ending) override {
        trigger();
        over.send("next\n");
        while (got.size() < 9) {
            auto more = co_await over.reader().read();
            if (!more) break;
            got += *more;
        }
        EXPECT_EQ(got, "abc\nnext\n");
        over.end();
        auto end = co_await over.reader().read();
        EXPECT_FALSE(end);
    }
};
template <class Over>
struct reading_some final : reading<Over> {
    task<> wait() override {
        auto some = co_await this->over.reader().read();
        this->got = std::string{*some};
    }
};
template <class Over>
struct reading_a_line final : reading<Over> {
    task<> wait() override {
        auto line = co_await this->over.reader().read_line();
        this->got = std::string{*line};
    }
};
template <class Over>
struct reading_until final : reading<Over> {
    task<> wait() override {
        auto piece = co_await this->over.reader().read_until("c\n", "zz");
        this->got = std::string{*piece};
    }
};
template <class Over>
struct reading_exactly final : reading<Over> {
    task<> wait() override { this->got = std::string{co_await this->over.reader().read_exactly(4)}; }
};

/// A connection whose peer does not read, full to the brim. What it was sent is digits in order, so that a byte too few or too many shows.
struct brimful : scene {
    connected pair;
    std::string sent;      // what was accepted
    std::string received;
    bool torn = false;
    static std::string counting(std::size_t size, std::size_t from) {
        std::string text(size, ' ');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('0' + (from + i) * 7 / 5 % 10);
        return text;
    }
    task<> prepare() override {
        pair = co_await connect_pair({}, false, true);
        pair.writer.set_linger(1ms);
        pair.writer.set_water_marks({4096}, {1024});
        // The kernel takes some; then all that is written stays here, up to the mark.
        do {
            const std::string text = counting(4096, sent.size());
            sent += text;
            auto outcome = co_await (timeout(1ms, pair.writer.write(text)) | as_result);
            (void)outcome;
            co_await settle(2);
        } while (pair.writer.buffered() <= 4096);
    }
    void receive() {
        char piece[8192];
        for (ssize_t n; (n = ::recv(pair.peer.fd(), piece, sizeof piece, MSG_DONTWAIT)) > 0;) received.append(piece, static_cast<std::size_t>(n));
    }
    void trigger() override { receive(); }
    task<> complete() override {
        while (pair.writer.buffered() > 0) {
            receive();
            co_await yield();
        }
    }
    /// Everything that was accepted arrives, in order, and what follows it.
    task<> check(ending) override {
        if (torn) {
            auto outcome = co_await (pair.writer.write("x") | as_result);
            EXPECT_FALSE(outcome) << "a torn record, and the writer goes on";
            pair.peer.close();
            co_return;
        }
        const std::string more = counting(100, sent.size());
        sent += more;
        auto accepted = co_await (timeout(1ms, pair.writer.write(more)) | as_result);
        (void)accepted;
        pair.writer = {};
        while (received.size() < sent.size()) {
            receive();
            co_await yield();
        }
        EXPECT_EQ(received.size(), sent.size());
        EXPECT_TRUE(received == sent);
        pair.peer.close();
    }
};
struct writing final : brimful {
    std::string text;
    task<> wait() override {
        text = counting(2000, sent.size());
        co_await pair.writer.write(text);
    }
    task<> check(ending how) override {
        // Cancelled before it starts it wrote nothing; later it wrote all. How much is in the buffer tells.
        co_await complete();
        if (received.size() > sent.size()) sent += text;
        EXPECT_EQ(received.size(), sent.size());
        if (how == ending::stands) {
            EXPECT_TRUE(received.ends_with(text));
        }
        co_await brimful::check(how);
    }
};
struct writing_piecewise final : brimful {
    std::string text;
    task<> wait() override {
        text = counting(50'000, sent.size());
        co_await pair.writer.write(text);
        sent += text;
    }
    task<> complete() override {
        for (int i = 0; i < 2; ++i)
            while (pair.writer.buffered() > 0) {
                receive();
                co_await yield();
            }
    }
    task<> check(ending how) override {
        if (how != ending::stands && !text.empty()) {
            // A piece of it may have gone: then the writer says so. Otherwise nothing of it has.
            auto outcome = co_await (timeout(1ms, pair.writer.write("")) | as_result);
            torn = !outcome && outcome.error().exception() != nullptr && !is_timeout(outcome.error());
        }
        co_await brimful::check(how);
    }
    static bool is_timeout(const failure& f) {
        try {
            std::rethrow_exception(f.exception());
        } catch (const timeout_error&) {
            return true;
        } catch (...) {
            return false;
        }
    }
};
struct draining final : brimful {
    task<> wait() override { co_await pair.writer.drain(); }
    task<> ahead() override { co_await pair.writer.drain(); }
};
struct ending_output final : brimful {
    task<> wait() override { co_await pair.writer.write_eof(); }
    task<> check(ending) override {
        pair.writer = {};
        std::string all = received;
        char piece[8192];
        for (;;) {
            const ssize_t n = ::recv(pair.peer.fd(), piece, sizeof piece, MSG_DONTWAIT);
            if (n == 0) break;
            if (n > 0) all.append(piece, static_cast<std::size_t>(n));
            co_await yield();
        }
        EXPECT_TRUE(all == sent) << "the end came early";
    }
};
struct closing final : scene {
    connected pair;
    task<> prepare() override {
        pair = co_await connect_pair();
        co_await pair.writer.write("last");
    }
    task<> wait() override { co_await pair.writer.close(); }
    void trigger() override { pair.peer.shut_down_sending(); }
    task<> check(ending) override {
        trigger();
        co_await pair.writer.close();
        pair.writer = {};
        pair.reader = {};
        EXPECT_EQ(co_await to_thread(receive_all_from, pair.peer.fd()), "last") << "the closing went on by itself";
    }
};
/// The peer says nothing until it is told to.
struct securing final : scene {
    std::optional<tls::context> server_context, client_context;
    connection client, other;
    std::optional<task_group> at_the_other_end;
    task<> prepare() override {
        const auto& files = tls_test::certificates::instance();
        server_context.emplace(co_await tls::context::server({.certificate = files.good, .key = files.key}));
        client_context.emplace(co_await tls::context::client({.ca_file = files.authority}));
        auto both = unix_socket_pair();
        client = std::move(both.first);
        other = std::move(both.second);
        client.writer.set_linger(1ms);
        other.writer.set_linger(1ms);
        at_the_other_end.emplace();
    }
    static task<> answer(stream_writer& writer, const tls::context& context) {
        auto outcome = co_await (writer.start_tls(context) | as_result);
        (void)outcome;
    }
    task<> wait() override { co_await client.writer.start_tls(*client_context, {.server_name = "localhost"}); }
    bool told = false;
    void trigger() override {
        if (!std::exchange(told, true)) at_the_other_end->spawn(answer(other.writer, *server_context));
    }
    task<> check(ending how) override {
        if (how == ending::stands) {
            auto echo = other.writer.write("abc\n");
            co_await at_the_other_end->join();
            co_await echo;
            auto line = co_await client.reader.read_line();
            EXPECT_EQ(line.value_or(""), "abc\n");
        }
        client = {};
        other.reader = {};
        at_the_other_end.reset();
        other = {};
    }
};
struct copying final : scene {
    connected from, to;
    bool sent = false;
    task<> prepare() override {
        from = co_await connect_pair();
        to = co_await connect_pair();
        from.peer.send("first ");
    }
    task<> wait() override { EXPECT_EQ(co_await copy(from.reader, to.writer), 10u); }
    void trigger() override {
        if (std::exchange(sent, true)) return;
        from.peer.send("last");
        from.peer.shut_down_sending();
    }
    /// What was moved is moved; the rest is still to be read.
    task<> check(ending) override {
        trigger();
        co_await copy(from.reader, to.writer);
        to.writer = {};
        EXPECT_EQ(co_await to_thread(receive_all_from, to.peer.fd()), "first last");
        to.peer.close();
    }
};

}  // namespace

std::vector<matrix_row> stream_rows() {
    constexpr auto group = "streams";
    constexpr auto kept = "no byte is lost; may be called again";
    std::vector<matrix_row> rows{
        waiting_row<reading_some<over_tcp>>(group, "stream_reader::read", kept),
        waiting_row<reading_a_line<over_tcp>>(group, "stream_reader::read_line", kept),
        waiting_row<reading_until<over_tcp>>(group, "stream_reader::read_until", kept),
        waiting_row<reading_exactly<over_tcp>>(group, "stream_reader::read_exactly", kept),
        waiting_row<reading_some<over_tls>>(group, "read over TLS", kept),
        waiting_row<reading_a_line<over_tls>>(group, "read_line over TLS", kept),
        waiting_row<reading_exactly<over_tls>>(group, "read_exactly over TLS", kept),
        waiting_row<reading_some<over_a_pipe>>(group, "read from a pipe", kept),
        waiting_row<reading_a_line<over_a_pipe>>(group, "read_line from a pipe", kept),
        waiting_row<reading_exactly<over_a_pipe>>(group, "read_exactly from a pipe", kept),
        waiting_row<writing>(group, "stream_writer::write", "written whole, or nothing of it; everything else arrives"),
        waiting_row<writing_piecewise>(group, "stream_writer::write, above the mark", "whole, nothing, or a writer that fails from then on"),
        queued_row<draining>(group, "stream_writer::drain", kept),
        waiting_row<ending_output>(group, "stream_writer::write_eof", "everything arrives, then the end"),
        waiting_row<closing>(group, "stream_writer::close", "everything arrives; the closing goes on; may be called again"),
        waiting_row<securing>(group, "stream_writer::start_tls", "the connection can be closed"),
        waiting_row<copying>(group, "copy", "what was moved arrives, the rest can still be read"),
    };
    return rows;
}

}  // namespace leat::testing
