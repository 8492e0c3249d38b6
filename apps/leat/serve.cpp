// leat serve: a directory as a web site, read-only.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "command.hpp"
#include "endpoint_text.hpp"
#include "leat/fs/directory.hpp"
#include "leat/log/printable.hpp"
#include "leat/net/server.hpp"
#include "seconds_option.hpp"
#include "site/site.hpp"
#include "site/visit.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

struct serve_arguments {
    std::string directory;
    std::string listen = "127.0.0.1:8080";
    std::size_t max_connections = 16 * 1024;
    leat::duration head_timeout = std::chrono::seconds{10};
    leat::duration idle_timeout = std::chrono::seconds{75};
    leat::duration stall_timeout = std::chrono::seconds{60};
    leat::duration drain_timeout = std::chrono::seconds{10};
};

leat::task<int> serve(std::shared_ptr<const serve_arguments> asked, leat::endpoint at) {
    leat::directory root = co_await leat::open_directory(asked->directory);
    const site served{std::move(root)};
    const visit_limits limits{.head = asked->head_timeout, .idle = asked->idle_timeout, .stall = asked->stall_timeout};
    auto handler = [&served, limits](leat::stream_reader reader, leat::stream_writer writer) {
        return visit(served, limits, std::move(reader), std::move(writer));
    };
    const leat::server_options options{.max_connections = asked->max_connections, .drain_timeout = asked->drain_timeout};
    auto server = co_await leat::start_server(handler, at, options);
    std::string ready;
    for (const leat::address& each : server.addresses()) ready += fmt::format("serving {} on http://{}\n", leat::printable(asked->directory), each);
    co_await print(std::move(ready));
    co_await server.serve_forever();
    co_return 0;
}

}  // namespace

void add_serve(CLI::App& app, command& chosen) {
    auto arguments = std::make_shared<serve_arguments>();
    CLI::App* sub = app.add_subcommand("serve", "Serve a directory over HTTP, read-only");
    sub->footer(R"(
GET and HEAD, one range at a time, conditional requests, kept connections. A directory shows its index.html, or a list.
Nothing outside the directory is served, whatever symbolic links point at; nor are FIFOs and devices.
Prints 'serving DIR on http://HOST:PORT' when it is ready. Requests are logged at level debug. Ctrl-C lets the answers that
are under way end, and stops; a second Ctrl-C stops at once.

Examples:
  leat serve .
  leat serve public --listen 0.0.0.0:8080
  leat serve public --listen 127.0.0.1:0        (a free port, which is printed))");
    sub->add_option("DIR", arguments->directory, "What to serve")->option_text(" ")->required();
    sub->add_option("-l,--listen", arguments->listen, "Where to listen (default 127.0.0.1:8080); ':8080' for all addresses")->option_text("HOST:PORT");
    sub->add_option("--max-connections", arguments->max_connections, "Connections at once; others wait (default 16384)")
        ->option_text("N")
        ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}));
    add_seconds(*sub, "--head-timeout", arguments->head_timeout, 0.001, "For a request to arrive (default 10)");
    add_seconds(*sub, "--idle-timeout", arguments->idle_timeout, 0.001, "Between two requests of a connection (default 75)");
    add_seconds(*sub, "--stall-timeout", arguments->stall_timeout, 0.001, "For a visitor to take 256 KiB (default 60)");
    add_seconds(*sub, "--drain-timeout", arguments->drain_timeout, 0, "For answers to end when stopping (default 10)");
    sub->callback([arguments, &chosen] {
        const auto at = parse_endpoint(arguments->listen);
        if (!at) throw CLI::ValidationError("--listen: '" + arguments->listen + "' is not HOST:PORT");
        chosen.run = [arguments, at = *at] { return run_command("serve", serve(arguments, at)); };
    });
}

}  // namespace tool
