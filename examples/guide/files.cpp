// docs/guide/files.md
#include <leat/leat.hpp>
#include <string>

#include "run_page.hpp"

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

leat::task<> tidy(leat::path inbox) {
    if (auto found = co_await leat::exists(inbox / "stop")) co_return;
    const auto about = co_await leat::stat(inbox);                   // kind, size, times, permissions, owner, inode …
    leat::log::info("changed {} s after 1970", about.modified / std::chrono::seconds{1});
    co_await leat::make_directories("done/today");                   // those that exist are well
    const auto entries = co_await leat::list_directory(inbox);
    for (const auto& entry : entries)
        if (entry.kind == leat::file_kind::regular) co_await leat::rename(inbox / entry.name, leat::path{"done/today"} / entry.name);
    co_await leat::remove_tree(inbox);
}

leat::task<std::uint64_t> size_of_tree(leat::path name) {
    std::uint64_t size = 0;
    auto tree = leat::walk(name);
    while (auto entry = co_await tree.next()) {
        if (entry->path.file_name() == ".git") tree.skip();
        if (entry->kind == leat::file_kind::regular) size += (co_await leat::lstat(entry->path)).size;
    }
    co_return size;
}

leat::task<> convert(leat::path from, leat::path to) {
    auto scratch = co_await leat::open_temporary_file({.directory = to.parent()});
    auto in = co_await leat::open(from);
    co_await leat::copy(in, scratch);
    co_await scratch.persist(to);                                    // without this it is gone with its scope
}

leat::task<> change_settings(std::string first, std::string second) {
    auto next = co_await leat::open_replacement("settings.json");
    co_await next.write(first, second);
    co_await next.commit();                                              // dropped without it, nothing changes
}

}  // namespace

leat::task<> page() {
    co_await leat::write_file("input.txt", "an error\nno er" "ror\nall is well\n");
    co_await whole_files();
    co_await keep_errors("copy.txt", "errors.txt");
    auto kept = co_await leat::read_file("errors.txt");
    guide::expect(kept == "an error\nno error\n", "the lines with errors");
    co_await leat::write_file("record", std::string(100, 'x'));
    co_await patch("record");
    auto file = co_await leat::open("record");
    co_await two_places_at_once(file);
    auto [here, there] = leat::unix_socket_pair();
    co_await send_file("record", here.writer);
    auto sent = co_await there.reader.read_exactly(100);
    guide::expect(sent.ends_with("xdone"), "the patched file");
    co_await convert("record", "record.new");
    co_await change_settings("{", "}");
    auto settings = co_await leat::read_file("settings.json");
    guide::expect(settings == "{}", "the new settings");
    co_await leat::make_directory("inbox");
    co_await leat::rename("record", "inbox/record");
    auto size = co_await size_of_tree("inbox");
    guide::expect(size == 100, "the size of a tree");
    co_await tidy("inbox");
    auto tidied = co_await leat::exists("done/today/record");
    guide::expect(tidied == leat::present, "a tidy inbox");
}

}  // namespace files
