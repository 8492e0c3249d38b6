// The programs that the interface exists for, letter for letter, each in a namespace of its own. That this file compiles
// against the installed library is the test; main() at the end then runs what needs no outside server.
//
//   design_programs serve            the echo server on 127.0.0.1:8888, until SIGTERM
//   design_programs echo MESSAGE     the echo client: prints the reply
//   design_programs files FOLDER     copies FOLDER/from to FOLDER/to line by line, prints what slurp() reads of it
#include <leat/leat.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

namespace echo_server {

leat::task<> handle_client(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line())      // optional<string_view>, '\n' kept; nullopt at EOF
        co_await writer.write(*line);                    // suspends only above the high-water mark
    co_await writer.close();
}
leat::task<> serve() {
    auto server = co_await leat::start_server(handle_client, {"127.0.0.1", 8888});
    leat::log::info("server started on {}", server.address());
    co_await server.serve_forever();                     // SIGINT/SIGTERM: stop accepting, drain, close
}
int main() { return leat::run(serve()); }

}  // namespace echo_server

namespace echo_client {

leat::task<std::string> echo(std::string message) {
    auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", 8888});
    co_await writer.write(message + "\n");
    auto reply = co_await reader.read_line();
    co_return std::string{reply.value_or("")};
}

}  // namespace echo_client

namespace files {

leat::task<std::string> slurp(leat::path path) { co_return co_await leat::read_file(path); }
leat::task<> copy_lines(leat::path from, leat::path to) {
    auto in = co_await leat::open(from, "r");
    auto out = co_await leat::open(to, "w");
    while (auto line = co_await in.read_line()) co_await out.write(*line);
    co_await out.close();                                // errors of the last write surface here
}

}  // namespace files

namespace downloads {

leat::task<> fetch(leat::http::client& http, leat::semaphore& slots, std::string url, leat::path to) {
    auto slot = co_await slots.acquire();                // released by its destructor
    try {
        auto response = co_await leat::timeout(30s, http.get(url));
        response.raise_for_status();
        auto file = co_await leat::open(to, "w");
        while (auto chunk = co_await response.body().read()) co_await file.write(*chunk);
        co_await file.close();
    } catch (const leat::http::error& e) { leat::log::error("{}: {}", url, e.what());
    } catch (const leat::timeout_error&) { leat::log::error("{}: timed out", url); }
}
leat::task<> fetch_all(std::vector<std::string> urls) {
    leat::http::client http;
    leat::semaphore slots{32};
    leat::task_group group;                              // a child's error cancels its siblings; none outlives the group
    for (auto& url : urls) group.spawn(fetch(http, slots, url, leat::file_name_of(url)));
    co_await group.join();
}

}  // namespace downloads

namespace the_one_call {

leat::task<> download_all(std::vector<std::string> urls) {
    auto draw = [](const auto&) {};
    auto report = co_await leat::download(urls, {.directory = "out", .jobs = 32, .on_progress = draw});
    (void)report;
}

}  // namespace the_one_call

namespace {

leat::task<int> print_echo(std::string message) {
    const auto reply = co_await echo_client::echo(std::move(message));
    std::fwrite(reply.data(), 1, reply.size(), stdout);
    co_return 0;
}

leat::task<int> print_copy(leat::path folder) {
    co_await files::copy_lines(folder / "from", folder / "to");
    const auto text = co_await files::slurp(folder / "to");
    std::fwrite(text.data(), 1, text.size(), stdout);
    co_return 0;
}

}  // namespace

int main(int count, char** values) {
    const std::vector<std::string> arguments(values + 1, values + count);
    if (arguments == std::vector<std::string>{"serve"}) return echo_server::main();
    if (arguments.size() == 2 && arguments[0] == "echo") return leat::run(print_echo(arguments[1]));
    if (arguments.size() == 2 && arguments[0] == "files") return leat::run(print_copy(arguments[1]));
    // Never run, but linked: their symbols have to be in the installed library.
    if (arguments.size() > 2 && arguments[0] == "fetch") {
        return leat::run(downloads::fetch_all(arguments)) + leat::run(the_one_call::download_all(arguments));
    }
    std::fputs("usage: design_programs serve | echo MESSAGE | files FOLDER\n", stderr);
    return 2;
}
