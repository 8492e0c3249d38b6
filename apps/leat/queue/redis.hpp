#pragma once
// A small Redis client over leat's streams: one connection, commands in, replies out.
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "leat/io/duration.hpp"
#include "leat/net/connection.hpp"
#include "leat/sync/mutex.hpp"
#include "leat/task/task.hpp"
#include "queue/redis_reply.hpp"
#include "queue/redis_url.hpp"

namespace tool::redis {

/// No connection, or one that broke or fell silent: "XLEN at redis 127.0.0.1:6379: …". May pass.
class connection_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The server refused a command: "XLEN at redis 127.0.0.1:6379: WRONGTYPE …".
class command_error : public std::runtime_error {
public:
    command_error(const std::string& where, const std::string& reason) : std::runtime_error(where + ": " + reason), reason_(reason) {}
    /// Is this word in the server's text ("NOGROUP", "NOSCRIPT")? What fails inside a script is wrapped in other words.
    bool mentions(std::string_view word) const noexcept { return reason_.find(word) != std::string::npos; }

private:
    std::string reason_;
};

/// A command in the form in which it is sent.
class command {
public:
    template <class... Argument>
    explicit command(std::string_view name, const Argument&... arguments) : name_(name) {
        add(name);
        (add(arguments), ...);
    }
    command& add(std::string_view argument);
    command& add(long long argument) { return add(std::to_string(argument)); }
    /// What messages call it instead of its first word.
    command& called(std::string_view name) {
        name_ = name;
        return *this;
    }
    const std::string& name() const noexcept { return name_; }
    /// Appends it as a RESP array.
    void write_to(std::string& wire) const;

private:
    std::string name_;
    std::string body_;
    std::size_t arguments_ = 0;
};

struct client_options {
    std::string name = {};  // as CLIENT LIST shows it; letters, digits, '-' and such
    std::string ca_file = {};
    bool insecure = false;
    leat::duration connect_timeout = std::chrono::seconds{10};
    leat::duration timeout = std::chrono::seconds{30};  // for an exchange
    /// For so long a connection that broke is made again, with growing pauses, and what has not been answered is sent once more; zero: not at all.
    /// So with patience only commands may be given that do no harm when they are carried out twice.
    leat::duration patience = leat::duration::zero();
    std::size_t reply_limit = 64 * 1024 * 1024;
};

/// Several tasks may use it: one exchange after the other, in the order of the calls.
/// Cancellation: at once; the connection is given up, since replies to it may be on their way, and made again by the next call.
class client {
public:
    client(server_address to, client_options options);
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    /// Sends all, then waits for all replies, which come in the same order; those that are errors are among them.
    /// Errors: connection_error once patience has run out, command_error if the server does not let us in, protocol_error.
    /// `wait`: for so much longer than the time-out the server may take its time.
    leat::task<std::vector<reply>> pipeline(std::vector<command> commands, leat::duration wait = leat::duration::zero());
    /// Sends one; an error that the server answers is thrown as command_error.
    leat::task<reply> call(command one, leat::duration wait = leat::duration::zero());
    /// Makes the connection if there is none; does not try twice.
    leat::task<> connect();
    /// Gives the connection up.
    void drop() noexcept;

    /// The connection's number at the server (CLIENT ID); 0: there is none.
    long long id() const noexcept { return id_; }
    /// When it was there again after having been away.
    leat::time_point back_at() const noexcept { return back_at_; }
    /// Between two tries to reach it.
    static constexpr leat::duration longest_pause = std::chrono::seconds{5};
    /// From now on.
    void set_patience(leat::duration patience) noexcept { options_.patience = patience; }
    const server_address& server() const noexcept { return to_; }
    /// "XLEN at redis 127.0.0.1:6379".
    std::string at(std::string_view name) const;

private:
    struct line;
    leat::task<leat::connection> open() const;
    leat::task<std::vector<reply>> exchange(const std::vector<command>& commands, leat::duration limit);
    leat::task<> read_replies(const std::vector<command>& commands, std::vector<reply>& replies);
    leat::task<> introduce();

    server_address to_;
    client_options options_;
    leat::mutex one_;
    std::unique_ptr<line> line_;
    long long id_ = 0;
    leat::time_point back_at_{};
};

}  // namespace tool::redis
