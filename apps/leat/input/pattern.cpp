#include "input/pattern.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/ascii.hpp"

namespace tool {
namespace {

namespace ascii = leat::http::ascii;

constexpr std::string_view special = "[]{},\\";
constexpr std::size_t longest_number = 18;  // digits, which 64 bits hold

[[noreturn]] void refuse(std::size_t at, const std::string& why) {
    throw std::invalid_argument("column " + std::to_string(at + 1) + ": " + why);
}

/// The address in "//[::1]:80/"?
bool is_address(std::string_view text, std::size_t at) {
    const std::string_view before = text.substr(0, at);
    if (!before.ends_with("//") && !before.ends_with('@')) return false;
    const auto end = text.find(']', at);
    if (end == std::string_view::npos) return false;
    const std::string_view inside = text.substr(at + 1, end - at - 1);
    const std::string_view address = inside.substr(0, inside.find('%'));
    return std::count(address.begin(), address.end(), ':') >= 2 &&
           std::all_of(address.begin(), address.end(), [](char c) { return ascii::hex_value(c) >= 0 || c == ':' || c == '.'; });
}

bool is_number(std::string_view text) { return !text.empty() && text.size() <= longest_number && std::all_of(text.begin(), text.end(), ascii::is_digit); }

std::uint64_t number_of(std::string_view digits) {
    std::uint64_t number = 0;
    for (char c : digits) number = number * 10 + static_cast<std::uint64_t>(c - '0');
    return number;
}

}  // namespace

url_pattern::url_pattern(std::string_view text) {
    std::string literal;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '\\' && at + 1 < text.size() && special.find(text[at + 1]) != std::string_view::npos) {
            literal += text[at + 1];
            at += 2;
        } else if (c == '[' && is_address(text, at)) {
            const auto end = text.find(']', at) + 1;
            literal += text.substr(at, end - at);
            at = end;
        } else if (c == '[' && text.substr(at).starts_with("[]")) {
            literal += "[]";
            at += 2;
        } else if (c == '[' || c == '{') {
            add_literal(std::move(literal));
            literal.clear();
            const std::size_t begin = at;
            at = c == '[' ? parse_range(text, at) : parse_choices(text, at);
            varying_.push_back(parts_.size() - 1);
            const std::uint64_t count = parts_.back().count;
            if (count > most / size_) refuse(begin, "that would be more than " + std::to_string(most) + " URLs");
            size_ *= count;
        } else if (c == ']' || c == '}') {
            refuse(at, std::string{"a '"} + c + "' without its beginning; a backslash before it takes it as it is");
        } else {
            literal += c;
            ++at;
        }
    }
    add_literal(std::move(literal));
}

void url_pattern::add_literal(std::string literal) {
    if (literal.empty()) return;
    part added;
    added.choices.push_back(std::move(literal));
    parts_.push_back(std::move(added));
}

std::size_t url_pattern::parse_range(std::string_view text, std::size_t at) {
    const auto end = text.find(']', at);
    if (end == std::string_view::npos) refuse(at, "a '[' without its end; a backslash before it takes it as it is");
    const auto wrong = [&] {
        refuse(at, "'" + std::string{text.substr(at, end + 1 - at)} + "' is no range like [1-100], [000-100:10] or [a-z]; backslashes before the brackets take them as they are");
    };
    std::string_view inside = text.substr(at + 1, end - at - 1);
    part range;
    range.range = true;
    if (const auto colon = inside.find(':'); colon != std::string_view::npos) {
        const std::string_view step = inside.substr(colon + 1);
        if (!is_number(step) || number_of(step) == 0) wrong();
        range.step = number_of(step);
        inside = inside.substr(0, colon);
    }
    const auto dash = inside.find('-');
    if (dash == std::string_view::npos) wrong();
    const std::string_view first = inside.substr(0, dash), last = inside.substr(dash + 1);
    std::uint64_t final_value = 0;
    if (is_number(first) && is_number(last)) {
        range.first = number_of(first);
        final_value = number_of(last);
        if (first.starts_with('0')) range.width = static_cast<unsigned>(first.size());
    } else if (first.size() == 1 && last.size() == 1 && ascii::is_alpha(first[0]) && ascii::is_alpha(last[0])) {
        range.letters = true;
        range.first = static_cast<unsigned char>(first[0]);
        final_value = static_cast<unsigned char>(last[0]);
        if ((first[0] >= 'a') != (last[0] >= 'a')) wrong();
    } else {
        wrong();
    }
    if (final_value < range.first) wrong();
    range.count = (final_value - range.first) / range.step + 1;
    parts_.push_back(std::move(range));
    return end + 1;
}

std::size_t url_pattern::parse_choices(std::string_view text, std::size_t at) {
    part choices;
    choices.choices.emplace_back();
    for (std::size_t i = at + 1; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size() && special.find(text[i + 1]) != std::string_view::npos) {
            choices.choices.back() += text[++i];
        } else if (c == ',') {
            choices.choices.emplace_back();
        } else if (c == '{') {
            refuse(i, "a '{' within braces");
        } else if (c == '}') {
            if (i == at + 1) refuse(at, "nothing between the braces; a backslash before each takes it as it is");
            choices.count = choices.choices.size();
            parts_.push_back(std::move(choices));
            return i + 1;
        } else {
            choices.choices.back() += c;
        }
    }
    refuse(at, "a '{' without its end; a backslash before it takes it as it is");
}

std::string url_pattern::part::value() const {
    if (!range) return choices[at];
    const std::uint64_t number = first + at * step;
    if (letters) return std::string(1, static_cast<char>(number));
    std::string digits = std::to_string(number);
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    return digits;
}

std::optional<std::string> url_pattern::next() {
    if (given_ == size_) return std::nullopt;
    // Onwards from the last result, as an odometer turns.
    for (auto which = varying_.rbegin(); given_ > 0 && which != varying_.rend(); ++which) {
        part& turning = parts_[*which];
        if (++turning.at < turning.count) break;
        turning.at = 0;
    }
    ++given_;
    std::string text;
    for (const part& each : parts_) text += each.value();
    return text;
}

std::string url_pattern::substitute(std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::size_t end = i + 1;
        while (text[i] == '#' && end < text.size() && end < i + 4 && ascii::is_digit(text[end])) ++end;
        const std::uint64_t number = number_of(text.substr(i + 1, end - i - 1));
        if (text[i] != '#' || number == 0 || number > varying_.size()) {
            out += text[i];
            continue;
        }
        out += parts_[varying_[number - 1]].value();
        i = end - 1;
    }
    return out;
}

}  // namespace tool
