#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <string>

#include "leat/leat.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<> echo(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

task<std::string> ask(unix_address at, std::string line) {
    auto [reader, writer] = co_await open_unix_connection(at);
    co_await writer.write(line);
    auto back = co_await reader.read_line();
    std::string text{back.value_or("")};
    co_await writer.close();
    co_return text;
}

bool exists(const std::string& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0;
}

/// A socket file as a crashed server leaves it: bound, and nobody listens.
void leave_stale_file(const std::string& path) {
    raw_socket left(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(left.fd(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
}

TEST(UnixSocket, EchoesOverAPath) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        auto server = co_await start_unix_server(echo, path);
        EXPECT_EQ(server.address().to_string(), "unix:" + path);
        EXPECT_EQ(co_await ask(path, "over a path\n"), "over a path\n");
        co_await server.close();
    }(directory / "echo"));
}

TEST(UnixSocket, EchoesOverAnAbstractNameAndLeavesNoFile) {
    in_loop([]() -> task<> {
        const auto name = unix_address::abstract("leat-test-" + std::to_string(::getpid()));
        EXPECT_TRUE(name.is_abstract());
        auto server = co_await start_unix_server(echo, name);
        EXPECT_EQ(server.address().to_string(), "unix:@leat-test-" + std::to_string(::getpid()));
        EXPECT_EQ(server.address(), name.address());
        EXPECT_EQ(co_await ask(name, "abstract\n"), "abstract\n");
        auto second = co_await (start_unix_server(echo, name) | as_result);
        EXPECT_FALSE(second);
        EXPECT_NE(second.error().message().find("Address already in use"), std::string::npos) << second.error().message();
        co_await server.close();
    }());
}

TEST(UnixSocket, BothEndsKnowTheirAddresses) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        std::string of_peer, of_server;
        auto handler = [&](stream_reader, stream_writer writer) -> task<> {
            of_peer = writer.peer_address().to_string();
            of_server = writer.local_address().to_string();
            co_await writer.write("x\n");
            co_await writer.close();
        };
        auto server = co_await start_unix_server(handler, path);
        auto [reader, writer] = co_await open_unix_connection(path);
        EXPECT_EQ(writer.peer_address().to_string(), "unix:" + path);
        EXPECT_TRUE(writer.peer_address().is_unix());
        EXPECT_EQ(writer.local_address().to_string(), "unix:(unnamed)");
        auto line = co_await reader.read_line();
        EXPECT_EQ(line, "x\n");
        EXPECT_EQ(of_peer, "unix:(unnamed)");
        EXPECT_EQ(of_server, "unix:" + path);
        co_await writer.close();
        co_await server.close();
    }(directory / "s"));
}

TEST(UnixSocket, AStaleFileIsReplaced) {
    temporary_directory directory;
    leave_stale_file(directory / "stale");
    in_loop([](std::string path) -> task<> {
        auto server = co_await start_unix_server(echo, path);
        EXPECT_EQ(co_await ask(path, "a\n"), "a\n");
        co_await server.close();
    }(directory / "stale"));
}

TEST(UnixSocket, ALiveServersFileIsAnErrorAndStays) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        auto server = co_await start_unix_server(echo, path);
        auto second = co_await (start_unix_server(echo, path) | as_result);
        EXPECT_FALSE(second);
        EXPECT_EQ(second.error().message(), "listen unix:" + path + ": Address already in use (errno 98)");
        EXPECT_EQ(co_await ask(path, "still here\n"), "still here\n");
        co_await server.close();
    }(directory / "live"));
}

TEST(UnixSocket, AFileThatIsNoSocketIsNotTouched) {
    temporary_directory directory;
    put(directory / "notes", "precious");
    in_loop([](std::string path) -> task<> {
        auto refused = co_await (start_unix_server(echo, path) | as_result);
        EXPECT_FALSE(refused);
    }(directory / "notes"));
    EXPECT_EQ(content_of(directory / "notes"), "precious");
}

TEST(UnixSocket, TheFileGoesWithTheServer) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        {
            auto server = co_await start_unix_server(echo, path);
            EXPECT_TRUE(exists(path));
            co_await server.close();
            EXPECT_FALSE(exists(path));
        }
        {
            auto dropped = co_await start_unix_server(echo, path);
            EXPECT_TRUE(exists(path));
        }
        EXPECT_FALSE(exists(path));
    }(directory / "s"));
}

TEST(UnixSocket, AFileThatSomebodyElsePutThereStays) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        auto server = co_await start_unix_server(echo, path);
        ::unlink(path.c_str());
        put(path, "another's");
        co_await server.close();
        EXPECT_EQ(content_of(path), "another's");
    }(directory / "s"));
}

TEST(UnixSocket, TheFilesModeIsAsAsked) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        const auto umask_before = ::umask(077);
        auto server = co_await start_unix_server(echo, path, {.file_mode = 0660});
        ::umask(umask_before);
        struct stat found {};
        EXPECT_EQ(::lstat(path.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0777, 0660u);
        co_await server.close();
    }(directory / "s"));
}

