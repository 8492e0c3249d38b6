// docs/guide/errors.md
#include <leat/leat.hpp>

#include "run_page.hpp"

namespace errors {
namespace {

leat::task<> by_exception(leat::endpoint server) {
    try {
        auto [reader, writer] = co_await leat::open_connection(server);
        co_await writer.write("hello\n");
        co_await writer.close();
    } catch (const leat::error& e) {
        leat::log::error("{} (while: {}, with: {})", e.what(), e.operation(), e.subject());
    }
}

leat::task<> by_result(leat::stream_reader& reader) {
    auto line = co_await (reader.read_line() | leat::as_result);
    if (!line) {
        leat::log::warn("{}", line.error().message());
        co_return;
    }
    if (auto text = *line) leat::log::info("{}", *text);
}

leat::task<> several(leat::endpoint one, leat::endpoint other) {
    try {
        co_await leat::gather(by_exception(one), by_exception(other));
    } catch (const leat::error_group& all) {
        for (const auto& each : all.errors()) leat::log::error("{}", leat::describe(each));
    }
}

}  // namespace

leat::task<> page() {
    auto server = co_await leat::start_server(guide::echo, {"127.0.0.1", 0});
    const leat::endpoint there{"127.0.0.1", server.address().port()};
    co_await by_exception(there);
    co_await by_exception({"127.0.0.1", 1});  // nobody listens there
    auto [here, other] = leat::unix_socket_pair();
    co_await other.writer.write("a line\n");
    co_await by_result(here.reader);
    co_await several(there, there);
    co_await server.close();
}

}  // namespace errors
