#include "queue/redis_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace tool::redis {
namespace {

struct scheme {
    std::string_view prefix;
    bool tls;
    bool local;
};
constexpr std::array schemes{scheme{"redis://", false, false}, scheme{"rediss://", true, false}, scheme{"redis+unix://", false, true},
                             scheme{"unix://", false, true}};

[[noreturn]] void refuse(std::string_view why) {
    throw std::invalid_argument(fmt::format("the Redis URL: {}", why));
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) refuse("'%' is not followed by two hexadecimal digits (write %25 for a '%' of the password)");
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return plain;
}

template <class Number>
Number number_of(std::string_view text, std::string_view what) {
    Number value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || end != text.data() + text.size()) refuse(fmt::format("its {} is not a number that may stand there", what));
    return value;
}

const scheme* scheme_of(std::string_view text) noexcept {
    for (const scheme& each : schemes)
        if (text.starts_with(each.prefix)) return &each;
    return nullptr;
}

void parse_place(server_address& to, std::string_view place) {
    const auto slash = place.find('/');
    const std::string_view authority = place.substr(0, slash);
    const std::string_view database = slash == std::string_view::npos ? std::string_view{} : place.substr(slash + 1);
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) refuse("'[' without ']'");
        to.host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
    } else {
        const auto colon = authority.find(':');
        to.host = authority.substr(0, colon);
        if (colon != std::string_view::npos) port = authority.substr(colon);
        if (port.find(':', 1) != std::string_view::npos) refuse("an IPv6 address stands in brackets");
    }
    if (to.host.empty()) to.host = "127.0.0.1";
    if (!port.empty()) {
        if (port.front() != ':') refuse("something stands behind ']'");
        to.port = number_of<std::uint16_t>(port.substr(1), "port");
        if (to.port == 0) refuse("its port is 0");
    }
    if (!database.empty()) to.database = number_of<unsigned>(database, "database");
}

void parse_local(server_address& to, std::string_view place) {
    const auto question = place.find('?');
    to.socket_path = unescaped(place.substr(0, question));
    if (!to.socket_path.starts_with('/')) refuse("a unix socket's path begins with '/': unix:///run/redis.sock");
    if (question == std::string_view::npos) return;
    const std::string_view query = place.substr(question + 1);
    constexpr std::string_view name = "db=";
    if (!query.starts_with(name)) refuse("what stands behind '?' is not db=NUMBER");
    to.database = number_of<unsigned>(query.substr(name.size()), "database");
}

}  // namespace

std::string server_address::to_string() const {
    if (!socket_path.empty()) return "redis unix:" + socket_path;
    const bool literal6 = host.find(':') != std::string::npos;
    return fmt::format("redis {}{}{}:{}", literal6 ? "[" : "", host, literal6 ? "]" : "", port);
}

bool is_redis_url(std::string_view text) noexcept {
    return scheme_of(text) != nullptr;
}

server_address parse_redis_url(std::string_view text) {
    const scheme* found = scheme_of(text);
    if (!found) refuse("it does not begin with redis://, rediss://, redis+unix:// or unix://");
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') refuse("it holds a blank or a control character");
    std::string_view rest = text.substr(found->prefix.size());
    server_address to;
    to.tls = found->tls;
    // The last '@' before the path: a password with '@' in it was meant so.
    const auto at = rest.substr(0, rest.find('/')).rfind('@');
    if (at != std::string_view::npos) {
        const std::string_view who = rest.substr(0, at);
        const auto colon = who.find(':');
        to.user = unescaped(who.substr(0, colon));
        if (colon != std::string_view::npos) to.password = unescaped(who.substr(colon + 1));
        if (!to.user.empty() && colon == std::string_view::npos) refuse("a user without a password (USER:PASSWORD@)");
        rest.remove_prefix(at + 1);
    }
    if (found->local)
        parse_local(to, rest);
    else
        parse_place(to, rest);
    return to;
}

}  // namespace tool::redis
