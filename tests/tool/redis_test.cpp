// The Redis client: replies however they come, and a real server.

#include <gtest/gtest.h>

#include "leat/net/unix.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "queue/redis.hpp"
#include "support/run.hpp"
#include "tool/redis_server.hpp"

using namespace std::chrono_literals;
using leat::testing::in_loop;
using leat::testing::redis_server;
using leat::testing::temporary_directory;
using leat::testing::thrown_by;
using tool::redis::command;
using tool::redis::reply;
using tool::redis::reply_parser;

namespace {

std::string shown(const reply& r) {
    switch (r.what()) {
        case reply::kind::nil: return "nil";
        case reply::kind::status: return "+" + r.text();
        case reply::kind::text: return "'" + r.text() + "'";
        case reply::kind::integer: return std::to_string(r.integer());
        case reply::kind::error: return "-" + r.text();
        case reply::kind::array: break;
    }
    std::string all = "[";
    for (const reply& each : r.elements()) all += (all.size() > 1 ? " " : "") + shown(each);
    return all + "]";
}

std::string all_of(reply_parser& parser) {
    std::string all;
    while (auto r = parser.next()) all += shown(*r) + ";";
    return all;
}

std::string replies() {
    std::string wire = "+OK\r\n-ERR no\r\n:42\r\n:-7\r\n";
    wire += std::string{"$5\r\na\r\nb\0\r\n", 11};
    wire += "$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*1\r\n+y\r\n$-1\r\n:9\r\n";
    return wire;
}
const std::string read_as = std::string{"+OK;-ERR no;42;-7;'a\r\nb"} + '\0' + "';'';nil;nil;[];[1 ['x' [+y]] nil];9;";

TEST(redis_reply, is_the_same_however_its_bytes_are_split) {
    const std::string wire = replies();
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        reply_parser parser(1 << 20);
        parser.feed(wire.substr(0, cut));
        std::string all = all_of(parser);
        parser.feed(wire.substr(cut));
        all += all_of(parser);
        ASSERT_EQ(all, read_as) << "cut at " << cut;
        ASSERT_TRUE(parser.idle());
    }
    reply_parser parser(1 << 20);
    std::string all;
    for (const char c : wire) {
        parser.feed({&c, 1});
        all += all_of(parser);
    }
    EXPECT_EQ(all, read_as);
}

std::string refusal_of(std::string_view wire, std::size_t limit = 1 << 20) {
    reply_parser parser(limit);
    return thrown_by([&] {
        parser.feed(wire);
        all_of(parser);
    });
}

TEST(redis_reply, what_is_none_is_refused) {
    EXPECT_NE(refusal_of("HTTP/1.1 400 Bad Request\r\n"), "");
    EXPECT_NE(refusal_of("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"), "");  // deeper than any
    EXPECT_NE(refusal_of("$-5\r\n"), "");
    EXPECT_NE(refusal_of("*-5\r\n"), "");
    EXPECT_NE(refusal_of("*99999999999\r\n"), "");
    EXPECT_NE(refusal_of("$99999999999999999999\r\n"), "");
}

TEST(redis_reply, a_length_alone_takes_no_memory) {
    for (const char* wire : {"*2147483647\r\n", "$9223372036854775000\r\n", "*7\r\n*2147483647\r\n*2147483647\r\n"}) {
        reply_parser parser(1 << 20);
        parser.feed(wire);
        EXPECT_EQ(all_of(parser), "") << wire;
        EXPECT_FALSE(parser.idle());
    }
}

TEST(redis_reply, one_that_is_too_large_is_refused_while_it_comes) {
    const std::string text = "$100000\r\n" + std::string(5000, 'x');
    EXPECT_EQ(refusal_of(text, 6000), "");
    EXPECT_EQ(refusal_of(text, 4000), "a reply is larger than 4000 bytes");
    std::string many = "*1000000\r\n";
    for (int i = 0; i < 100; ++i) many += ":1\r\n";
    EXPECT_EQ(refusal_of(many, 100 * 64 + 64), "");
    EXPECT_EQ(refusal_of(many, 99 * 64), "a reply is larger than 6336 bytes");
    EXPECT_EQ(refusal_of("+" + std::string(5000, 'x'), 4000), "a reply is larger than 4000 bytes");
    // The limit is for one reply, not for all of them.
    std::string often;
    for (int i = 0; i < 100; ++i) often += "$1000\r\n" + std::string(1000, 'x') + "\r\n";
    EXPECT_EQ(refusal_of(often, 120000), "");
}

