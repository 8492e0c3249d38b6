#include "http/challenge.hpp"

#include <algorithm>

#include "http/ascii.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

constexpr std::size_t most_challenges = 32;
constexpr std::size_t most_parameters = 64;

// The grammar is ambiguous only at first sight: behind a comma "name =" is a parameter of the challenge before, and a name alone begins the next.
struct scanner {
    std::string_view rest;

    void blanks() noexcept {
        while (!rest.empty() && ascii::is_blank(rest.front())) rest.remove_prefix(1);
    }
    void separators() noexcept {
        while (!rest.empty() && (ascii::is_blank(rest.front()) || rest.front() == ',')) rest.remove_prefix(1);
    }
    std::string_view token() noexcept {
        const auto end = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), ascii::is_token_char) - rest.begin());
        const std::string_view found = rest.substr(0, end);
        rest.remove_prefix(end);
        return found;
    }
    /// False: a quote that does not end.
    bool quoted(std::string& into) {
        rest.remove_prefix(1);
        while (!rest.empty() && rest.front() != '"') {
            if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
            into += rest.front();
            rest.remove_prefix(1);
        }
        if (rest.empty()) return false;
        rest.remove_prefix(1);
        return true;
    }
    /// "name = value" in front? Then it is removed. A '=' that nothing or another one follows belongs to a token68.
    bool parameter(std::string& name, std::string& value, bool& broken) {
        const std::string_view before = rest;
        name = token();
        std::transform(name.begin(), name.end(), name.begin(), ascii::lower);
        blanks();
        if (!name.empty() && rest.starts_with('=')) {
            rest.remove_prefix(1);
            blanks();
            if (rest.starts_with('"')) {
                broken = !quoted(value);
                return !broken;
            }
            value = token();
            if (!value.empty()) return true;
        }
        rest = before;
        return false;
    }
};

constexpr bool is_token68(char c) noexcept {
    return ascii::is_alpha(c) || ascii::is_digit(c) || std::string_view{"-._~+/="}.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::string_view> auth_challenge::get(std::string_view name) const noexcept {
    for (const auto& [key, value] : parameters)
        if (key == name) return value;
    return std::nullopt;
}

void parse_challenges(std::string_view field, std::vector<auth_challenge>& into) {
    scanner in{field};
    for (;;) {
        in.separators();
        const std::string_view scheme = in.token();
        if (scheme.empty() || into.size() >= most_challenges) return;
        auth_challenge one;
        one.scheme = scheme;
        std::transform(one.scheme.begin(), one.scheme.end(), one.scheme.begin(), ascii::lower);
        if (!in.rest.empty() && !ascii::is_blank(in.rest.front()) && in.rest.front() != ',') return;
        in.blanks();
        bool broken = false;
        for (bool first = true;; first = false) {
            std::string name, value;
            if (one.parameters.size() < most_parameters && in.parameter(name, value, broken)) {
                one.parameters.emplace_back(std::move(name), std::move(value));
            } else if (first && !broken && !in.rest.empty() && in.rest.front() != ',') {
                const auto end = static_cast<std::size_t>(std::find_if_not(in.rest.begin(), in.rest.end(), is_token68) - in.rest.begin());
                if (end == 0) return;
                one.token68 = in.rest.substr(0, end);
                in.rest.remove_prefix(end);
            } else {
                break;
            }
            in.blanks();
            if (!in.rest.empty() && in.rest.front() != ',') broken = true;
            if (broken) break;
            in.separators();
        }
        if (broken) return;
        into.push_back(std::move(one));
    }
}

}  // namespace leat::detail
