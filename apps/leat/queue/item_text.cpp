#include "queue/item_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "download/hasher.hpp"
#include "http/shown_url.hpp"
#include "leat/io/path.hpp"

namespace tool {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<leat::existing_file, std::string_view>, 4> existing_words{{{leat::existing_file::overwrite, "overwrite"},
                                                                                          {leat::existing_file::skip, "skip"},
                                                                                          {leat::existing_file::if_newer, "newer"},
                                                                                          {leat::existing_file::fail, "fail"}}};

constexpr std::size_t most_segments = 1024;
constexpr std::size_t longest_part = 255;  // of a name, between slashes

std::string_view word_of(leat::existing_file what) {
    for (const auto& [value, word] : existing_words)
        if (value == what) return word;
    return "overwrite";
}

leat::existing_file existing_of(const std::string& text) {
    for (const auto& [value, word] : existing_words)
        if (text == word) return value;
    throw std::invalid_argument("an item of the queue: \"existing\" is none of the words that it may be");
}

std::uint64_t number_in(const std::string& name, const json& value) {
    if (!value.is_number_unsigned()) throw std::invalid_argument("an item of the queue: \"" + name + "\" is not a number from 0");
    return value.get<std::uint64_t>();
}

void set_options(leat::item_options& to, const std::string& name, const json& value) {
    if (name == "mirrors") {
        to.mirrors = value.get<std::vector<std::string>>();
    } else if (name == "checksum") {
        to.checksum = leat::detail::expected_digest::parse(value.get<std::string>()).to_string();
    } else if (name == "size") {
        to.size = number_in(name, value);
    } else if (name == "headers") {
        for (const json& field : value) to.headers.add(field.at(0).get<std::string>(), field.at(1).get<std::string>());
    } else if (name == "user") {
        to.user = value.get<std::string>();
    } else if (name == "password") {
        to.password = value.get<std::string>();
    } else if (name == "max_rate") {
        to.max_rate = number_in(name, value);
    } else if (name == "segments") {
        to.segments = number_in(name, value);
        if (*to.segments > most_segments) throw std::invalid_argument("an item of the queue: too many segments");
    } else if (name == "existing") {
        to.existing = existing_of(value.get<std::string>());
    } else {
        throw std::invalid_argument("an item of the queue: \"" + name + "\" is not known to this version");
    }
}

}  // namespace

std::string to_json(const leat::download_item& item) {
    json made{{"url", item.url}};
    if (item.options) {
        const leat::item_options& with = *item.options;
        if (!with.mirrors.empty()) made["mirrors"] = with.mirrors;
        if (!with.checksum.empty()) made["checksum"] = with.checksum;
        if (with.size) made["size"] = *with.size;
        for (const auto& field : with.headers) made["headers"].push_back(json::array({std::string{field.name}, std::string{field.value}}));
        if (!with.user.empty()) made["user"] = with.user;
        if (!with.password.empty()) made["password"] = with.password;
        if (with.max_rate != 0) made["max_rate"] = with.max_rate;
        if (with.segments) made["segments"] = *with.segments;
        if (with.existing) made["existing"] = word_of(*with.existing);
    }
    try {
        return made.dump();
    } catch (const json::exception&) {
        throw std::invalid_argument("an item with bytes that are not UTF-8 cannot be written to a queue");
    }
}

leat::download_item item_from_json(std::string_view text) {
    try {
        const json read = json::parse(text);
        if (!read.is_object()) throw std::invalid_argument("an item of the queue is no JSON object");
        leat::download_item item;
        leat::item_options with;
        bool has_options = false;
        for (const auto& [name, value] : read.items()) {
            if (name == "url") {
                item.url = value.get<std::string>();
                continue;
            }
            set_options(with, name, value);
            has_options = true;
        }
        if (item.url.empty()) throw std::invalid_argument("an item of the queue has no URL");
        if (has_options) item.options = std::make_shared<const leat::item_options>(std::move(with));
        return item;
    } catch (const json::exception& e) {
        throw std::invalid_argument(fmt::format("an item of the queue: {}", e.what()));
    }
}

bool stays_below(std::string_view name) noexcept {
    if (name.empty() || name.size() > 4096 || name.front() == '/' || name.back() == '/') return false;
    for (const char c : name)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return false;
    while (!name.empty()) {
        const auto slash = std::min(name.find('/'), name.size());
        const std::string_view part = name.substr(0, slash);
        // What a journal says is trusted.
        if (part == "." || part == ".." || part.empty() || part.size() > longest_part || part.starts_with(".leat-journal")) return false;
        name.remove_prefix(std::min(slash + 1, name.size()));
    }
    return true;
}

std::string wished_name(const leat::download_item& item) {
    std::string name = item.name.empty() ? leat::file_name_of(item.url).string() : item.name;
    if (item.options && !item.options->directory.empty()) {
        std::string directory = item.options->directory;
        while (directory.starts_with("./")) directory.erase(0, 2);
        while (directory.ends_with('/') && directory.size() > 1) directory.pop_back();
        if (directory != ".") name = directory + "/" + name;
    }
    if (!stays_below(name)) throw std::invalid_argument("the name '" + name + "' does not stay below the directory of a worker");
    return name;
}

std::string key_of(const leat::download_item& item) {
    const bool has_directory = item.options && !item.options->directory.empty();
    return item.name.empty() && !has_directory ? item.url : item.url + " " + wished_name(item);
}

std::string without_credentials(std::string_view url) {
    std::string shown{url};
    if (const auto found = leat::http::identity_in(url)) shown.erase(found->whole.begin, found->whole.size + 1);
    return shown;
}

}  // namespace tool
