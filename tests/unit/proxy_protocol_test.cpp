#include "net/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "net/network_list.hpp"
#include "support/child_process.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using detail::network_list;
using detail::parse_proxy_header;
using state = detail::proxy_header::state;

const std::string signature{"\r\n\r\n\0\r\nQUIT\n", 12};

std::string version2(unsigned char command, unsigned char family, const std::string& block) {
    std::string header = signature;
    header += static_cast<char>(0x20 | command);
    header += static_cast<char>(family);
    header += static_cast<char>(block.size() >> 8);
    header += static_cast<char>(block.size() & 0xFF);
    return header + block;
}
/// 10.1.2.3:4096 to 192.0.2.9:80.
const std::string four_block{"\x0a\x01\x02\x03\xc0\x00\x02\x09\x10\x00\x00\x50", 12};

/// What a header says, as text.
std::string said(std::string_view bytes) {
    const auto header = parse_proxy_header(bytes);
    if (header.found == state::malformed) return "malformed: "s + header.wrong;
    if (header.found == state::incomplete) return "incomplete";
    return std::to_string(header.size) + " " + header.client.to_string() + " " + header.destination.to_string();
}

TEST(ProxyHeader, Version1NamesTheClient) {
    EXPECT_EQ(said("PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\nGET"), "39 10.1.2.3:4096 192.0.2.9:80");
    EXPECT_EQ(said("PROXY TCP6 2001:db8::1 ::1 65535 443\r\n"), "38 [2001:db8::1]:65535 [::1]:443");
    EXPECT_EQ(said("PROXY UNKNOWN\r\nrest"), "15 (no address) (no address)");
    EXPECT_EQ(said("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), "35 (no address) (no address)");
}

TEST(ProxyHeader, Version1ThatIsWrongIsMalformed) {
    for (const char* line : {"PROXY TCP4 10.1.2.3 192.0.2.9 4096\r\n", "PROXY TCP4 10.1.2.3 192.0.2.9 4096 80 1\r\n", "PROXY TCP4  10.1.2.3 192.0.2.9 4096 80\r\n",
                             "PROXY TCP4 10.1.2.3 192.0.2.9 65536 80\r\n", "PROXY TCP4 10.1.2.3 192.0.2.9 -1 80\r\n", "PROXY TCP4 10.1.2.3 192.0.2.9 01 80\r\n",
                             "PROXY TCP4 10.1.2.256 192.0.2.9 1 80\r\n", "PROXY TCP4 ::1 ::1 1 80\r\n", "PROXY TCP6 10.1.2.3 192.0.2.9 1 80\r\n",
                             "PROXY TCP6 [::1] ::1 1 80\r\n", "PROXY TCP6 ::1%lo ::1 1 80\r\n", "PROXY UDP4 10.1.2.3 192.0.2.9 1 80\r\n",
                             "PROXY TCP4 10.1.2.3 192.0.2.9 1 80\n", "PROXY \r\n", "PROXX ", "GET / HTTP/1.1\r\n", "\r\n\r\nX"})
        EXPECT_EQ(said(line).find("malformed"), 0u) << line;
}

TEST(ProxyHeader, Version1IsAtMost107BytesLong) {
    const std::string start = "PROXY UNKNOWN ";
    EXPECT_EQ(said(start + std::string(105 - start.size(), 'x') + "\r\n").find("107 "), 0u);
    EXPECT_EQ(said(start + std::string(106 - start.size(), 'x') + "\r\n").find("malformed"), 0u);
    EXPECT_EQ(said(start + std::string(106 - start.size(), 'x')), "incomplete");
    EXPECT_EQ(said(start + std::string(107 - start.size(), 'x')).find("malformed"), 0u);
}

TEST(ProxyHeader, Version2NamesTheClient) {
    EXPECT_EQ(said(version2(1, 0x11, four_block) + "rest"), "28 10.1.2.3:4096 192.0.2.9:80");
    EXPECT_EQ(said(version2(1, 0x11, four_block + "\x03\x00\x01x"s)), "32 10.1.2.3:4096 192.0.2.9:80");  // a TLV behind
    const std::string six = std::string(15, '\0') + "\x01" + std::string(15, '\0') + "\x02" + "\x00\x50\x01\xbb"s;
    EXPECT_EQ(said(version2(1, 0x21, six)), "52 [::1]:80 [::2]:443");
    std::string names(216, '\0');
    names.replace(0, 6, "/run/a");
    names.replace(108, 5, "\0name"s);
    EXPECT_EQ(said(version2(1, 0x31, names)), "232 unix:/run/a unix:@name");
}

TEST(ProxyHeader, Version2ForNobodyNamesNobody) {
    EXPECT_EQ(said(version2(0, 0x00, "")), "16 (no address) (no address)");
    EXPECT_EQ(said(version2(0, 0x11, four_block)), "28 (no address) (no address)");
    EXPECT_EQ(said(version2(1, 0x00, "ignored")), "23 (no address) (no address)");
}

TEST(ProxyHeader, Version2ThatIsWrongIsMalformed) {
    EXPECT_EQ(said(version2(2, 0x11, four_block)).find("malformed"), 0u);
    EXPECT_EQ(said(version2(1, 0x41, four_block)).find("malformed"), 0u);
    EXPECT_EQ(said(version2(1, 0x11, four_block.substr(1))).find("malformed"), 0u);
    EXPECT_EQ(said(version2(1, 0x21, four_block)).find("malformed"), 0u);
    EXPECT_EQ(said(version2(1, 0x31, std::string(215, 'x'))).find("malformed"), 0u);
    std::string wrong_version = version2(1, 0x11, four_block);
    wrong_version[12] = 0x11;
    EXPECT_EQ(said(wrong_version).find("malformed"), 0u);
    EXPECT_NE(said(version2(1, 0x11, four_block + std::string(4084, 't'))).find("4112 "), std::string::npos);
    EXPECT_EQ(said(version2(1, 0x11, four_block + std::string(4085, 't'))).find("malformed: too long"), 0u);
}

TEST(ProxyHeader, EveryPrefixIsIncomplete) {
    for (const std::string& whole : {"PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\n"s, version2(1, 0x11, four_block)}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const auto header = parse_proxy_header(whole.substr(0, size));
            EXPECT_EQ(header.found, state::incomplete) << size;
            EXPECT_GT(header.size, size);
            EXPECT_LE(header.size, whole.size());  // nothing behind the header is ever asked for
        }
    }
}

TEST(NetworkList, ContainsItsNetworks) {
    const network_list list{"10.0.0.0/8, 192.0.2.7,2001:db8::/33"};
    EXPECT_TRUE(list.contains(address::parse("10.255.0.1", 5)));
    EXPECT_TRUE(list.contains(address::parse("::ffff:10.255.0.1", 5)));
    EXPECT_FALSE(list.contains(address::parse("11.0.0.1", 5)));
    EXPECT_TRUE(list.contains(address::parse("192.0.2.7", 5)));
    EXPECT_FALSE(list.contains(address::parse("192.0.2.6", 5)));
    EXPECT_TRUE(list.contains(address::parse("2001:db8:7fff::1", 5)));
    EXPECT_FALSE(list.contains(address::parse("2001:db8:8000::1", 5)));
    EXPECT_FALSE(list.contains(address::unix_named("")));
    EXPECT_FALSE(list.contains({}));
    EXPECT_TRUE(network_list{"unix"}.contains(address::unix_named("/x")));
    EXPECT_TRUE(network_list{"0.0.0.0/0"}.contains(address::parse("1.2.3.4", 5)));
    EXPECT_FALSE(network_list{"0.0.0.0/0"}.contains(address::parse("::1", 5)));
    for (const char* wrong : {"x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.1,,10.0.0.2", "::1/129", "/8"})
        EXPECT_NE(thrown_by([&] { network_list{wrong}; }), "") << wrong;
}

/// Tells its client who that is and what it has said.
task<> tell(stream_reader reader, stream_writer writer) {
    const std::string who = writer.peer_address().to_string() + " by " + (writer.proxy_address().empty() ? "nobody" : writer.proxy_address().host());
    auto line = co_await reader.read_line();
    co_await writer.write(who, ": ", line.value_or("nothing"));
    co_await writer.close();
}

std::string talk(std::uint16_t port, std::string text) {
    auto socket = raw_socket::connect_to(port);
    socket.send(text);
    return socket.receive_all();
}

TEST(ProxyProtocol, TheHandlersPeerIsTheClient) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required});
        const auto port = server.address().port();
        EXPECT_EQ(co_await to_thread(talk, port, "PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\nhi\n"s), "10.1.2.3:4096 by 127.0.0.1: hi\n");
        EXPECT_EQ(co_await to_thread(talk, port, version2(1, 0x11, four_block + "\x03\x00\x01x"s) + "hi\n"), "10.1.2.3:4096 by 127.0.0.1: hi\n");
        const std::string health = co_await to_thread(talk, port, version2(0, 0, "") + "hi\n");
        EXPECT_EQ(health.find("127.0.0.1:"), 0u) << health;
        EXPECT_NE(health.find(" by nobody: hi\n"), std::string::npos) << health;
        co_await server.close();
    }());
}

