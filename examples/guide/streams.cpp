// docs/guide/streams.md
#include <leat/leat.hpp>
#include <string>

#include "run_page.hpp"

using namespace leat::literals;

namespace streams {
namespace {

leat::task<std::string> first_header(leat::stream_reader& reader) {
    auto head = co_await reader.read_until("\r\n\r\n", "\n\n");  // whichever ends first, the separator included
    if (!head) co_return "";
    co_return std::string{head->substr(0, head->find('\n'))};
}

leat::task<std::string> framed(leat::stream_reader& reader) {
    const auto size = co_await reader.read_exactly(1);
    const auto count = static_cast<unsigned char>(size.front());
    co_return std::string{co_await reader.read_exactly(count)};
}

leat::task<> long_lines(leat::stream_reader& reader, leat::stream_writer& writer) {
    for (;;) {
        auto line = co_await (reader.read_line(4_KiB) | leat::as_result);
        if (!line) {
            auto piece = co_await reader.read();  // what is there of a line that is too long
            co_await writer.write(*piece);
        } else if (*line) {
            co_await writer.write(**line);
        } else {
            co_return;  // the end of the stream
        }
    }
}

leat::task<> reply(leat::stream_writer& writer, int status, std::string body) {
    const auto head = fmt::format("STATUS {} {}\n", status, body.size());
    co_await writer.write(head, body, "\n");  // one piece after the other, nothing in between
}

leat::task<> proxy(leat::stream_reader reader, leat::stream_writer writer) {
    auto [from, to] = co_await leat::open_connection({"127.0.0.1", 8889});
    co_await leat::gather(leat::copy(reader, to), leat::copy(from, writer));
    co_await leat::gather(to.close(), writer.close());
}

leat::task<> serve_on_any_port() {
    auto server = co_await leat::start_server(proxy, {"127.0.0.1", 0}, {.max_connections = 1000, .limit = 16_KiB});
    leat::log::info("listening on port {}", server.address().port());
    co_await server.serve_forever();
}

}  // namespace

leat::task<> page() {
    auto [here, there] = leat::unix_socket_pair();
    co_await there.writer.write("GET /\r\nHost: x\r\n\r\n", "\x03""abc", "a line\n", std::string(5000, 'x'), "\n");
    auto first = co_await first_header(here.reader);
    guide::expect(first == "GET /\r", "the first line of a head");
    auto body = co_await framed(here.reader);
    guide::expect(body == "abc", "a frame");
    co_await there.writer.write_eof();
    co_await leat::gather(long_lines(here.reader, here.writer), reply(here.writer, 200, "fine"));
    co_await guide::stopped_after_some_turns(serve_on_any_port());
}

}  // namespace streams
