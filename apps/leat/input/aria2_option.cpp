#include "input/aria2_option.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "download/hasher.hpp"
#include "http/ascii.hpp"
#include "leat/log/printable.hpp"

namespace tool {
namespace {

namespace ascii = leat::http::ascii;

bool flag(std::string_view value) {
    if (value == "true") return true;
    if (value == "false") return false;
    throw std::invalid_argument("'" + leat::printable(value, 100) + "' is neither true nor false");
}

std::size_t count(std::string_view value) {
    std::size_t number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed != std::errc{} || end != value.data() + value.size() || number == 0)
        throw std::invalid_argument("'" + leat::printable(value, 100) + "' is not a number from 1");
    return number;
}

void add_header(leat::http::headers& to, std::string_view value) {
    const auto colon = value.find(':');
    if (colon == std::string_view::npos) throw std::invalid_argument("a header has to be 'Name: value'");
    to.add(ascii::trim(value.substr(0, colon)), ascii::trim(value.substr(colon + 1)));
}

/// True if it was one of those that set something.
bool set_option(input_entry& to, std::string_view name, std::string_view value) {
    leat::item_options& options = to.options;
    if (name == "out") {
        to.set_name(std::string{value});
    } else if (name == "dir") {
        options.directory = value;
    } else if (name == "checksum") {
        options.checksum = leat::detail::expected_digest::parse(value).to_string();
    } else if (name == "header") {
        add_header(options.headers, value);
    } else if (name == "referer" && value != "*") {
        options.headers.set("Referer", value);
    } else if (name == "user-agent") {
        options.headers.set("User-Agent", value);
    } else if (name == "http-user") {
        options.user = value;
    } else if (name == "http-passwd") {
        options.password = value;
    } else if (name == "max-download-limit") {
        options.max_rate = parse_rate(value);
    } else if (name == "split" || name == "max-connection-per-server") {
        // aria2 takes the smaller of the two.
        options.segments = std::min(count(value), options.segments.value_or(SIZE_MAX));
    } else if (name == "allow-overwrite") {
        to.overwrites = flag(value);
    } else if (name == "auto-file-renaming") {
        to.renames = flag(value);
    } else if (name == "conditional-get") {
        to.conditional = flag(value);
    } else {
        return false;
    }
    to.has_options = true;
    return true;
}

}  // namespace

std::string apply_aria2_option(input_entry& to, std::string_view name, std::string_view value) {
    try {
        if (set_option(to, name, value)) {
            if (name == "auto-file-renaming" && *to.renames) return "auto-file-renaming=true is ignored: a file that is there is not evaded by another name";
            return {};
        }
        if (name == "gid") return {};
        // Going on is what is done anyway.
        if (name == "continue" && flag(value)) return {};
    } catch (const std::invalid_argument& e) {
        throw std::invalid_argument(std::string{name} + ": " + e.what());
    }
    return "the option '" + leat::printable(name, 100) + "' is ignored";  // its value may be a password
}

void settle_existing(input_entry& of) {
    using leat::existing_file;
    if (of.conditional.value_or(false))
        of.options.existing = existing_file::if_newer;
    else if (of.overwrites)
        of.options.existing = *of.overwrites ? existing_file::overwrite : existing_file::fail;
    else if (of.renames && !*of.renames)
        of.options.existing = existing_file::fail;
}

}  // namespace tool