TEST(redis_reply, another_kind_than_expected_is_said) {
    const reply text{reply::kind::text, "x"};
    EXPECT_EQ(thrown_by([&] { text.integer(); }), "the reply is a text where a number was expected");
    EXPECT_EQ(thrown_by([&] { text.elements(); }), "the reply is a text where a list was expected");
    EXPECT_EQ(thrown_by([&] { reply{5}.text(); }), "the reply is a number where a text was expected");
    EXPECT_EQ((reply{reply::kind::text, "12"}.integer()), 12);
    EXPECT_TRUE(reply{}.elements().empty());
    EXPECT_NE(thrown_by([&] { reply{}.at(0); }), "");
}

TEST(redis_url, parts) {
    using tool::redis::parse_redis_url;
    const auto full = parse_redis_url("rediss://us%40er:p%3Ass@w@example.org:7000/3");
    EXPECT_TRUE(full.tls);
    EXPECT_EQ(full.user, "us@er");
    EXPECT_EQ(full.password, "p:ss@w");
    EXPECT_EQ(full.host, "example.org");
    EXPECT_EQ(full.port, 7000);
    EXPECT_EQ(full.database, 3u);
    EXPECT_EQ(full.to_string(), "redis example.org:7000");
    const auto plain = parse_redis_url("redis://:secret@[::1]");
    EXPECT_EQ(plain.to_string(), "redis [::1]:6379");
    EXPECT_EQ(plain.user, "");
    EXPECT_EQ(plain.password, "secret");
    const auto local = parse_redis_url("redis+unix://:pw@/run/a%20b.sock?db=2");
    EXPECT_EQ(local.socket_path, "/run/a b.sock");
    EXPECT_EQ(local.password, "pw");
    EXPECT_EQ(local.database, 2u);
    EXPECT_EQ(parse_redis_url("unix:///run/r.sock").to_string(), "redis unix:/run/r.sock");
    EXPECT_EQ(parse_redis_url("redis://").to_string(), "redis 127.0.0.1:6379");
}

TEST(redis_url, one_that_is_none_is_refused_without_a_word_of_it) {
    for (const char* text : {"http://:secret@h", "redis://:secret@h:99999", "redis://:secret@h:x", "redis://:secret@h:0", "redis://:secret@h/x", "redis://:secret%zz@h", "redis://:secret@[::1",
                             "redis://:secret@::1:1", "unix://:secret@run/r", "unix:///r?secret=1", "redis://secret@h", "redis://:secret @h"}) {
        const std::string said = thrown_by([&] { tool::redis::parse_redis_url(text); });
        EXPECT_NE(said, "") << text;
        EXPECT_EQ(said.find("secret"), std::string::npos) << said;
    }
}

TEST(redis_command, is_an_array_of_texts) {
    std::string wire;
    command("SET", "k", "a\r\nb").add(-5).write_to(wire);
    EXPECT_EQ(wire, "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n$2\r\n-5\r\n");
}

// ---- a server of our own

class redis_client : public ::testing::Test {
protected:
    void SetUp() override {
        if (!redis_server::installed()) GTEST_SKIP() << "redis-server is not installed";
    }
};

tool::redis::server_address at(const std::string& path) {
    return tool::redis::parse_redis_url("unix://" + path);
}

