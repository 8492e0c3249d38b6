#include "get/list_source.hpp"

#include <fmt/format.h>

#include <utility>

#include "get/client.hpp"
#include "get/shown.hpp"
#include "leat/download/checksums.hpp"
#include "leat/download/metalink.hpp"
#include "leat/fs/status.hpp"
#include "leat/http/client.hpp"
#include "leat/io/error.hpp"
#include "leat/process/standard.hpp"
#include "leat/task/timeout.hpp"

namespace tool {
namespace {

constexpr std::size_t largest_document = 16 * 1024 * 1024;

bool is_remote(std::string_view name) { return name.starts_with("http://") || name.starts_with("https://"); }

/// A local Metalink document among the URLs.
bool is_metalink(std::string_view name) {
    return name.find("://") == std::string_view::npos && (name.ends_with(".meta4") || name.ends_with(".metalink"));
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::shared_ptr<const leat::item_options> usual_of(const get_arguments& asked) {
    if (asked.header_fields.empty() && asked.mirrors.empty() && asked.checksum.empty()) return {};
    auto options = std::make_shared<leat::item_options>();
    options->headers = asked.header_fields;
    options->mirrors = asked.mirrors;
    options->checksum = asked.checksum;
    return options;
}

leat::task<std::string> read_document(leat::path name) {
    auto file = co_await leat::open(name, "r");
    std::string text;
    while (auto piece = co_await file.read()) {
        if (text.size() + piece->size() > largest_document) throw leat::limit_error("read", name.string(), largest_document);
        text += *piece;
    }
    co_await file.close();
    co_return text;
}

}  // namespace

/// One list: standard input, or a file.
struct list_source::list {
    std::string name;
    leat::stream_reader input;  // of the standard one
    leat::file file;            // or this
    std::optional<input_reader> reader;  // once its form is known
    bool live = false;  // more may come at any time: it is no regular file
    bool ended = false;

    bool standard() const noexcept { return name == "-"; }
    std::string shown() const { return standard() ? "standard input" : name; }
    leat::task<std::optional<std::string_view>> read_line() {
        if (standard()) co_return co_await input.read_line({input_reader::longest_line});
        co_return co_await file.read_line();
    }

