#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "cancel/matrix.hpp"
#include "cancel/tls_contexts.hpp"
#include "leat/leat.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

// Connecting, listening, serving.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// What is opened is closed at once.
task<> close_quickly(connection opened) {
    opened.writer.set_linger(0ms);
    opened = {};
    co_return;
}

/// A server whose queue is full, so that a connection waits for a place in it; the kernel tries again after a second.
struct connecting : scene {
    raw_listener listener{false, 0};
    std::vector<raw_socket> queued;
    task<> prepare() override {
        queued.push_back(raw_socket::connect_to(listener.port()));
        co_return;
    }
    void trigger() override {
        if (!queued.empty()) queued.clear(), (void)listener.accept();
    }
    task<> wait() override {
        auto opened = co_await open_connection({"127.0.0.1", listener.port()});
        co_await close_quickly(std::move(opened));
    }
    ~connecting() override { listener.close(); }
};
/// A name that no server of names knows, or will answer for soon.
struct connecting_by_name final : scene {
    task<> wait() override {
        auto outcome = co_await (open_connection({"leat-cancel-test.invalid", 80}, {.timeout = 20ms}) | as_result);
        EXPECT_FALSE(outcome);
    }
};
/// A name of /etc/hosts.
struct connecting_to_localhost final : scene {
    raw_listener listener{false, 64};
    task<> wait() override {
        auto opened = co_await open_connection({"localhost", listener.port()});
        co_await close_quickly(std::move(opened));
    }
};

task<> greet(stream_reader reader, stream_writer writer) {
    writer.set_linger(1ms);
    auto line = co_await (reader.read_line() | as_result);
    (void)line;
}

/// A server that begins to talk TLS when it is told to.
struct handshaking : scene {
    raw_listener listener{false, 64};
    std::optional<tls::context> server_context;
    std::optional<task_group> serving;
    std::optional<server> listening;
    bool told = false;
    task<> prepare() override {
        server_context.emplace(co_await shared_server_context());
        serving.emplace();
    }
    static task<> serve(handshaking& of) {
        of.listening.emplace(co_await start_server_on(greet, ::dup(of.listener.fd()), {.drain_timeout = 1ms, .tls = &*of.server_context}));
        of.listener.close();
    }
    void trigger() override {
        if (!std::exchange(told, true)) serving->spawn(serve(*this));
    }
    task<> check(ending) override {
        co_await serving->join();
        if (listening) co_await listening->close();
    }
};
struct opening_with_a_context final : handshaking {
    std::optional<tls::context> client_context;
    task<> prepare() override {
        co_await handshaking::prepare();
        client_context.emplace(co_await shared_client_context());
    }
    task<> wait() override {
        auto opened = co_await open_connection({"127.0.0.1", listener.port()}, {.tls = &*client_context, .server_name = "localhost"});
        co_await close_quickly(std::move(opened));
    }
};
struct opening_securely final : handshaking {
    task<> wait() override {
        auto options = trusting_the_test();
        options.server_name = "localhost";
        auto opened = co_await tls::open_connection({"127.0.0.1", listener.port()}, options);
        co_await close_quickly(std::move(opened));
    }
};

