// docs/guide/files.md
#include <leat/leat.hpp>
#include <string>

using namespace leat::literals;

namespace files {
namespace {

leat::task<> whole_files() {
    const std::string text = co_await leat::read_file("input.txt");
    co_await leat::write_file("copy.txt", text);
}

leat::task<> keep_errors(leat::path from, leat::path to) {
    auto in = co_await leat::open(from);
    auto out = co_await leat::open(to, "w");
    while (auto line = co_await in.read_line())
        if (line->find("error") != std::string_view::npos) co_await out.write(*line);
    co_await out.close();
}

leat::task<> patch(leat::path name) {
    auto file = co_await leat::open(name, "r+");
    const auto header = co_await file.read_exactly(16);
    leat::log::info("{} of {} bytes read: {}", file.tell(), co_await file.size(), header);
    co_await file.seek(-4, leat::file::from::end);
    co_await file.write("done");
    co_await file.sync();
    co_await file.close();
}

leat::task<> two_places_at_once(leat::file& file) {
    auto [first, second] = co_await leat::gather(file.read_at(0, 4096), file.read_at(1 << 20, 4096));
    leat::log::info("{} and {} bytes", first.size(), second.size());
}

leat::task<> send_file(leat::path name, leat::stream_writer& to) {
    auto file = co_await leat::open(name);
    const auto count = co_await leat::copy(file, to);
    leat::log::info("{}: {} bytes", name.string(), count);
}

}  // namespace

int main_of_page() {
    auto all = [](leat::stream_writer to) -> leat::task<> {
        co_await whole_files();
        co_await keep_errors("a", "b");
        co_await patch("a");
        auto file = co_await leat::open("a");
        co_await two_places_at_once(file);
        co_await send_file("a", to);
    };
    return leat::run(all({}));
}

}  // namespace files
