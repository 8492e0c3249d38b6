#include "http/cookie_parse.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "http/ascii.hpp"
#include "http/date.hpp"
#include "leat/net/address.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

constexpr std::size_t longest_attribute = 1024;
constexpr std::int64_t longest_life = std::int64_t{400} * 86400;
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

bool is_delimiter(char c) noexcept {
    const auto u = static_cast<unsigned char>(c);
    return u == 0x09 || (u >= 0x20 && u <= 0x2F) || (u >= 0x3B && u <= 0x40) || (u >= 0x5B && u <= 0x60) || (u >= 0x7B && u <= 0x7E);
}

/// A number of so many digits in front, whatever follows them but another digit; removes it. -1: none.
int leading_number(std::string_view& text, std::size_t least, std::size_t most) noexcept {
    std::size_t n = 0;
    int value = 0;
    while (n < text.size() && ascii::is_digit(text[n])) {
        if (n == most) return -1;
        value = value * 10 + (text[n++] - '0');
    }
    if (n < least) return -1;
    text.remove_prefix(n);
    return value;
}

struct time_of_day {
    int hour, minute, second;
};

std::optional<time_of_day> as_time(std::string_view token) noexcept {
    std::array<int, 3> parts{};
    for (std::size_t i = 0; i < 3; ++i) {
        if (i != 0) {
            if (!token.starts_with(':')) return std::nullopt;
            token.remove_prefix(1);
        }
        parts[i] = leading_number(token, 1, 2);
        if (parts[i] < 0) return std::nullopt;
    }
    return time_of_day{parts[0], parts[1], parts[2]};
}

int as_month(std::string_view token) noexcept {
    if (token.size() < 3) return -1;
    for (std::size_t i = 0; i < 12; ++i)
        if (ascii::equal(token.substr(0, 3), months.substr(i * 3, 3))) return static_cast<int>(i);
    return -1;
}

std::string lowered(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), ascii::lower);
    return out;
}

std::optional<std::int64_t> age_end(std::string_view digits, std::int64_t now) noexcept {
    const bool negative = digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), ascii::is_digit)) return std::nullopt;
    std::int64_t age = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), age);
    if (parsed.ec != std::errc{}) age = longest_life;  // too large for a number
    if (negative || age == 0) return 0;
    return now + std::min(age, longest_life);
}

void take_attribute(set_cookie& cookie, std::string_view name, std::string_view value, std::int64_t now, bool& has_age) {
    if (value.size() > longest_attribute) return;
    if (ascii::equal(name, "Expires")) {
        if (auto when = parse_cookie_date(value); when && !has_age) cookie.expires = std::min(*when, now + longest_life);
    } else if (ascii::equal(name, "Max-Age")) {
        if (auto when = age_end(value, now)) {
            cookie.expires = when;
            has_age = true;
        }
    } else if (ascii::equal(name, "Domain")) {
        if (value.starts_with('.')) value.remove_prefix(1);
        cookie.domain = lowered(value);
    } else if (ascii::equal(name, "Path")) {
        cookie.path = value.starts_with('/') ? std::string{value} : std::string{};
    } else if (ascii::equal(name, "Secure")) {
        cookie.secure = true;
    } else if (ascii::equal(name, "HttpOnly")) {
        cookie.http_only = true;
    } else if (ascii::equal(name, "SameSite")) {
        using http::same_site;
        cookie.same_site = ascii::equal(value, "Strict") ? same_site::strict
                           : ascii::equal(value, "Lax")  ? same_site::lax
                           : ascii::equal(value, "None") ? same_site::none
                                                         : same_site::unspecified;
    }
}

}  // namespace

bool has_cookie_control(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(), [](char c) { return ascii::is_control(c) && c != '\t'; });
}

std::optional<std::int64_t> parse_cookie_date(std::string_view text) {
    std::optional<time_of_day> time;
    int day = -1, month = -1, year = -1;
    while (!text.empty()) {
        if (is_delimiter(text.front())) {
            text.remove_prefix(1);
            continue;
        }
        const auto end = std::min<std::size_t>(static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_delimiter) - text.begin()), text.size());
        std::string_view token = text.substr(0, end);
        text.remove_prefix(end);
        if (!time && (time = as_time(token))) continue;
        std::string_view number = token;
        if (int found = day < 0 ? leading_number(number, 1, 2) : -1; found >= 0) {
            day = found;
        } else if (int named = month < 0 ? as_month(token) : -1; named >= 0) {
            month = named;
        } else if (number = token; year < 0) {
            year = leading_number(number, 2, 4);
        }
    }
    if (year >= 70 && year <= 99) year += 1900;
    if (year >= 0 && year <= 69) year += 2000;
    if (!time || day < 1 || day > 31 || month < 0 || year < 1601 || time->hour > 23 || time->minute > 59 || time->second > 59) return std::nullopt;
    std::array<char, 64> exact{};
    std::snprintf(exact.data(), exact.size(), "Thu, %02d %.3s %04d %02d:%02d:%02d GMT", day, months.data() + month * 3, year, time->hour, time->minute, time->second);
    return http::parse_date(exact.data());
}

std::optional<set_cookie> parse_set_cookie(std::string_view text, std::int64_t now) {
    if (has_cookie_control(text)) return std::nullopt;
    const auto next_piece = [&text] {
        const auto end = text.find(';');
        const std::string_view piece = ascii::trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        return piece;
    };
    set_cookie cookie;
    const std::string_view pair = next_piece();
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) {
        cookie.value = pair;
    } else {
        cookie.name = ascii::trim(pair.substr(0, equals));
        cookie.value = ascii::trim(pair.substr(equals + 1));
    }
    if (cookie.name.empty() && cookie.value.empty()) return std::nullopt;
    if (cookie.name.size() + cookie.value.size() > longest_cookie) return std::nullopt;
    bool has_age = false;
    while (!text.empty()) {
        const std::string_view attribute = next_piece();
        const auto at = attribute.find('=');
        const std::string_view name = ascii::trim(attribute.substr(0, at));
        const std::string_view value = at == std::string_view::npos ? std::string_view{} : ascii::trim(attribute.substr(at + 1));
        take_attribute(cookie, name, value, now, has_age);
    }
    return cookie;
}

std::string_view default_cookie_path(std::string_view request_path) noexcept {
    const auto slash = request_path.rfind('/');
    return !request_path.starts_with('/') || slash == 0 ? std::string_view{"/"} : request_path.substr(0, slash);
}

bool cookie_path_matches(std::string_view request_path, std::string_view cookie_path) noexcept {
    if (!request_path.starts_with(cookie_path)) return false;
    return request_path.size() == cookie_path.size() || cookie_path.ends_with('/') || request_path[cookie_path.size()] == '/';
}

bool cookie_domain_matches(std::string_view host, std::string_view domain) noexcept {
    if (host == domain) return true;
    if (domain.empty() || host.size() <= domain.size() || !host.ends_with(domain) || host[host.size() - domain.size() - 1] != '.') return false;
    return address::parse(host, 0).empty();
}

}  // namespace leat::detail