TEST(ProxyProtocol, AHeaderInPiecesIsTakenAndNothingBehindIt) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required});
        const auto slowly = [](std::uint16_t port, std::string text) {
            auto socket = raw_socket::connect_to(port);
            for (char c : text) socket.send({&c, 1});
            return socket.receive_all();
        };
        const auto port = server.address().port();
        EXPECT_EQ(co_await to_thread(slowly, port, "PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\nhi\n"s), "10.1.2.3:4096 by 127.0.0.1: hi\n");
        EXPECT_EQ(co_await to_thread(slowly, port, version2(1, 0x11, four_block) + "hi\n"), "10.1.2.3:4096 by 127.0.0.1: hi\n");
        co_await server.close();
    }());
}

TEST(ProxyProtocol, AWrongHeaderEndsItsOwnConnectionAndIsLoggedWithTheRealPeer) {
    const auto outcome = in_child([](int) {
        log::setup({.level = log::level::warn});
        return run([]() -> task<> {
            auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required});
            const auto port = server.address().port();
            const std::string reply = co_await to_thread(talk, port, "GET / HTTP/1.1\r\n\r\n"s);
            if (!reply.empty() && reply != "<reset>") throw std::runtime_error("served: " + reply);
            const std::string fine = co_await to_thread(talk, port, "PROXY UNKNOWN\r\nhi\n"s);
            if (fine.find(": hi\n") == std::string::npos) throw std::runtime_error("not served: " + fine);
            // A health check that says nothing is no fault.
            raw_socket::connect_to(port).shut_down_sending();
            const std::string again = co_await to_thread(talk, port, "PROXY UNKNOWN\r\nhi\n"s);
            if (server.statistics().refused_headers != 1) throw std::runtime_error("miscounted");
            co_await server.close();
        }());
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    const auto first = outcome.errors.find("proxy header of 127.0.0.1:");
    EXPECT_NE(first, std::string::npos) << outcome.errors;
    EXPECT_NE(outcome.errors.find("no PROXY header"), std::string::npos) << outcome.errors;
    EXPECT_EQ(outcome.errors.find("proxy header of", first + 1), std::string::npos) << outcome.errors;
}

