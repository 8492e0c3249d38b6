#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "cancel/matrix.hpp"
#include "cancel/tls_contexts.hpp"
#include "leat/leat.hpp"
#include "support/connected.hpp"

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
        server_context.emplace(co_await shared_server_context());
        client_context.emplace(co_await shared_client_context());
        auto handler = [this](stream_reader reader, stream_writer writer) { return hold(std::move(reader), std::move(writer)); };
        listening.emplace(co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &*server_context}));
        client = co_await open_connection({"127.0.0.1", listening->address().port()}, {.tls = &*client_context, .server_name = "localhost"});
        client.writer.set_linger(1ms);
        co_await arrived.wait();
        sends.emplace();
    }
    stream_reader& reader() { return client.reader; }
    std::optional<task_group> sends;
    static task<> write(stream_writer& to, std::string text) { co_await to.write(text); }
    /// The write goes out at the end of the next turn.
    void send(std::string_view text) { sends->spawn(write(accepted->writer, std::string{text})); }
    void end() { accepted->writer.write_eof(); }
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
    static std::string counting(std::size_t size, std::size_t from) {
        std::string text(size, ' ');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('0' + (from + i) * 7 / 5 % 10);
        return text;
    }
    task<> prepare() override {
        pair = co_await connect_pair({.send_buffer = {4096}}, false, true);
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
        const std::string more = counting(100, sent.size());
        auto accepted = co_await (timeout(1ms, pair.writer.write(more)) | as_result);
        const bool torn = !accepted && !is_timeout(accepted.error());
        EXPECT_TRUE(!torn || may_tear) << "the writer has failed";
        if (!torn) sent += more;
        pair.writer = {};
        co_await settle();
        while (!torn && received.size() < sent.size()) {
            receive();
            co_await yield();
        }
        receive();
        EXPECT_TRUE(torn ? received.starts_with(sent) || sent.starts_with(received) : received == sent) << received.size() << " of " << sent.size();
        pair.peer.close();
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
    bool may_tear = false;
};
/// Accepted whole before it waits, also where it throws.
struct writing final : brimful {
    task<> wait() override {
        const std::string text = counting(2000, sent.size());
        sent += text;
        co_await pair.writer.write(text);
    }
};
/// Cut midway it ends the output: what follows a torn record would be taken for its rest.
struct writing_piecewise final : brimful {
    std::string text;
    bool whole = false;
    task<> wait() override {
        may_tear = true;
        text = counting(50'000, sent.size());
        co_await pair.writer.write(text);
        sent += text;
        may_tear = false;
        whole = true;
    }
    task<> complete() override {
        while (!whole) {
            receive();
            co_await yield();
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
        server_context.emplace(co_await shared_server_context());
        client_context.emplace(co_await shared_client_context());
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
