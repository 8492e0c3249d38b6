#include "http/hsts_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <utility>

#include "http/ascii.hpp"
#include "http/date.hpp"
#include "leat/log/printable.hpp"
#include "leat/net/address.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

constexpr std::size_t most_hosts = 5000;
constexpr std::uint64_t longest_age = std::uint64_t{100} * 366 * 86400;
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// A host's name as it is kept; empty if it is none, or an address.
std::string as_name(std::string_view host) {
    std::string name{host};
    if (name.ends_with('.')) name.pop_back();
    const auto odd = [](char c) { return !ascii::is_alpha(c) && !ascii::is_digit(c) && c != '-' && c != '.' && c != '_'; };
    if (name.size() > 255 || name.starts_with('.') || name.ends_with('.') || name.find("..") != std::string::npos) return {};
    if (std::any_of(name.begin(), name.end(), odd) || !address::parse(name, 0).empty()) return {};
    std::transform(name.begin(), name.end(), name.begin(), ascii::lower);
    return name;
}

/// "20301106 08:49:37"
std::string as_stamp(std::int64_t seconds) {
    const std::string date = http::format_date(seconds);  // "Sun, 06 Nov 1994 08:49:37 GMT"
    const auto month = static_cast<int>(months.find(date.substr(8, 3)) / 3 + 1);
    std::array<char, 8> digits{};
    std::snprintf(digits.data(), digits.size(), "%02d", month);
    return date.substr(12, 4) + digits.data() + date.substr(5, 2) + date.substr(16, 9);
}

std::optional<std::int64_t> parse_stamp(std::string_view text) {
    if (text.size() != 17 || text[8] != ' ') return std::nullopt;
    int month = 0;
    const auto parsed = std::from_chars(text.data() + 4, text.data() + 6, month);
    if (parsed.ec != std::errc{} || month < 1 || month > 12) return std::nullopt;
    std::string date = "Thu, ";
    date.append(text.substr(6, 2)).append(" ").append(months.substr(static_cast<std::size_t>(month - 1) * 3, 3)).append(" ");
    date.append(text.substr(0, 4)).append(text.substr(8)).append(" GMT");
    return http::parse_date(date);
}

std::string_view unquoted(std::string_view text) noexcept {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
}

}  // namespace

std::optional<hsts_policy> parse_hsts(std::string_view field) {
    hsts_policy policy;
    bool has_age = false;
    while (!field.empty()) {
        const auto end = field.find(';');
        const std::string_view directive = ascii::trim(field.substr(0, end));
        field.remove_prefix(end == std::string_view::npos ? field.size() : end + 1);
        const auto equals = directive.find('=');
        const std::string_view name = ascii::trim(directive.substr(0, equals));
        const std::string_view value = equals == std::string_view::npos ? std::string_view{} : unquoted(ascii::trim(directive.substr(equals + 1)));
        if (ascii::equal(name, "max-age")) {
            if (has_age || value.empty() || !std::all_of(value.begin(), value.end(), ascii::is_digit)) return std::nullopt;
            has_age = true;
            if (std::from_chars(value.data(), value.data() + value.size(), policy.max_age).ec != std::errc{}) policy.max_age = longest_age;
        } else if (ascii::equal(name, "includeSubDomains")) {
            if (policy.subdomains || equals != std::string_view::npos) return std::nullopt;
            policy.subdomains = true;
        }
    }
    policy.max_age = std::min(policy.max_age, longest_age);
    return has_age ? std::optional{policy} : std::nullopt;
}

bool hsts_table::covers(std::string_view host, std::int64_t now) const {
    if (hosts_.empty()) return false;
    const std::string name = as_name(host);
    for (std::string_view at = name; !at.empty();) {
        if (const auto found = hosts_.find(std::string{at}); found != hosts_.end()) {
            const http::hsts_host& one = found->second;
            if ((!one.expires || *one.expires > now) && (one.subdomains || at.size() == name.size())) return true;
        }
        const auto dot = at.find('.');
        at.remove_prefix(dot == std::string_view::npos ? at.size() : dot + 1);
    }
    return false;
}

bool hsts_table::take(std::string_view host, std::string_view field, std::int64_t now) {
    std::string name = as_name(host);
    const auto policy = parse_hsts(field);
    if (name.empty() || !policy) return false;
    if (policy->max_age == 0)
        hosts_.erase(name);
    else
        set({.host = std::move(name), .subdomains = policy->subdomains, .expires = now + static_cast<std::int64_t>(policy->max_age)});
    return true;
}

void hsts_table::set(http::hsts_host one) {
    const std::string name = as_name(one.host);
    if (name.empty()) throw std::invalid_argument("hsts: \"" + printable(one.host, 100) + "\" is no host's name");
    one.host = name;
    if (!hosts_.contains(name)) shrink_to(most_hosts - 1);  // before: the new one stays, whenever it ends
    hosts_.insert_or_assign(name, std::move(one));
}

/// Those that end first go, all that are too many at once.
void hsts_table::shrink_to(std::size_t most) {
    if (hosts_.size() <= most) return;
    std::vector<decltype(hosts_)::iterator> all;
    all.reserve(hosts_.size());
    for (auto at = hosts_.begin(); at != hosts_.end(); ++at) all.push_back(at);
    const auto end_of = [](const auto& at) { return at->second.expires.value_or(std::numeric_limits<std::int64_t>::max()); };
    const auto first_kept = all.end() - static_cast<std::ptrdiff_t>(most);
    std::nth_element(all.begin(), first_kept, all.end(), [&](const auto& a, const auto& b) { return end_of(a) < end_of(b); });
    std::for_each(all.begin(), first_kept, [this](const auto& at) { hosts_.erase(at); });
}

bool hsts_table::remove(std::string_view host) { return hosts_.erase(as_name(host)) != 0; }

std::vector<http::hsts_host> hsts_table::all(std::int64_t now) const {
    std::vector<http::hsts_host> found;
    for (const auto& [name, one] : hosts_)
        if (!one.expires || *one.expires > now) found.push_back(one);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.host < b.host; });
    return found;
}

// A line a host: a leading dot stands for what is below it, too.    .example.org "20301106 08:49:37"
std::string hsts_table::as_file(std::int64_t now) const {
    std::string out = "# Hosts that are to be spoken to over TLS only. Written by leat, in curl's form.\n";
    for (const http::hsts_host& one : all(now)) {
        if (one.subdomains) out += '.';
        out.append(one.host).append(" \"").append(one.expires ? as_stamp(*one.expires) : "unlimited").append("\"\n");
    }
    return out;
}

std::size_t hsts_table::take_file(std::string_view text, std::int64_t now) {
    std::size_t taken = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = ascii::trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto blank = line.find_first_of(" \t");
        if (line.starts_with('#') || blank == std::string_view::npos) continue;
        http::hsts_host one;
        one.subdomains = line.starts_with('.');
        one.host = as_name(line.substr(one.subdomains ? 1 : 0, blank - (one.subdomains ? 1 : 0)));
        const std::string_view stamp = unquoted(ascii::trim(line.substr(blank)));
        if (stamp != "unlimited") {
            one.expires = parse_stamp(stamp);
            if (!one.expires || *one.expires <= now) continue;
        }
        if (one.host.empty()) continue;
        std::string name = one.host;
        hosts_.insert_or_assign(std::move(name), std::move(one));
        if (hosts_.size() >= 2 * most_hosts) shrink_to(most_hosts);  // not one at a time: a file may have a hundred times as many
        ++taken;
    }
    shrink_to(most_hosts);
    return taken;
}

}  // namespace leat::detail
