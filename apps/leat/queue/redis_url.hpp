#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tool::redis {

/// Where a Redis server is, and who to be there.
struct server_address {
    std::string host;         // of TCP
    std::uint16_t port = 6379;
    std::string socket_path;  // of a unix socket; then host and port mean nothing
    bool tls = false;
    std::string user;
    std::string password;
    unsigned database = 0;

    /// "redis 127.0.0.1:6379", "redis unix:/run/redis.sock": for messages. Says nothing that is secret.
    std::string to_string() const;
};

/// Does it begin like one of the URLs below?
bool is_redis_url(std::string_view text) noexcept;

/// redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, redis+unix://[[USER]:PASSWORD@]/PATH[?db=N] or unix://… for a unix socket. User and
/// password may be %-escaped. Throws std::invalid_argument, whose text never holds any of the URL: a password may be in it.
server_address parse_redis_url(std::string_view text);

}  // namespace tool::redis
