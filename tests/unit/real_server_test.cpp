#include "support/real_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support/raw_socket.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

// The tests' own servers.

namespace leat {
namespace {

using testing::failure_of;
using testing::free_port;
using testing::in_loop;
using testing::real_server;

TEST(real_servers, one_that_ends_at_once_fails_its_test) {
    const auto run = []() -> task<> {
        real_server gone({"/bin/false"}, free_port());
        auto error = co_await failure_of<std::runtime_error>(gone.ready());
        EXPECT_THAT(error, ::testing::HasSubstr("/bin/false has ended"));
        auto again = co_await failure_of<std::runtime_error>(gone.ready());
        EXPECT_THAT(again, ::testing::HasSubstr("/bin/false has ended"));
    };
    in_loop(run());
}

TEST(real_servers, one_that_is_made_takes_connections_at_once) {
    const auto port = free_port();
    const std::string listening = "import socket\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ns.bind(('127.0.0.1', " +
                                  std::to_string(port) + "))\ns.listen()\nwhile True: s.accept()";
    real_server slow({"/bin/sh", "-c", "exec python3 -c \"$1\"", "sh", listening}, port);
    EXPECT_NO_THROW(testing::raw_socket::connect_to(port));
    EXPECT_NO_THROW(in_loop(slow.ready()));
}

TEST(real_servers, a_port_is_given_once_and_refuses_until_it_is_served) {
    std::set<std::uint16_t> seen;
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(seen.insert(free_port()).second);
    for (int i = 0; i < 200; ++i) {
        testing::raw_listener other;
        EXPECT_FALSE(seen.contains(other.port()));
    }
    for (auto each : seen) EXPECT_THROW(testing::raw_socket::connect_to(each), std::runtime_error);
}

}  // namespace
}  // namespace leat