TEST(ProxyProtocol, AHeaderThatDoesNotComeInTimeEndsTheConnection) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required, .proxy_header_timeout = 20ms});
        const std::string reply = co_await to_thread(talk, server.address().port(), "PROXY TCP4 10.1"s);
        EXPECT_TRUE(reply.empty() || reply == "<reset>") << reply;
        EXPECT_EQ(server.statistics().refused_headers, 1u);
        co_await server.close();
    }());
}

TEST(ProxyProtocol, OnlyATrustedProxyIsBelieved) {
    in_loop([]() -> task<> {
        const std::string claim = "PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\nhi\n";
        {
            auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required, .trusted_proxies = "192.0.2.0/24"});
            const std::string reply = co_await to_thread(talk, server.address().port(), claim);
            EXPECT_TRUE(reply.empty() || reply == "<reset>") << reply;
            co_await server.close();
        }
        {
            auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::from_trusted, .trusted_proxies = "192.0.2.0/24"});
            const std::string reply = co_await to_thread(talk, server.address().port(), claim);
            EXPECT_NE(reply.find(" by nobody: PROXY TCP4 "), std::string::npos) << reply;  // data like any other
            co_await server.close();
        }
        {
            auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::from_trusted, .trusted_proxies = "127.0.0.1"});
            EXPECT_EQ(co_await to_thread(talk, server.address().port(), claim), "10.1.2.3:4096 by 127.0.0.1: hi\n");
            co_await server.close();
        }
    }());
}

TEST(ProxyProtocol, OverAUnixSocket) {
    temporary_directory directory;
    in_loop([](std::string path) -> task<> {
        auto server = co_await start_unix_server(tell, path, {.proxy_protocol = proxy_protocol::required, .trusted_proxies = "unix"});
        auto [reader, writer] = co_await open_unix_connection(path);
        co_await writer.write("PROXY TCP4 10.1.2.3 192.0.2.9 4096 80\r\nhi\n");
        auto line = co_await reader.read_line();
        EXPECT_EQ(line, "10.1.2.3:4096 by : hi\n");
        co_await writer.close();
        co_await server.close();
    }(directory / "s"));
}

TEST(ProxyProtocol, AServerThatClosesDoesNotWaitForHeaders) {
    in_loop([]() -> task<> {
        auto server = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required, .proxy_header_timeout = 0s});
        auto idle = co_await open_connection({"127.0.0.1", server.address().port()});
        while (server.connections() == 0) co_await yield();
        auto also_idle = co_await open_connection({"127.0.0.1", server.address().port()});
        while (server.connections() == 1) co_await yield();
        idle = {};
        also_idle = {};
        co_await server.close();
        EXPECT_EQ(server.connections(), 0u);
        auto dropped = co_await start_server(tell, {"127.0.0.1", 0}, {.proxy_protocol = proxy_protocol::required});
        auto waits = co_await open_connection({"127.0.0.1", dropped.address().port()});
        while (dropped.connections() == 0) co_await yield();
    }());  // the server dies while it waits for a header
}

}  // namespace
}  // namespace leat::testing
