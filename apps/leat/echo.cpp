// leat echo: the echo server and client of the chapter on streams.
//
//     leat echo --listen 127.0.0.1:8888
//     leat echo 127.0.0.1:8888 "Hello, server!" "How are you?"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command.hpp"
#include "endpoint_text.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "leat/log/printable.hpp"
#include "leat/net/server.hpp"
#include "leat/net/unix.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "seconds_option.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

struct echo_arguments {
    std::string listen;
    std::string server;
    std::vector<std::string> messages;
    leat::duration timeout = std::chrono::seconds{30};
    bool proxy_protocol = false;
    std::string trusted_proxies;
};

/// What to listen on or to connect to: HOST:PORT, unix:PATH or unix:@NAME.
struct place {
    std::optional<leat::endpoint> tcp;
    std::optional<leat::unix_address> local;
    std::string to_string() const { return tcp ? tcp->to_string() : local->to_string(); }
};

std::optional<place> parse_place(std::string_view text) {
    constexpr std::string_view prefix = "unix:";
    if (!text.starts_with(prefix)) {
        const auto endpoint = parse_endpoint(text);
        if (!endpoint) return std::nullopt;
        return place{endpoint, {}};
    }
    text.remove_prefix(prefix.size());
    const bool is_abstract = text.starts_with('@');
    return place{{}, is_abstract ? leat::unix_address::abstract(text.substr(1)) : leat::unix_address{text}};
}

std::string_view without_newline(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// ---- the server

leat::task<> echo_lines(leat::stream_reader reader, leat::stream_writer writer) {
    const leat::address peer = writer.peer_address();
    leat::log::info("New connection: {}", peer);
    for (;;) {
        std::optional<std::string_view> line;
        bool too_long = false;
        try {
            line = co_await reader.read_line();
        } catch (const leat::limit_error&) {
            too_long = true;
        }
        // A line beyond the limit is echoed in pieces: nothing of it is lost.
        if (too_long) line = co_await reader.read();
        if (!line) break;
        leat::log::info("Received from {}: {}", peer, without_newline(*line));
        co_await writer.write(*line);
    }
    leat::log::info("Connection closed: {}", peer);
    co_await writer.close();
}

leat::task<leat::server> listen_on(place at, leat::server_options options) {
    if (at.local) co_return co_await leat::start_unix_server(echo_lines, *at.local, options);
    co_return co_await leat::start_server(echo_lines, *at.tcp, options);
}

leat::task<int> serve_echo(place at, bool proxied, std::string trusted) {
    leat::server_options options;
    if (proxied) options.proxy_protocol = leat::proxy_protocol::required;
    options.trusted_proxies = trusted;
    auto server = co_await listen_on(at, options);
    std::string ready;
    for (const leat::address& each : server.addresses()) ready += fmt::format("Server started on {}\n", each);
    co_await print(std::move(ready));
    co_await server.serve_forever();
    leat::log::info("Server stopped");
    co_return 0;
}

// ---- the client

/// One connection that sends one message: what there is to print of it, once it has ended.
struct conversation {
    std::string transcript;
    std::string error;
    leat::event ended;
};

leat::task<leat::connection> connect_to(place to) {
    if (to.local) co_return co_await leat::open_unix_connection(*to.local);
    co_return co_await leat::open_connection(*to.tcp);
}

leat::task<> converse(place to, std::string message, std::string& transcript) {
    auto [reader, writer] = co_await connect_to(to);
    transcript += "Sending: " + leat::printable(message) + "\n";
    co_await writer.write(message, "\n");
    const auto reply = co_await reader.read_line();
    if (!reply) throw std::runtime_error(to.to_string() + ": the connection was closed before a reply came");
    transcript += "Received: " + leat::printable(without_newline(*reply)) + "\nClosing connection\n";
    co_await writer.close();
}

leat::task<> hold(conversation& with, place to, std::string message, leat::duration limit) {
    const std::string name = to.to_string();
    try {
        co_await leat::timeout(limit, converse(std::move(to), std::move(message), with.transcript));
    } catch (const leat::timeout_error&) {
        with.error = name + ": no reply in time";
    } catch (const std::exception& e) {
        with.error = e.what();
    }
    with.ended.set();
}

leat::task<int> send_messages(place to, std::vector<std::string> messages, leat::duration limit) {
    std::vector<conversation> conversations(messages.size());
    leat::task_group group;
    for (std::size_t i = 0; i < messages.size(); ++i) group.spawn(hold(conversations[i], to, std::move(messages[i]), limit));
    // They run side by side and are printed one after the other.
    int status = 0;
    output out{STDOUT_FILENO};
    for (conversation& each : conversations) {
        co_await each.ended.wait();
        out.write(each.transcript);
        co_await out.drain();
        if (each.error.empty()) continue;
        complain("echo", each.error);
        status = failed;
    }
    co_await group.join();
    require_written(out);
    co_return status;
}

void choose(const echo_arguments& arguments, command& chosen) {
    const bool serves = !arguments.listen.empty();
    if (serves && !arguments.server.empty()) throw CLI::ValidationError("either --listen, or a server and messages");
    if (!serves && arguments.server.empty()) throw CLI::ValidationError("--listen HOST:PORT or a server's HOST:PORT is required");
    const std::string& text = serves ? arguments.listen : arguments.server;
    std::optional<place> found;
    try {
        found = parse_place(text);
    } catch (const leat::error& e) {
        throw CLI::ValidationError(e.what());
    }
    if (!found) throw CLI::ValidationError("'" + text + "' is neither HOST:PORT nor unix:PATH");
    if (serves) {
        chosen.log_level = leat::log::level::info;
        const bool proxied = arguments.proxy_protocol || !arguments.trusted_proxies.empty();
        chosen.run = [at = *found, proxied, trusted = arguments.trusted_proxies] { return run_command("echo", serve_echo(at, proxied, trusted)); };
        return;
    }
    if (arguments.proxy_protocol || !arguments.trusted_proxies.empty()) throw CLI::ValidationError("--proxy-protocol and --trusted-proxies are the server's");
    if (found->tcp && found->tcp->port() == 0) throw CLI::ValidationError("port 0 is only for listening");
    if (arguments.messages.empty()) throw CLI::ValidationError("a message to send is required");
    for (const std::string& message : arguments.messages)
        if (message.find('\n') != std::string::npos) throw CLI::ValidationError("a message is one line");
    chosen.run = [to = *found, messages = arguments.messages, limit = arguments.timeout] { return run_command("echo", send_messages(to, messages, limit)); };
}

}  // namespace

