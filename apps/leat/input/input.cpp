#include "input/input.hpp"

#include <algorithm>
#include <utility>

#include "http/ascii.hpp"
#include "input/aria2_option.hpp"
#include "input/entry.hpp"
#include "input/json_line.hpp"
#include "leat/log/printable.hpp"

namespace tool {
namespace {

namespace ascii = leat::http::ascii;

std::string at_line(std::string_view source, std::size_t line, std::string_view what) {
    return std::string{source} + ":" + std::to_string(line) + ": " + std::string{what};
}

}  // namespace

input_error::input_error(std::string_view source, std::size_t line, std::string_view what) : std::runtime_error(at_line(source, line, what)), line_(line) {}

input_reader::input_reader(input_options options) : options_(std::move(options)) {}
input_reader::~input_reader() = default;

void input_reader::warn(std::string text) { warnings_.push_back(at_line(options_.source, line_, text)); }

void input_reader::feed(std::string_view line) {
    ++line_;
    if (unreadable_) return;
    if (line_ == 1 && (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF"))) {
        unreadable_ = true;
        throw input_error(options_.source, line_, "this is a text in UTF-16; it has to be in UTF-8");
    }
    if (line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view content = ascii::trim(line);
    try {
        if (line.size() > longest_line) throw std::invalid_argument("longer than " + std::to_string(longest_line) + " bytes");
        if (content.empty()) {
            if (options_.live) {
                close_entry();
                bad_ = false;
            }
        } else if (content.starts_with('#')) {
            return;
        } else if (options_.format == input_format::json_lines) {
            feed_json(content);
        } else if (ascii::is_blank(line.front())) {
            feed_option(content);
        } else {
            feed_uri_line(content);
        }
    } catch (const std::invalid_argument& e) {
        // The entry above is complete where this line would have begun another.
        if (line.empty() || !ascii::is_blank(line.front())) close_entry();
        forget_entry();
        bad_ = true;
        throw input_error(options_.source, line_, e.what());
    }
}

void input_reader::feed_uri_line(std::string_view line) {
    close_entry();
    bad_ = false;
    if (!options_.patterns && line.find('\t') == std::string_view::npos) {
        plain_ = line;
        return;
    }
    std::vector<std::string> urls;
    while (!line.empty()) {
        const auto end = std::min(line.find('\t'), line.size());
        const std::string_view url = ascii::trim(line.substr(0, end));
        if (!url.empty()) urls.emplace_back(url);
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    open_ = std::make_unique<input_entry>(urls, options_.patterns);
}

void input_reader::feed_option(std::string_view line) {
    if (bad_) return;  // it was said once
    const auto mark = line.find('=');
    if (mark == std::string_view::npos || line.substr(0, mark).find("://") != std::string_view::npos)
        throw std::invalid_argument("a line that begins with a blank has to be an option of the URL above it, NAME=VALUE");
    if (!plain_.empty()) open_ = std::make_unique<input_entry>(std::vector{std::exchange(plain_, {})}, false);
    if (!open_) throw std::invalid_argument("an option without a URL before it; in a pipe that stays open an entry has to be written at once");
    const std::string_view name = ascii::trim(line.substr(0, mark));
    if (const auto warning = apply_aria2_option(*open_, name, ascii::trim(line.substr(mark + 1))); !warning.empty()) warn(warning);
}

void input_reader::feed_json(std::string_view line) {
    std::vector<std::string> ignored;
    auto made = entry_of_json(line, options_.patterns, ignored);
    for (const std::string& each : ignored) warn("the field '" + leat::printable(each, 100) + "' is not known and is ignored");
    made->close();
    ready_.push_back({{}, std::move(made)});
}

void input_reader::close_entry() {
    if (!plain_.empty()) ready_.push_back({std::exchange(plain_, {}), nullptr});
    if (!open_) return;
    settle_existing(*open_);
    open_->close();
    ready_.push_back({{}, std::move(open_)});
}

void input_reader::forget_entry() noexcept {
    plain_.clear();
    open_.reset();
}

void input_reader::idle() {
    if (options_.live) close_entry();
}

void input_reader::finish() { close_entry(); }

std::optional<leat::download_item> input_reader::next() {
    std::optional<leat::download_item> item;
    while (!item && !ready_.empty()) {
        ready_file& first = ready_.front();
        if (first.entry) {
            item = first.entry->next();
            if (item) break;
        } else {
            item.emplace(leat::download_item{std::move(first.url), {}, {}});
        }
        ready_.pop_front();
    }
    return item;
}

std::vector<std::string> input_reader::take_warnings() { return std::exchange(warnings_, {}); }

leat::existing_file parse_existing(std::string_view text) {
    if (text == "overwrite") return leat::existing_file::overwrite;
    if (text == "skip") return leat::existing_file::skip;
    if (text == "newer" || text == "if_newer") return leat::existing_file::if_newer;
    if (text == "fail") return leat::existing_file::fail;
    throw std::invalid_argument("'" + leat::printable(text, 100) + "' is none of overwrite, skip, newer, fail");
}

}  // namespace tool
