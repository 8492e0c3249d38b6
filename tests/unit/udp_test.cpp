#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

task<udp_socket> bound(udp_options options = {}) { co_return co_await bind_udp({"127.0.0.1", 0}, options); }

TEST(Udp, ADatagramArrivesWithItsSender) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        auto b = co_await bound();
        EXPECT_NE(a.local_address().port(), 0);
        co_await a.send_to("hello", b.local_address());
        const datagram got = co_await b.receive_from();
        EXPECT_EQ(got.data, "hello");
        EXPECT_EQ(got.from, a.local_address());
        EXPECT_FALSE(got.truncated);
        co_await b.send_to("back", got.from);
        const datagram reply = co_await a.receive_from();
        EXPECT_EQ(reply.data, "back");
    }());
}

TEST(Udp, AReceiveWaitsForADatagram) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        auto b = co_await bound();
        bool received = false;
        auto receive = [&]() -> task<> {
            const datagram got = co_await b.receive_from();
            received = true;
            EXPECT_EQ(got.data, "late");
        };
        task_group group;
        group.spawn(receive());
        co_await settle();
        EXPECT_FALSE(received);
        co_await a.send_to("late", b.local_address());
        co_await group.join();
        EXPECT_TRUE(received);
    }());
}

TEST(Udp, AnEmptyDatagramIsADatagram) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        co_await a.send_to("", a.local_address());
        co_await a.send_to("x", a.local_address());
        const datagram empty = co_await a.receive_from();
        EXPECT_EQ(empty.data, "");
        EXPECT_EQ(empty.from, a.local_address());
        const datagram next = co_await a.receive_from();
        EXPECT_EQ(next.data, "x");
    }());
}

TEST(Udp, ALongerOneThanTheLimitIsCutAndSaysSo) {
    in_loop([]() -> task<> {
        auto a = co_await bound({.max_datagram = bytes{4}});
        co_await a.send_to("12345", a.local_address());
        co_await a.send_to("1234", a.local_address());
        const datagram cut = co_await a.receive_from();
        EXPECT_EQ(cut.data, "1234");
        EXPECT_TRUE(cut.truncated);
        const datagram whole = co_await a.receive_from();
        EXPECT_EQ(whole.data, "1234");
        EXPECT_FALSE(whole.truncated);
    }());
}

TEST(Udp, OverIpv6AndOverBothFamilies) {
    in_loop([]() -> task<> {
        auto six = co_await bind_udp({"::1", 0});
        auto both = co_await bind_udp({"", 0});
        auto four = co_await bound();
        const auto port = both.local_address().port();
        co_await six.send_to("six", address::parse("::1", port));
        const datagram first = co_await both.receive_from();
        EXPECT_EQ(first.from, six.local_address());
        co_await both.send_to("to six", first.from);
        const datagram back = co_await six.receive_from();
        EXPECT_EQ(back.data, "to six");
        co_await four.send_to("four", address::parse("127.0.0.1", port));
        const datagram second = co_await both.receive_from();
        EXPECT_EQ(second.from, four.local_address());  // not in IPv6 dress
        co_await both.send_to("to four", second.from);
        const datagram answer = co_await four.receive_from();
        EXPECT_EQ(answer.data, "to four");
    }());
}

TEST(Udp, ManyInOrderOneAtATimeAndInBatches) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        auto b = co_await bound({.receive_buffer = 4_MiB});
        constexpr int count = 150;
        std::vector<std::string> texts;
        for (int i = 0; i < count; ++i) texts.push_back("datagram " + std::to_string(i));
        std::vector<outgoing_datagram> list;
        for (const auto& text : texts) list.push_back({text, b.local_address()});
        co_await a.send_batch(list);
        int next = 0;
        for (; next < 50; ++next) {
            const datagram got = co_await b.receive_from();
            EXPECT_EQ(got.data, texts[static_cast<std::size_t>(next)]);
        }
        while (next < count) {
            auto batch = co_await b.receive_batch(40);
            EXPECT_GE(batch.size(), 1u);
            EXPECT_LE(batch.size(), 40u);
            for (const datagram& got : batch) EXPECT_EQ(got.data, texts[static_cast<std::size_t>(next++)]);
        }
        EXPECT_EQ(next, count);
    }());
}

