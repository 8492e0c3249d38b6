// docs/guide/errors.md
#include <leat/leat.hpp>

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

int main_of_page() {
    auto all = [](leat::stream_reader reader) -> leat::task<> {
        co_await several({"127.0.0.1", 8888}, {"127.0.0.1", 8889});
        co_await by_result(reader);
    };
    return leat::run(all({}));
}

}  // namespace errors