    /// Takes a line; nothing is known before the first that says something.
    void feed(std::string_view line, const std::string& format) {
        // Blanks before a URL are no sign of an option.
        if (const auto text = trimmed(line); is_remote(text)) line = text;
        if (!reader) {
            const auto text = trimmed(line);
            if (text.empty()) return;
            const bool json = format == "json" ||
                              (format == "auto" && (name.ends_with(".json") || name.ends_with(".jsonl") || name.ends_with(".ndjson") || text.starts_with('{')));
            reader.emplace(input_options{.source = shown(), .format = json ? input_format::json_lines : input_format::lines, .live = live});
        }
        reader->feed(line);
    }
};

list_source::list_source(const get_arguments& asked, std::function<void(const std::string&)> warn)
    : asked_(asked), warn_(std::move(warn)), usual_(usual_of(asked)) {}

list_source::~list_source() = default;

leat::task<> list_source::open() {
    for (const std::string& name : asked_.checksum_files) {
        const std::string text = co_await read_document(name);
        add_checksums(name, text);
    }
    std::vector<std::string> documents = asked_.metalinks;
    for (const std::string& url : asked_.urls)
        if (is_metalink(url)) documents.push_back(url);
    for (const std::string& name : documents) {
        const std::string text = co_await read_metalink(name);
        try {
            for (leat::download_item& item : leat::parse_metalink(text)) metalinks_.push_back(std::move(item));
        } catch (const std::invalid_argument& error) {
            throw std::runtime_error(without_password(name) + ": " + error.what());
        }
    }
    for (const std::string& name : asked_.lists) {
        auto opened = std::make_unique<list>();
        opened->name = name;
        if (opened->standard()) {
            opened->input = leat::standard_input();
            opened->live = true;
        } else {
            // A FIFO may wait for its writer, which holds nothing up but this.
            opened->file = co_await leat::open(name, "r");
            const leat::file_status status = co_await leat::stat(name);
            opened->live = status.kind != leat::file_kind::regular;
        }
        lists_.push_back(std::move(opened));
    }
}

void list_source::add_checksums(const std::string& name, std::string_view text) {
    try {
        for (leat::file_checksum& each : leat::parse_checksums(text)) {
            std::string_view file = each.name;
            while (file.starts_with("./")) file.remove_prefix(2);
            // Who lists a whole tree has names with folders, and the file may lie elsewhere here. Two that differ only in their folders are not told apart.
            const std::string base{leat::path{file}.file_name()};
            const auto [other, first] = base_checksums_.try_emplace(base, each.checksum);
            if (!first && other->second != each.checksum) other->second.clear();
            checksums_.insert_or_assign(std::string{file}, std::move(each.checksum));
        }
    } catch (const std::invalid_argument& error) {
        throw std::runtime_error(name + ": " + error.what());
    }
}

leat::task<std::string> list_source::read_metalink(std::string name) {
    if (!is_remote(name)) co_return co_await read_document(name);
    leat::http::client http{client_options_of(asked_)};
    auto response = co_await http.get(name, {.headers = &asked_.header_fields});
    response.raise_for_status();
    co_return co_await response.text({largest_document});
}

leat::task<std::optional<leat::download_item>> list_source::next() {
    auto item = next_of_patterns();
    if (!item && !metalinks_.empty()) {
        item = std::move(metalinks_.front());
        metalinks_.pop_front();
    }
    while (!item && !lists_.empty()) {
        auto found = co_await next_of(*lists_.front());
        if (found) item = std::move(found);
        else lists_.pop_front();
    }
    if (item) complete(*item);
    else exhausted_ = true;
    co_return item;
}

std::optional<leat::download_item> list_source::next_of_patterns() {
    for (;;) {
        if (pattern_) {
            if (auto url = pattern_->next()) {
                leat::download_item item{std::move(*url), {}, {}};
                if (!asked_.output.empty()) item.name = pattern_->plain() ? asked_.output : pattern_->substitute(asked_.output);
                return item;
            }
            pattern_.reset();
        }
        while (url_ < asked_.urls.size() && is_metalink(asked_.urls[url_])) ++url_;
        if (url_ == asked_.urls.size()) return std::nullopt;
        const std::string& url = asked_.urls[url_++];
        if (asked_.no_glob) return leat::download_item{url, asked_.output, {}};
        pattern_.emplace(url);
    }
}

leat::task<std::optional<leat::download_item>> list_source::next_of(list& from) {
    for (;;) {
        if (from.reader) {
            if (auto item = from.reader->next()) co_return item;
        }
        if (from.ended) co_return std::nullopt;
        std::string refusal;
        bool idle = false;
        try {
            std::optional<std::string_view> line;
            // What a line was about is complete when nothing more comes for a moment.
            if (from.live && from.reader && from.reader->open()) line = co_await leat::timeout(input_reader::idle_pause, from.read_line());
            else if (from.standard()) line = co_await from.input.read_line({input_reader::longest_line});
            else line = co_await from.file.read_line();
            if (line) from.feed(*line, asked_.input_format);
            else from.ended = true;
            if (from.ended && from.reader) from.reader->finish();
        } catch (const leat::timeout_error&) {
            idle = true;
        } catch (const input_error& error) {
            refusal = error.what();
        }
        if (idle) from.reader->idle();
        if (!refusal.empty()) {
            ++refused_;
            warn_(refusal);
        }
        warn_of(from);
    }
}

void list_source::warn_of(list& from) {
    if (!from.reader) return;
    for (const std::string& text : from.reader->take_warnings()) warn_("warning: " + text);
}

/// Adds what holds for every file.
void list_source::complete(leat::download_item& item) {
    if (!item.options) {
        item.options = usual_;
    } else if (usual_) {
        auto merged = std::make_shared<leat::item_options>(*item.options);
        for (const auto field : asked_.header_fields)
            if (!item.options->headers.contains(field.name)) merged->headers.add(field.name, field.value);
        item.options = std::move(merged);
    }
    if (asked_.checksum_files.empty() || (item.options && !item.options->checksum.empty())) return;
    const std::string name = item.name.empty() ? leat::file_name_of(item.url).string() : item.name;
    std::string known;
    if (const auto found = checksums_.find(name); found != checksums_.end()) known = found->second;
    else if (const auto by_base = base_checksums_.find(std::string{leat::path{name}.file_name()}); by_base != base_checksums_.end()) known = by_base->second;
    if (known.empty()) return warn_(fmt::format("warning: there is no checksum of {}", name));
    auto checked = item.options ? std::make_shared<leat::item_options>(*item.options) : std::make_shared<leat::item_options>();
    checked->checksum = std::move(known);
    item.options = std::move(checked);
}

}  // namespace tool