TEST(Udp, AConnectedOneHearsThatNobodyListens) {
    in_loop([]() -> task<> {
        std::uint16_t port;
        {
            auto gone = co_await bound();
            port = gone.local_address().port();
        }
        auto a = co_await connect_udp({"127.0.0.1", port});
        EXPECT_EQ(a.peer_address().port(), port);
        const std::string name = "127.0.0.1:" + std::to_string(port);
        co_await a.send("anyone?");
        auto refused = co_await (a.receive_from() | as_result);
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().message(), "receive " + name + ": Connection refused (errno 111)");
        co_await a.send("really?");
        auto by_send = co_await (a.send("again?") | as_result);
        EXPECT_FALSE(by_send);
        EXPECT_EQ(by_send.error().message(), "send " + name + ": Connection refused (errno 111)");
    }());
}

TEST(Udp, AConnectedOneHearsItsPeerOnly) {
    in_loop([]() -> task<> {
        auto peer = co_await bound();
        auto stranger = co_await bound();
        auto a = co_await connect_udp({"127.0.0.1", peer.local_address().port()});
        co_await stranger.send_to("from a stranger", a.local_address());
        co_await peer.send_to("from the peer", a.local_address());
        const datagram got = co_await a.receive_from();
        EXPECT_EQ(got.data, "from the peer");
    }());
}

TEST(Udp, TooLongToSendIsAClearError) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        const std::string huge(70'000, 'x');
        auto sent = co_await (a.send_to(huge, a.local_address()) | as_result);
        EXPECT_FALSE(sent);
        EXPECT_EQ(sent.error().message(), "send " + a.local_address().to_string() + ": Message too long (errno 90)");
        const std::vector<outgoing_datagram> list{{"one", a.local_address()}, {huge, a.local_address()}, {"three", a.local_address()}};
        auto batch = co_await (a.send_batch(list) | as_result);
        EXPECT_FALSE(batch);
        const datagram first = co_await a.receive_from();
        EXPECT_EQ(first.data, "one");  // what stood before it is sent
    }());
}

TEST(Udp, TwoReceivesAtOnceAreALogicError) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        task_group group;
        auto receive = [&]() -> task<> { co_await a.receive_from(); };
        group.spawn(receive());
        co_await settle();
        bool refused = false;
        try {
            co_await a.receive_from();
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        co_await a.send_to("x", a.local_address());
        co_await group.join();
    }());
}

TEST(Udp, CancellationLosesNoDatagram) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        auto b = co_await bound();
        auto receive = [&](std::string& into) -> task<> {
            const datagram got = co_await b.receive_from();
            into = got.data;
        };
        std::string got;
        {
            task_group group;
            group.spawn(receive(got));
            group.cancel();  // before it starts
            co_await group.join();
        }
        {
            task_group group;
            group.spawn(receive(got));
            co_await settle();
            group.cancel();  // while it waits
            co_await group.join();
        }
        {
            task_group group;
            group.spawn(receive(got));
            co_await settle();
        }  // destroyed while it waits
        EXPECT_EQ(got, "");
        co_await a.send_to("one", b.local_address());
        co_await receive(got);
        EXPECT_EQ(got, "one");
        {
            task_group group;  // in the turn in which it arrives: the one that waits has it, or the next one gets it
            group.spawn(receive(got));
            co_await settle();
            co_await a.send_to("two", b.local_address());
            co_await settle(1);
            group.cancel();
            co_await group.join();
        }
        if (got != "two") {
            co_await receive(got);
        }
        EXPECT_EQ(got, "two");
        event stop;
        for (int i = 0; i < 20; ++i) {  // the loser of a race that was done, too
            stop.set();
            const std::string text = std::to_string(i);
            co_await a.send_to(text, b.local_address());
            auto first = co_await race(stop.wait(), b.receive_from());
            if (first.index() == 1) {
                EXPECT_EQ(std::get<1>(first).data, text);
                continue;
            }
            co_await receive(got);
            EXPECT_EQ(got, text);
        }
    }());
}