TEST_F(redis_client, sends_many_commands_and_gets_their_replies_in_order) {
    redis_server server;
    auto body = [&]() -> leat::task<> {
        tool::redis::client client(at(server.socket()), {.name = "a-test"});
        std::vector<command> commands;
        for (int i = 0; i < 5000; ++i) commands.push_back(command("ECHO", std::to_string(i) + std::string(300, '.')));
        commands.push_back(command("NO-SUCH-COMMAND"));
        const auto replies = co_await client.pipeline(std::move(commands));
        EXPECT_EQ(replies.size(), 5001u);
        for (int i = 0; i < 5000; ++i) EXPECT_EQ(replies[static_cast<std::size_t>(i)].text().substr(0, 5), (std::to_string(i) + ".....").substr(0, 5));
        EXPECT_TRUE(replies.back().is_error());
        const reply name = co_await client.call(command("CLIENT", "GETNAME"));
        EXPECT_EQ(name.text(), "a-test");
        EXPECT_GT(client.id(), 0);
    };
    in_loop(body());
}

TEST_F(redis_client, names_the_command_and_the_server_but_not_the_password) {
    redis_server server({"--requirepass", "hush"});
    auto body = [&](std::string password, std::string name) -> leat::task<> {
        auto address = at(server.socket());
        address.password = password;
        tool::redis::client client(address, {});
        co_await client.call(command(name, "key"));
    };
    const std::string where = " at redis unix:" + server.socket() + ": ";
    EXPECT_EQ(thrown_by([&] { in_loop(body("hush", "HGET")); }).rfind("HGET" + where + "ERR wrong number", 0), 0u);
    const std::string refused = thrown_by([&] { in_loop(body("wrong-one", "GET")); });
    EXPECT_EQ(refused.rfind("AUTH" + where, 0), 0u) << refused;
    EXPECT_EQ(refused.find("wrong-one"), std::string::npos) << refused;
    EXPECT_EQ(thrown_by([&] { in_loop(body("", "GET")); }).rfind("GET" + where + "NOAUTH", 0), 0u);
}

TEST_F(redis_client, is_not_let_in_by_a_second_try_after_a_refusal) {
    redis_server server({"--requirepass", "hush"});
    auto body = [&]() -> leat::task<> {
        auto address = at(server.socket());
        address.password = "wrong";
        tool::redis::client client(address, {});
        for (int i = 0; i < 2; ++i) {
            const auto outcome = co_await (client.call(command("PING")) | leat::as_result);
            EXPECT_FALSE(outcome.has_value());
            const std::string said = outcome ? "" : outcome.error().message();
            EXPECT_EQ(said.rfind("AUTH at ", 0), 0u) << said;
        }
    };
    in_loop(body());
}

TEST_F(redis_client, comes_back_when_the_server_does) {
    redis_server server;
    auto body = [&]() -> leat::task<> {
        tool::redis::client client(at(server.socket()), {.patience = 30s});
        co_await client.call(command("SET", "k", "1"));
        server.stop();
        auto ask = [&]() -> leat::task<reply> { co_return co_await client.call(command("INCR", "k")); };
        auto start = [&]() -> leat::task<> {
            co_await leat::testing::settle();
            server.start();
        };
        auto [answer, nothing] = co_await leat::gather(ask(), start());
        EXPECT_EQ(answer.integer(), 1);  // it was empty
    };
    in_loop(body());
}

TEST_F(redis_client, without_patience_says_at_once_that_nobody_is_there) {
    temporary_directory place;
    auto body = [&]() -> leat::task<> {
        tool::redis::client client(at(place / "none"), {});
        co_await client.call(command("PING"));
    };
    const std::string said = thrown_by([&] { in_loop(body()); });
    EXPECT_NE(said.find("connect unix:" + (place / "none")), std::string::npos) << said;
}

TEST_F(redis_client, several_tasks_share_one_connection) {
    redis_server server;
    auto body = [&]() -> leat::task<> {
        tool::redis::client client(at(server.socket()), {});
        leat::task_group group;
        int right = 0;
        auto one = [&](int i) -> leat::task<> {
            const reply answer = co_await client.call(command("ECHO", std::to_string(i)));
            right += answer.integer() == i;
        };
        for (int i = 0; i < 50; ++i) group.spawn(one(i));
        co_await group.join();
        EXPECT_EQ(right, 50);
        const reply clients = co_await client.call(command("CLIENT", "LIST"));
        const std::string& list = clients.text();
        EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 1);
    };
    in_loop(body());
}

