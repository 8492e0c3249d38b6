#include "input/entry.hpp"

#include <stdexcept>
#include <utility>

namespace tool {

url_source::url_source(std::string_view text, bool pattern) {
    if (pattern) {
        url_pattern made{text};
        if (made.plain())
            text_ = *made.next();
        else
            pattern_ = std::move(made);
    } else {
        text_ = text;
    }
}

std::optional<std::string> url_source::next() {
    if (pattern_) return pattern_->next();
    if (std::exchange(given_, true)) return std::nullopt;
    return text_;
}

input_entry::input_entry(const std::vector<std::string>& texts, bool patterns) {
    for (const std::string& each : texts) urls.emplace_back(each, patterns);
    for (const url_source& each : urls)
        if (each.size() != urls.front().size()) throw std::invalid_argument("the patterns of a file and of its mirrors stand for different numbers of URLs");
}

void input_entry::set_name(std::string text) {
    if (urls.front().size() > 1 && text.find('#') == std::string::npos)
        throw std::invalid_argument("one name for " + std::to_string(urls.front().size()) + " files: '#1' in it stands for the first pattern's text");
    name = std::move(text);
}

void input_entry::close() {
    if (has_options && urls.size() == 1) shared = std::make_shared<const leat::item_options>(std::move(options));
}

std::optional<leat::download_item> input_entry::next() {
    auto url = urls.front().next();
    if (!url) return std::nullopt;
    leat::download_item item{std::move(*url), urls.front().substitute(name), shared};
    if (urls.size() > 1) {
        leat::item_options mine = options;
        for (std::size_t i = 1; i < urls.size(); ++i) mine.mirrors.push_back(*urls[i].next());
        item.options = std::make_shared<const leat::item_options>(std::move(mine));
    }
    return item;
}

}  // namespace tool