void add_echo(CLI::App& app, command& chosen) {
    auto arguments = std::make_shared<echo_arguments>();
    CLI::App* sub = app.add_subcommand("echo", "Echo lines over TCP or a unix socket: the server, or a client that sends messages");
    sub->footer(R"(
The server sends every line back and logs connections and lines (less with --log-level warn).
The client opens a connection for each message, all at once, and prints the replies in order.
Ctrl-C stops the server in order: what has been received is still answered.

Examples:
  leat echo --listen 127.0.0.1:8888
  leat echo --listen 127.0.0.1:0            (a free port, which is printed)
  leat echo --listen unix:/tmp/echo.sock    (unix:@NAME is an abstract name)
  leat echo --listen 127.0.0.1:8888 --trusted-proxies 127.0.0.1    (behind HAProxy with send-proxy)
  leat echo 127.0.0.1:8888 "Hello, server!" "How are you?"
  leat echo 127.0.0.1:8888 -- --dashes--)");
    sub->add_option("--listen", arguments->listen, "Be the server, on this address")->option_text("HOST:PORT")->group("Server");
    sub->add_flag("--proxy-protocol", arguments->proxy_protocol, "Each connection begins with a PROXY header that names the client")->group("Server");
    sub->add_option("--trusted-proxies", arguments->trusted_proxies, "The only ones to be served, with --proxy-protocol: addresses and networks")
        ->option_text("LIST")
        ->group("Server");
    sub->add_option("HOST:PORT", arguments->server, "Where the server is")->option_text(" ");
    sub->add_option("MESSAGE", arguments->messages, "What to send, a line each")->option_text("...");
    add_seconds(*sub, "--timeout", arguments->timeout, 0.001, "For a conversation of the client (default 30)");
    sub->callback([arguments, &chosen] { choose(*arguments, chosen); });
}

}  // namespace tool