TEST(UnixSocket, NobodyThereIsAnErrorThatNamesThePath) {
    temporary_directory directory;
    leave_stale_file(directory / "stale");
    in_loop([](std::string missing, std::string stale) -> task<> {
        auto none = co_await (open_unix_connection(missing) | as_result);
        EXPECT_FALSE(none);
        EXPECT_EQ(none.error().message(), "connect unix:" + missing + ": No such file or directory (errno 2)");
        auto refused = co_await (open_unix_connection(stale) | as_result);
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().message(), "connect unix:" + stale + ": Connection refused (errno 111)");
    }(directory / "missing", directory / "stale"));
}

TEST(UnixSocket, NamesThatTheKernelCannotHoldAreRefused) {
    EXPECT_EQ(thrown_by([] { unix_address{""}; }), "unix address: Invalid argument (errno 22)");
    EXPECT_NE(thrown_by([] { unix_address{std::string(108, 'x')}; }).find("File name too long"), std::string::npos);
    EXPECT_EQ(thrown_by([] { unix_address{std::string(107, 'x')}; }), "");
    EXPECT_NE(thrown_by([] { unix_address{std::string_view{"a\0b", 3}}; }), "");
    EXPECT_NE(thrown_by([] { unix_address::abstract(std::string(108, 'x')); }), "");
}

TEST(UnixSocket, ANameCannotReachTheTerminal) {
    EXPECT_EQ(unix_address::abstract("\x1b[2J").to_string(), "unix:@\xEF\xBF\xBD[2J");
}

TEST(UnixSocket, ThePeersCredentialsAreTheKernels) {
    in_loop([]() -> task<> {
        auto [first, second] = unix_socket_pair();
        const peer_credentials found = credentials_of(first.writer);
        EXPECT_EQ(found.process, ::getpid());
        EXPECT_EQ(found.user, ::getuid());
        EXPECT_EQ(found.group, ::getgid());
        raw_listener listener;
        auto tcp = co_await open_connection({"127.0.0.1", listener.port()});
        EXPECT_NE(thrown_by([&] { credentials_of(tcp.writer); }).find("peer credentials"), std::string::npos);
        first.writer.set_linger(1ms);  // the other end stays open
        co_await first.writer.close();
        EXPECT_NE(thrown_by([&] { credentials_of(first.writer); }), "");
    }());
}

TEST(UnixSocket, APairIsConnectedBothWays) {
    in_loop([]() -> task<> {
        auto [first, second] = unix_socket_pair();
        co_await first.writer.write("ping\n");
        auto ping = co_await second.reader.read_line();
        EXPECT_EQ(ping, "ping\n");
        co_await second.writer.write("pong\n");
        auto pong = co_await first.reader.read_line();
        EXPECT_EQ(pong, "pong\n");
        co_await first.writer.write_eof();
        auto end = co_await second.reader.read_line();
        EXPECT_EQ(end, std::nullopt);
    }());
}

/// A listener whose queue is full: the kernel says EAGAIN to the next.
struct full_listener {
    explicit full_listener(const std::string& path) : listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        if (::bind(listener.fd(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener.fd(), 0) != 0) throw std::runtime_error("listen");
        waiting = raw_socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(waiting.fd(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) throw std::runtime_error("connect");
    }
    raw_socket listener;
    raw_socket waiting;
};

TEST(UnixSocket, AFullQueueIsWaitedFor) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        full_listener full(path);
        auto late = co_await (open_unix_connection(path, {.timeout = 20ms}) | as_result);
        EXPECT_FALSE(late);
        EXPECT_EQ(late.error().message().find("connect unix:" + path + ": "), 0u) << late.error().message();
        bool connected = false;
        task_group group;
        auto connect = [&]() -> task<> {
            auto opened = co_await open_unix_connection(path);
            connected = true;
        };
        group.spawn(connect());
        co_await settle();
        EXPECT_FALSE(connected);
        raw_socket accepted(::accept(full.listener.fd(), nullptr, nullptr));
        co_await group.join();
        EXPECT_TRUE(connected);
    }(directory / "full"));
}

TEST(UnixSocket, AConnectThatIsCancelledOrDestroyedLeavesNothing) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        full_listener full(path);
        {
            task_group group;
            group.spawn(open_unix_connection(path));
            group.cancel();  // before it starts
            co_await group.join();
        }
        {
            task_group group;
            group.spawn(open_unix_connection(path));
            co_await settle();
            group.cancel();  // while it waits
            co_await group.join();
        }
        {
            task_group group;
            group.spawn(open_unix_connection(path));
            co_await settle();
        }  // destroyed while it waits
    }(directory / "full"));
}

}  // namespace
}  // namespace leat::testing
