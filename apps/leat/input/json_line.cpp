#include "input/json_line.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "download/hasher.hpp"

namespace tool {
namespace {

using nlohmann::json;

[[noreturn]] void wrong(const std::string& field, const std::string& what) { throw std::invalid_argument("the field '" + field + "' " + what); }

const std::string& text_in(const std::string& field, const json& value) {
    if (!value.is_string()) wrong(field, "has to be a string");
    return value.get_ref<const std::string&>();
}

std::uint64_t number_in(const std::string& field, const json& value) {
    if (!value.is_number_unsigned()) wrong(field, "has to be a number from 0");
    return value.get<std::uint64_t>();
}

std::vector<std::string> urls_of(const json& object) {
    std::vector<std::string> urls;
    const auto add = [&](const char* field, const json& value) {
        if (text_in(field, value).empty()) wrong(field, "is empty");
        urls.push_back(value.get<std::string>());
    };
    if (const auto url = object.find("url"); url != object.end() && !url->is_null()) add("url", *url);
    if (const auto more = object.find("urls"); more != object.end() && !more->is_null()) {
        if (!more->is_array()) wrong("urls", "has to be an array of strings");
        for (const json& each : *more) add("urls", each);
    }
    if (urls.empty()) throw std::invalid_argument("neither 'url' nor 'urls'");
    return urls;
}

void take_headers(leat::http::headers& to, const json& value) {
    if (!value.is_object()) wrong("headers", "has to be an object");
    for (const auto& [name, content] : value.items()) {
        if (!content.is_array()) {
            to.add(name, text_in("headers", content));
            continue;
        }
        for (const json& each : content) to.add(name, text_in("headers", each));
    }
}

/// False if the field is not known.
bool take_field(input_entry& to, const std::string& field, const json& value) {
    leat::item_options& options = to.options;
    to.has_options = to.has_options || (field != "name" && field != "out");
    if (field == "name" || field == "out") {
        if (!to.name.empty()) wrong(field, "is given twice, as 'name' and as 'out'");
        to.set_name(text_in(field, value));
    } else if (field == "dir") {
        options.directory = text_in(field, value);
    } else if (field == "checksum") {
        options.checksum = leat::detail::expected_digest::parse(text_in(field, value)).to_string();
    } else if (field == "size") {
        options.size = number_in(field, value);
    } else if (field == "headers") {
        take_headers(options.headers, value);
    } else if (field == "user") {
        options.user = text_in(field, value);
    } else if (field == "password") {
        options.password = text_in(field, value);
    } else if (field == "max_rate") {
        options.max_rate = value.is_string() ? parse_rate(text_in(field, value)) : number_in(field, value);
    } else if (field == "segments") {
        options.segments = number_in(field, value);
    } else if (field == "existing") {
        options.existing = parse_existing(text_in(field, value));
    } else {
        return false;
    }
    return true;
}

}  // namespace

std::unique_ptr<input_entry> entry_of_json(std::string_view line, bool patterns, std::vector<std::string>& ignored) {
    json object;
    try {
        object = json::parse(line);
    } catch (const json::parse_error& e) {
        throw std::invalid_argument("not JSON at column " + std::to_string(e.byte));
    } catch (const json::exception&) {  // a number beyond all bounds
        throw std::invalid_argument("not JSON that can be read");
    }
    if (!object.is_object()) throw std::invalid_argument("not a JSON object");
    auto made = std::make_unique<input_entry>(urls_of(object), patterns);
    for (const auto& [field, value] : object.items()) {
        if (value.is_null() || field == "url" || field == "urls") continue;
        try {
            if (!take_field(*made, field, value)) ignored.push_back(field);
        } catch (const std::invalid_argument& e) {
            const std::string_view text = e.what();
            if (text.starts_with("the field ")) throw;
            wrong(field, std::string{"is wrong: "} + e.what());
        }
    }
    return made;
}

}  // namespace tool
