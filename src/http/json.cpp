#include "leat/http/json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "http/exchange.hpp"
#include "leat/http/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::http {
namespace {

constexpr std::size_t worth_a_thread = 256 * 1024;  // a few milliseconds for the parser
constexpr std::size_t longest_shown = 120;

[[noreturn]] void throw_not_json(std::string_view text, std::size_t at, std::string_view why) {
    const auto before = text.substr(0, std::min(at, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = before.size() - (before.rfind('\n') + 1) + 1;
    std::string words = "not JSON at line ";
    throw protocol_error(words.append(std::to_string(line)).append(", column ").append(std::to_string(column)).append(": ").append(printable(why, longest_shown)));
}

/// Arrays and objects, without a look at anything but the brackets outside strings.
void check_depth(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == ']' || c == '}') depth -= depth != 0;
        if ((c == '[' || c == '{') && ++depth > deepest_json) throw_not_json(text, i, "nested more than " + std::to_string(deepest_json) + " deep");
    }
}

/// The parser's own words, without its number for them and the place.
std::string_view reason_of(std::string_view what) {
    what.remove_prefix(what.starts_with('[') ? std::min(what.find("] ") + 2, what.size()) : 0);
    const auto colon = what.starts_with("parse error") ? what.find(": ") : std::string_view::npos;
    return colon == std::string_view::npos ? what : what.substr(colon + 2);
}

nlohmann::json parsed(const std::string& text) {
    check_depth(text);
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& e) {
        throw_not_json(text, e.byte == 0 ? 0 : e.byte - 1, reason_of(e.what()));
    } catch (const nlohmann::json::exception& e) {
        throw_not_json(text, text.size(), reason_of(e.what()));  // a number that no double holds
    }
}

}  // namespace

task<nlohmann::json> read_json(response& from, bytes limit) {
    const std::string name = from.body().exchange().name();
    const std::string text = co_await from.text(limit);
    try {
        if (text.size() < worth_a_thread) co_return parsed(text);
        nlohmann::json value = co_await to_thread(parsed, std::cref(text));
        co_return value;
    } catch (const protocol_error& e) {
        throw protocol_error(name + ": " + e.what());
    }
}

std::string json_text(const nlohmann::json& value) {
    try {
        return value.dump();
    } catch (const nlohmann::json::exception& e) {
        throw std::invalid_argument(std::string{"http::json_text: "} + e.what());
    }
}

}  // namespace leat::http
