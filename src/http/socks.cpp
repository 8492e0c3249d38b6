#include "http/socks.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "io/error_from.hpp"
#include "leat/http/error.hpp"
#include "net/tcp_stream.hpp"

namespace leat::detail {
namespace {

constexpr char version = 5;
constexpr char without_password = 0, with_password = 2;
constexpr char connect_command = 1;
constexpr char ipv4 = 1, domain = 3, ipv6 = 4;

[[noreturn]] void refuse(const std::string& proxy, const std::string& why) { throw http::connect_error("proxy " + proxy + ": " + why); }

unsigned byte(std::string_view text, std::size_t at) noexcept { return static_cast<unsigned char>(text[at]); }

void put_address(std::string& out, const endpoint& to, const address& numeric) {
    const address literal = numeric.empty() ? address::parse(to.host(), to.port()) : numeric;
    if (!literal.empty()) {
        out += literal.is_ipv6() ? ipv6 : ipv4;
        const auto count = static_cast<std::ptrdiff_t>(literal.is_ipv6() ? 16 : 4);
        std::for_each(literal.raw().begin(), literal.raw().begin() + count, [&out](std::uint8_t b) { out += static_cast<char>(b); });
    } else {
        out += domain;
        out += static_cast<char>(to.host().size());
        out += to.host();
    }
    out += static_cast<char>(to.port() >> 8);
    out += static_cast<char>(to.port() & 0xFF);
}

}  // namespace

std::string socks_reason(unsigned code) {
    static constexpr std::array<const char*, 9> reasons{"granted",          "general failure",      "not allowed by its rules",      "network unreachable", "host unreachable",
                                                        "connection refused", "the time has run out", "it does not know the command", "it does not know that kind of address"};
    return code < reasons.size() ? reasons[code] : "reply " + std::to_string(code);
}

task<socks_reply> socks_connect(tcp_stream& stream, std::string proxy, endpoint to, address numeric, std::string user, std::string password) {
    const bool has_password = !user.empty();
    if (user.size() > 255 || password.size() > 255) refuse(proxy, "SOCKS takes users and passwords of at most 255 bytes");
    if (to.host().size() > 255) refuse(proxy, "SOCKS takes names of at most 255 bytes");

    std::string said{version, static_cast<char>(has_password ? 2 : 1), without_password};
    if (has_password) said += with_password;
    co_await pieces_write<1>{stream, said};
    const std::string_view method = co_await exact_read{stream, 2};
    if (method[0] != version) refuse(proxy, "it does not speak SOCKS5");
    if (method[1] == with_password && has_password) {
        said.assign(1, '\1');
        said.append(1, static_cast<char>(user.size())).append(user).append(1, static_cast<char>(password.size())).append(password);
        co_await pieces_write<1>{stream, said};
        const std::string_view status = co_await exact_read{stream, 2};
        if (status[1] != 0) refuse(proxy, "it does not accept the user and the password");
    } else if (method[1] != without_password) {
        refuse(proxy, has_password ? "it wants to be told who asks in a way that leat does not know" : "it wants a user and a password");
    }

    said = {version, connect_command, 0};
    put_address(said, to, numeric);
    co_await pieces_write<1>{stream, said};
    const std::string_view head = co_await exact_read{stream, 4};
    if (head[0] != version) refuse(proxy, "it does not speak SOCKS5");
    const socks_reply reply{byte(head, 1)};
    const char kind = head[3];
    if (reply.code != 0) co_return reply;  // the connection ends here
    // Where it connected from, which is of no interest, but has to be read.
    std::size_t rest = 2;
    if (kind == ipv4) {
        rest += 4;
    } else if (kind == ipv6) {
        rest += 16;
    } else if (kind == domain) {
        const std::string_view size = co_await exact_read{stream, 1};
        rest += byte(size, 0);
    } else {
        refuse(proxy, "it does not speak SOCKS5");
    }
    [[maybe_unused]] const std::string_view from = co_await exact_read{stream, rest};
    co_return reply;
}

}  // namespace leat::detail