TEST(Udp, ClosingEndsAReceiveThatWaits) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        std::string said;
        auto receive = [&]() -> task<> {
            auto outcome = co_await (a.receive_from() | as_result);
            said = outcome ? "a datagram" : outcome.error().message();
        };
        task_group group;
        group.spawn(receive());
        co_await settle();
        a.close();
        co_await group.join();
        EXPECT_NE(said.find("Bad file descriptor"), std::string::npos) << said;
        auto sent = co_await (a.send("x") | as_result);
        EXPECT_FALSE(sent);
        a.close();  // again, and nothing happens
        std::string dropped;
        std::optional<udp_socket> b(co_await bound());
        auto other = [&]() -> task<> {
            auto outcome = co_await (b->receive_from() | as_result);
            dropped = outcome ? "a datagram" : outcome.error().message();
        };
        group.spawn(other());
        co_await settle();
        b.reset();
        co_await group.join();
        EXPECT_NE(dropped.find("Bad file descriptor"), std::string::npos) << dropped;
    }());
}

/// In a network of its own, whose one neighbour never answers: what is sent to it stays in the socket's buffer until the kernel gives up. Returns
/// 77 where that cannot be had.
int in_silent_network(task<> (*talk)()) {
    if (::unshare(CLONE_NEWNET) != 0) return 77;
    const char* commands =
        "exec 2>/dev/null; ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add 10.9.0.1/24 dev v0 && ip link set v0 up && "
        "ip link set v1 up && echo 1 > /proc/sys/net/ipv4/neigh/v0/mcast_solicit && echo 100 > /proc/sys/net/ipv4/neigh/v0/retrans_time_ms";
    if (std::system(commands) != 0) return 77;
    return run(talk());
}

task<> fill_the_buffer() {
    auto a = co_await bind_udp({"10.9.0.1", 0}, {.send_buffer = bytes{4608}});
    const address to = address::parse("10.9.0.77", 9);
    const std::string text(1200, 'x');
    int sent = 0;
    int failed = 0;
    auto send = [&]() -> task<> {
        for (int i = 0; i < 8; ++i) {
            auto outcome = co_await (a.send_to(text, to) | as_result);
            ++(outcome ? sent : failed);
        }
    };
    const auto require = [](bool holds, const char* what) {
        if (!holds) throw std::runtime_error(what);
    };
    {
        task_group group;
        group.spawn(send());
        co_await settle();
        require(sent > 0 && sent < 8, "the buffer did not fill");
        group.cancel();
        co_await group.join();
    }
    {
        task_group group;
        group.spawn(send());
        group.spawn(send());
        co_await settle();
    }  // destroyed while they wait
    sent = 0;
    {
        task_group group;
        group.spawn(send());
        group.spawn(send());
        co_await group.join();
        require(sent == 16 && failed == 0, "not all were sent when there was room again");
    }
    sent = 0;
    {
        task_group group;
        group.spawn(send());
        co_await settle();
        a.close();
        co_await group.join();
        require(failed > 0 && sent + failed == 8, "a close does not end a send that waits");
    }
}

TEST(Udp, AFullBufferMakesASendWaitAndCancellationIsClean) {
    const auto outcome = in_child([](int) { return in_silent_network(&fill_the_buffer); });
    if (outcome.exit_status == 77) GTEST_SKIP() << "no network of its own for a test here";
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
}

TEST(Udp, MulticastReachesTheMembers) {
    in_loop([]() -> task<> {
        const address group = address::parse("239.255.77.1", 0);
        auto member = co_await bind_udp({"0.0.0.0", 0}, {.reuse_address = true});
        member.join_multicast(group, "lo");
        auto sender = co_await bound();
        sender.set_multicast(0, true);
        const address to = address::parse("239.255.77.1", member.local_address().port());
        co_await sender.send_to("to all", to);
        const datagram got = co_await timeout(10s, member.receive_from());
        EXPECT_EQ(got.data, "to all");
        member.leave_multicast(group, "lo");
        EXPECT_NE(thrown_by([&] { member.leave_multicast(group, "lo"); }).find("leave 239.255.77.1: "), std::string::npos);
        EXPECT_NE(thrown_by([&] { member.join_multicast(group, "no-such-interface"); }), "");
    }());
}

