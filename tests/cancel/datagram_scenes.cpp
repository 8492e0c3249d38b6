#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"
#include "support/run.hpp"

// UDP. That a send waits for room in the socket's buffer cannot be had on a loopback device: see tests/unit/udp_test.cpp for that.

namespace leat::testing {
namespace {

/// A plain socket that sends at once.
class raw_sender {
public:
    raw_sender() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
    raw_sender(const raw_sender&) = delete;
    ~raw_sender() { ::close(fd_); }
    void send(std::string_view text, std::uint16_t port) const {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::sendto(fd_, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), static_cast<ssize_t>(text.size()));
    }

private:
    int fd_;
};

struct receiving : scene {
    raw_sender sender;
    std::optional<udp_socket> socket;
    std::string got;
    bool sent = false;
    task<> prepare() override { socket.emplace(co_await bind_udp({"127.0.0.1", 0})); }
    void trigger() override {
        if (!std::exchange(sent, true)) sender.send("one ", socket->local_address().port());
    }
    /// Each datagram comes exactly once.
    task<> check(ending) override {
        trigger();
        sender.send("two ", socket->local_address().port());
        sender.send("end", socket->local_address().port());
        while (!got.ends_with("end")) {
            auto next = co_await socket->receive_from();
            got += next.data;
        }
        EXPECT_EQ(got, "one two end");
    }
};
struct receiving_one final : receiving {
    task<> wait() override {
        auto one = co_await socket->receive_from();
        got += one.data;
    }
};
struct receiving_many final : receiving {
    task<> wait() override {
        auto all = co_await socket->receive_batch();
        for (const auto& each : all) got += each.data;
    }
};

struct sending : scene {
    std::optional<udp_socket> from, to;
    task<> prepare() override {
        from.emplace(co_await bind_udp({"127.0.0.1", 0}));
        to.emplace(co_await bind_udp({"127.0.0.1", 0}));
    }
    /// All of it was sent, or none.
    std::string expected;
    task<> check(ending how) override {
        std::string got;
        co_await from->send_to("end", to->local_address());
        while (!got.ends_with("end")) {
            auto next = co_await to->receive_from();
            got += next.data;
        }
        if (how == ending::stands) {
            EXPECT_EQ(got, expected + "end");
        }
        if (how == ending::threw) {
            EXPECT_EQ(got, "end");
        }
    }
};
struct sending_one final : sending {
    task<> wait() override {
        expected = "hello";
        co_await from->send_to("hello", to->local_address());
    }
};
struct sending_to_the_peer final : sending {
    std::optional<udp_socket> connected;
    task<> prepare() override {
        co_await sending::prepare();
        connected.emplace(co_await connect_udp({"127.0.0.1", to->local_address().port()}));
    }
    task<> wait() override {
        expected = "hello";
        co_await connected->send("hello");
    }
};
struct sending_many final : sending {
    task<> wait() override {
        expected = "abc";
        const std::array<outgoing_datagram, 3> list{{{"a", to->local_address()}, {"b", to->local_address()}, {"c", to->local_address()}}};
        co_await from->send_batch(list);
    }
};

struct binding final : scene {
    task<> wait() override { auto bound = co_await bind_udp({"127.0.0.1", 0}); }
};
struct binding_to_a_name final : scene {
    task<> wait() override { auto bound = co_await bind_udp({"localhost", 0}); }
};
struct connecting final : scene {
    task<> wait() override { auto connected = co_await connect_udp({"127.0.0.1", 9}); }
};
struct connecting_to_a_name final : scene {
    task<> wait() override { auto connected = co_await connect_udp({"localhost", 9}); }
};

}  // namespace

std::vector<matrix_row> datagram_rows() {
    constexpr auto group = "datagrams";
    constexpr auto kept = "no datagram is lost, none comes twice; may be called again";
    constexpr auto sent = "it was sent, once";
    constexpr auto closed = "nothing stays open";
    return {
        waiting_row<receiving_one>(group, "udp_socket::receive_from", kept),
        waiting_row<receiving_many>(group, "udp_socket::receive_batch", kept),
        instant_row<sending_one>(group, "udp_socket::send_to", sent),
        instant_row<sending_to_the_peer>(group, "udp_socket::send", sent),
        instant_row<sending_many>(group, "udp_socket::send_batch", sent),
        instant_row<binding>(group, "bind_udp", closed),
        call_row<binding_to_a_name>(group, "bind_udp to a name", closed),
        instant_row<connecting>(group, "connect_udp", closed),
        call_row<connecting_to_a_name>(group, "connect_udp to a name", closed),
    };
}

}  // namespace leat::testing