struct connecting_to_unix final : scene {
    std::string name = "leat-cancel-" + std::to_string(::getpid());
    int listening = -1;
    std::vector<raw_socket> queued;
    bool told = false;
    raw_socket connect() const {
        raw_socket made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto [address, size] = named();
        EXPECT_EQ(::connect(made.fd(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        return made;
    }
    std::pair<sockaddr_storage, socklen_t> named() const {
        sockaddr_storage address{};
        address.ss_family = AF_UNIX;
        // An abstract name: a NUL byte first.
        std::copy(name.begin(), name.end(), reinterpret_cast<char*>(&address) + sizeof(sa_family_t) + 1);
        return {address, static_cast<socklen_t>(sizeof(sa_family_t) + 1 + name.size())};
    }
    task<> prepare() override {
        listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto [address, size] = named();
        EXPECT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listening, 0), 0);
        queued.push_back(connect());
        co_return;
    }
    ~connecting_to_unix() override { ::close(listening); }
    task<> wait() override {
        auto opened = co_await open_unix_connection(unix_address::abstract(name));
        co_await close_quickly(std::move(opened));
    }
    void trigger() override {
        if (std::exchange(told, true)) return;
        ::close(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    }
};

struct starting : scene {
    std::optional<server> made;
    task<> check(ending how) override {
        EXPECT_EQ(made.has_value(), how == ending::stands);
        made.reset();
        co_return;
    }
};
struct starting_a_server final : starting {
    task<> wait() override { made.emplace(co_await start_server(greet, {"127.0.0.1", 0})); }
};
struct starting_a_named_server final : starting {
    task<> wait() override { made.emplace(co_await start_server(greet, {"localhost", 0})); }
};
struct starting_a_server_on_a_socket final : starting {
    raw_listener listener;
    task<> wait() override { made.emplace(co_await start_server_on(greet, ::dup(listener.fd()))); }
};
struct starting_a_unix_server final : starting {
    testing::temporary_directory directory;
    task<> wait() override { made.emplace(co_await start_unix_server(greet, directory / "socket")); }
    task<> check(ending how) override {
        co_await starting::check(how);
        EXPECT_FALSE(std::filesystem::exists(directory / "socket"));
    }
};

/// A server with one client that is being served.
struct serving : scene {
    std::optional<server> served;
    event may_end;
    int inside = 0;
    raw_socket client;
    std::uint16_t port = 0;
    task<> hold(stream_reader, stream_writer writer) {
        struct leaving {
            ~leaving() { --count; }
            int& count;
        } at_the_end{inside};
        ++inside;
        writer.set_linger(1ms);
        co_await may_end.wait();
    }
    task<> prepare() override {
        auto handler = [this](stream_reader reader, stream_writer writer) { return hold(std::move(reader), std::move(writer)); };
        served.emplace(co_await start_server(handler, {"127.0.0.1", 0}, {.drain_timeout = 1h}));
        port = served->address().port();
        client = raw_socket::connect_to(port);
        while (inside == 0) co_await yield();
    }
    void trigger() override {
        served->stop();
        may_end.set();
    }
    task<> check(ending how) override {
        if (how != ending::dropped) {
            EXPECT_EQ(inside, 0) << "a handler outlives its server's end";
            EXPECT_EQ(served->connections(), 0u);
            EXPECT_THROW((void)raw_socket::connect_to(port), std::runtime_error) << "it still listens";
        }
        served.reset();
        EXPECT_EQ(inside, 0);
        co_return;
    }
};
struct serving_forever final : serving {
    task<> wait() override { co_await served->serve_forever(); }
};
struct closing_a_server final : serving {
    task<> wait() override { co_await served->close(); }
};

struct making_a_client_context final : scene {
    task<> wait() override {
        auto made = co_await tls::context::client(trusting_the_test());
        EXPECT_FALSE(made.is_server());
    }
    task<> check(ending) override { co_await wait(); }
};
struct making_a_server_context final : scene {
    task<> wait() override {
        auto made = co_await tls::context::server(served_by_test());
        EXPECT_TRUE(made.is_server());
    }
    task<> check(ending) override { co_await wait(); }
};
struct reloading_a_context final : scene {
    std::optional<tls::context> context;
    task<> prepare() override { context.emplace(co_await tls::context::server(served_by_test())); }
    task<> wait() override { co_await context->reload(); }
    task<> check(ending) override { co_await context->reload(); }
};

}  // namespace

std::vector<matrix_row> network_rows() {
    constexpr auto group = "connections and servers";
    constexpr auto closed = "nothing stays open";
    constexpr auto again = "may be called again";
    constexpr auto stopped = "it does not listen, no handler runs, every connection is closed";
    std::vector<matrix_row> rows{
        waiting_row<connecting>(group, "open_connection", closed),
        call_row<connecting_by_name>(group, "open_connection, looking up a name", closed),
        call_row<connecting_to_localhost>(group, "open_connection to a name", closed),
        waiting_row<opening_with_a_context>(group, "open_connection, TLS handshake", closed),
        waiting_row<opening_securely>(group, "tls::open_connection", closed),
        waiting_row<connecting_to_unix>(group, "open_unix_connection", closed),
        instant_row<starting_a_server>(group, "start_server", "it listens, or nothing stays open"),
        call_row<starting_a_named_server>(group, "start_server on a name", "it listens, or nothing stays open"),
        instant_row<starting_a_server_on_a_socket>(group, "start_server_on", "it listens"),
        instant_row<starting_a_unix_server>(group, "start_unix_server", "it listens, or nothing stays open and no file is left"),
        waiting_row<serving_forever>(group, "server::serve_forever", stopped),
        {group, "server::close", make_scene<closing_a_server>, outcome::stands, outcome::stands, outcome::stands, outcome::stands, stopped,
         {.after_cancel = true}},
        pool_row<making_a_client_context>(group, "tls::context::client", again),
        pool_row<making_a_server_context>(group, "tls::context::server", again),
        pool_row<reloading_a_context>(group, "tls::context::reload", "the old files are in use, or the new ones; may be called again"),
    };
    return rows;
}

}  // namespace leat::testing