TEST_F(redis_client, cancelled_while_it_waits_for_a_reply_gives_the_connection_up) {
    redis_server server;
    auto body = [&]() -> leat::task<> {
        tool::redis::client client(at(server.socket()), {});
        bool timed_out = false;
        try {
            co_await leat::timeout(50ms, client.call(command("BLPOP", "nothing", "0"), 1h));
        } catch (const leat::timeout_error&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        EXPECT_EQ(client.id(), 0);
        // Its reply, which may come yet, is not taken for this one's.
        const reply answer = co_await client.call(command("ECHO", "next"));
        EXPECT_EQ(answer.text(), "next");
    };
    in_loop(body());
}

TEST_F(redis_client, destroyed_while_it_waits_for_a_reply) {
    redis_server server;
    auto body = [&]() -> leat::task<> {
        tool::redis::client client(at(server.socket()), {});
        {
            leat::task_group group;
            group.spawn(client.call(command("BLPOP", "nothing", "0"), 1h));
            for (int i = 0; i < 1000 && client.id() == 0; ++i) co_await leat::sleep(1ms);
            EXPECT_NE(client.id(), 0);
        }
        const reply answer = co_await client.call(command("ECHO", "next"));
        EXPECT_EQ(answer.text(), "next");
    };
    in_loop(body());
}

TEST_F(redis_client, cancelled_before_it_begins_sends_nothing) {
    redis_server server;
    auto body = [&]() -> leat::task<> {
        tool::redis::client client(at(server.socket()), {});
        leat::task_group group;
        group.spawn(client.call(command("SET", "k", "1")));
        group.cancel();
        co_await group.join();
        const reply answer = co_await client.call(command("EXISTS", "k"));
        EXPECT_EQ(answer.integer(), 0);
    };
    in_loop(body());
}

/// A server that answers the greeting, then says what the test wants.
std::string said_to(std::string answer, tool::redis::client_options options = {}) {
    temporary_directory place;
    auto body = [&]() -> leat::task<> {
        auto handler = [&](leat::stream_reader reader, leat::stream_writer writer) -> leat::task<> {
            const std::string_view end = "ID\r\n";
            const auto greeting = co_await reader.read_until(end);
            if (greeting) co_await writer.write(":1\r\n");
            const auto asked = co_await reader.read();
            if (asked) co_await writer.write(answer);
            if (answer.empty() || answer.back() == '.') co_return;
            while (const auto more = co_await reader.read()) {
            }
        };
        const leat::unix_address here{place / "s"};
        auto server = co_await leat::start_unix_server(handler, here);
        tool::redis::client client(at(place / "s"), options);
        const auto outcome = co_await (client.call(command("PING")) | leat::as_result);
        client.drop();
        co_await server.close();
        if (!outcome) std::rethrow_exception(outcome.error().exception());
    };
    std::string said = thrown_by([&] { in_loop(body()); });
    const std::string where = "PING at redis unix:" + (place / "s") + ": ";
    EXPECT_EQ(said.rfind(where, 0), 0u) << said;
    return said.substr(std::min(where.size(), said.size()));
}

TEST(redis_client_errors, what_a_strange_server_says) {
    EXPECT_EQ(said_to(""), "the server closed the connection");
    EXPECT_EQ(said_to("$100\r\nhalf."), "the server closed the connection");
    EXPECT_EQ(said_to("<html>").rfind("what came is no reply: ", 0), 0u);
    EXPECT_EQ(said_to("+one\r\n+two\r\n"), "there are more replies than commands");
    EXPECT_EQ(said_to("+one\r\n$5\r\nab"), "there is more than the replies");
    EXPECT_EQ(said_to("$100\r\n" + std::string(100, 'x') + "\r\n", {.reply_limit = 90}), "a reply is larger than 90 bytes");
    EXPECT_EQ(said_to("$5\r\n", {.timeout = 20ms}), "no reply within 0.02 seconds");
    EXPECT_EQ(said_to("-ERR \x1b[2Jred\r\n").find('\x1b'), std::string::npos);
}

}  // namespace