TEST(Udp, ABroadcastHasToBeAllowed) {
    in_loop([]() -> task<> {
        auto quiet = co_await bind_udp({"0.0.0.0", 0});
        const address everyone = address::parse("127.255.255.255", 9);
        auto refused = co_await (quiet.send_to("x", everyone) | as_result);
        EXPECT_FALSE(refused);
        EXPECT_NE(refused.error().message().find("Permission denied"), std::string::npos);
        auto loud = co_await bind_udp({"0.0.0.0", 0}, {.broadcast = true});
        co_await loud.send_to("x", everyone);
    }());
}

TEST(Udp, APortInUseIsAClearError) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        const auto port = a.local_address().port();
        auto second = co_await (bind_udp({"127.0.0.1", port}) | as_result);
        EXPECT_FALSE(second);
        EXPECT_EQ(second.error().message(), "bind UDP 127.0.0.1:" + std::to_string(port) + ": Address already in use (errno 98)");
    }());
}

// A task that always finds a datagram, or room for one, still lets the others run.
TEST(Udp, AFloodLeavesTheOthersTheirTurn) {
    in_loop([]() -> task<> {
        auto a = co_await bound();
        bool stop = false;
        auto flood = [&]() -> task<> {
            while (!stop) co_await a.send_to("x", a.local_address());
        };
        auto drain = [&]() -> task<> {
            while (!stop) co_await a.receive_from();
        };
        auto other = [&]() -> task<> {
            co_await sleep(5ms);
            stop = true;
            co_await a.send_to("the last", a.local_address());
        };
        co_await gather(flood(), drain(), other());
    }());
}

TEST(UnixDatagrams, ComeWithTheirSendersName) {
    temporary_directory directory;
    in_loop([](std::string folder) -> task<> {
        const unix_address first{folder + "/first"};
        const unix_address second = unix_address::abstract("leat-test-" + std::to_string(::getpid()));
        {
            auto a = co_await bind_unix_datagram(first);
            auto b = co_await bind_unix_datagram(second);
            co_await b.send_to("hello", first.address());
            const datagram got = co_await a.receive_from();
            EXPECT_EQ(got.data, "hello");
            EXPECT_EQ(got.from, second.address());
            co_await a.send_to("back", got.from);
            EXPECT_EQ((co_await b.receive_from()).from, first.address());
            auto nameless = co_await connect_unix_datagram(first);
            co_await nameless.send("no answer, please");
            EXPECT_EQ((co_await a.receive_from()).data, "no answer, please");
            auto taken = co_await (bind_unix_datagram(first) | as_result);
            EXPECT_FALSE(taken.has_value());
        }
        EXPECT_NE(::access((folder + "/first").c_str(), F_OK), 0) << "the file is still there";
        auto refused = co_await (connect_unix_datagram(first) | as_result);
        EXPECT_FALSE(refused.has_value());
    }(directory / ""));
}

/// UDP would drop it; here the kernel says that there is no room, and the sender waits.
TEST(UnixDatagrams, ASenderWaitsForRoomAndNothingIsLost) {
    temporary_directory directory;
    in_loop([](std::string folder) -> task<> {
        const unix_address name{folder + "/inbox"};
        auto inbox = co_await bind_unix_datagram(name);
        task_group group;
        auto send = [&]() -> task<> {
            auto out = co_await connect_unix_datagram(name);
            for (int i = 0; i < 2000; ++i) co_await out.send(std::to_string(i));
        };
        group.spawn(send);
        for (int i = 0; i < 2000; ++i) {
            const datagram got = co_await inbox.receive_from();
            EXPECT_EQ(got.data, std::to_string(i));
        }
        co_await group.join();
    }(directory / ""));
}

TEST(UnixDatagrams, TheFileOfASocketThatIsGoneIsReplaced) {
    temporary_directory directory;
    const std::string file = directory / "stale";
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    file.copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    ::close(fd);
    in_loop([](std::string at) -> task<> {
        auto socket = co_await bind_unix_datagram(at);
        EXPECT_EQ(socket.local_address(), unix_address{at}.address());
    }(file));
}

}  // namespace
}  // namespace leat::testing
