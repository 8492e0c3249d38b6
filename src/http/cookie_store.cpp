#include "http/cookie_store.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "http/ascii.hpp"
#include "http/public_suffix.hpp"
#include "leat/log/printable.hpp"
#include "leat/net/address.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

constexpr std::size_t most_of_a_domain = 50;

bool expired(const http::cookie& one, std::int64_t now) noexcept { return one.expires && *one.expires <= now; }

bool begins(std::string_view text, std::string_view prefix) noexcept { return text.size() >= prefix.size() && ascii::equal(text.substr(0, prefix.size()), prefix); }

/// A host as URLs have it, without its port: in a file of cookies a '#' would make a comment of it.
bool is_host(std::string_view text) noexcept {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view{"-._:[]"}.find(c) != std::string_view::npos; };
    return !text.empty() && text.front() != '.' && std::all_of(text.begin(), text.end(), fits);
}

/// What a name promises has to be so: "__Host-…" cannot come from a neighbour.
bool keeps_promise(const set_cookie& cookie, bool host_only) noexcept {
    const std::string_view name = cookie.name.empty() ? std::string_view{cookie.value} : std::string_view{cookie.name};
    const bool of_host = begins(name, "__Host-");
    if (!of_host && !begins(name, "__Secure-")) return true;
    if (cookie.name.empty() || !cookie.secure) return false;
    return !of_host || (host_only && cookie.domain.empty() && cookie.path == "/");
}

[[noreturn]] void refuse(const http::cookie& one, const char* why) {
    throw std::invalid_argument("cookie \"" + printable(one.name, 100) + "\": " + why);
}

}  // namespace

bool cookie_store::take(const http::url& from, std::string_view field, std::int64_t now) {
    auto parsed = parse_set_cookie(field, now);
    if (!parsed) return false;
    http::cookie made;
    const std::string host{from.host()};
    made.domain = host;
    if (!parsed->domain.empty()) {
        if (!std::all_of(parsed->domain.begin(), parsed->domain.end(), ascii::is_ascii)) return false;
        if (!cookie_domain_matches(host, parsed->domain)) return false;
        const bool is_address = !address::parse(host, 0).empty();
        if (!is_address && !is_public_suffix(parsed->domain)) {
            made.domain = parsed->domain;
            made.host_only = false;
        } else if (host != parsed->domain) {
            return false;
        }
    }
    if (parsed->secure && !from.secure()) return false;
    if (!keeps_promise(*parsed, made.host_only)) return false;
    made.path = parsed->path.empty() ? std::string{default_cookie_path(from.path())} : parsed->path;
    if (!from.secure() && hides_secure(*parsed, made.domain, made.path, now)) return false;
    made.name = std::move(parsed->name);
    made.value = std::move(parsed->value);
    made.secure = parsed->secure;
    made.http_only = parsed->http_only;
    made.same_site = parsed->same_site;
    made.expires = parsed->expires;
    put(std::move(made), now);
    keep_limit(most_cookies, now);
    return true;
}

/// Whoever can write into an unencrypted response may not shadow what came over TLS.
bool cookie_store::hides_secure(const set_cookie& cookie, std::string_view domain, std::string_view path, std::int64_t now) const {
    for (const auto& [key, all] : domains_) {
        if (!cookie_domain_matches(key, domain) && !cookie_domain_matches(domain, key)) continue;
        for (const kept& each : all)
            if (each.cookie.secure && each.cookie.name == cookie.name && !expired(each.cookie, now) && cookie_path_matches(path, each.cookie.path)) return true;
    }
    return false;
}

void cookie_store::set(http::cookie one, std::int64_t now) {
    check(one);
    put(std::move(one), now);
    keep_limit(most_cookies, now);
}

void cookie_store::check(http::cookie& one) {
    if (has_cookie_control(one.name) || has_cookie_control(one.value) || has_cookie_control(one.path)) refuse(one, "a control character");
    if (one.name.find_first_of(";=") != std::string::npos || one.value.find(';') != std::string::npos) refuse(one, "';' or '=' where none may be");
    if (one.name.empty() && (one.value.empty() || one.value.find('=') != std::string::npos)) refuse(one, "no name");
    if (one.name.size() + one.value.size() > longest_cookie) refuse(one, "more than 4096 bytes");
    if (!one.path.starts_with('/')) refuse(one, "a path without '/'");
    if (one.domain.starts_with('.')) one.domain.erase(0, 1);
    std::transform(one.domain.begin(), one.domain.end(), one.domain.begin(), ascii::lower);
    if (!is_host(one.domain)) refuse(one, "no domain");
}

void cookie_store::put(http::cookie one, std::int64_t now) {
    const auto same = [&](const kept& k) { return k.cookie.name == one.name && k.cookie.path == one.path && k.cookie.host_only == one.host_only; };
    if (auto domain = domains_.find(one.domain); domain != domains_.end()) {
        auto& all = domain->second;
        if (auto found = std::find_if(all.begin(), all.end(), same); found != all.end()) {
            if (!expired(one, now)) {
                found->cookie = std::move(one);  // its age stays
                found->used = ++clock_;
                return;
            }
            all.erase(found);
            --count_;
            if (all.empty()) domains_.erase(domain);
            return;
        }
    }
    if (expired(one, now)) return;
    const std::uint64_t tick = ++clock_;
    const std::string domain = one.domain;
    domains_[domain].push_back({std::move(one), tick, tick});
    ++count_;
    keep_limit_of(domain, now);
}

void cookie_store::keep_limit_of(const std::string& domain, std::int64_t now) {
    auto& here = domains_[domain];
    if (here.size() <= most_of_a_domain) return;
    count_ -= std::erase_if(here, [now](const kept& k) { return expired(k.cookie, now); });  // not the new one, so that the domain stays
    if (here.size() <= most_of_a_domain) return;
    // Those that are sent in the clear go first: whoever can write into an unencrypted response may not push out what came over TLS (RFC 6265bis 5.7).
    here.erase(std::min_element(here.begin(), here.end(), [](const kept& a, const kept& b) {
        return a.cookie.secure != b.cookie.secure ? b.cookie.secure : a.used < b.used;
    }));
    --count_;
}

template <class Predicate>
void cookie_store::forget(Predicate which) {
    for (auto at = domains_.begin(); at != domains_.end();) {
        count_ -= std::erase_if(at->second, which);
        at = at->second.empty() ? domains_.erase(at) : std::next(at);
    }
}

/// Those used longest ago go, all that are too many at once.
void cookie_store::keep_limit(std::size_t tolerated, std::int64_t now) {
    if (count_ <= tolerated) return;
    forget([now](const kept& k) { return expired(k.cookie, now); });
    if (count_ <= most_cookies) return;
    const auto age_of = [](const kept& k) { return std::pair{k.used, k.created}; };  // some are used by one request
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ages;
    ages.reserve(count_);
    for (const auto& [domain, all] : domains_)
        for (const kept& each : all) ages.push_back(age_of(each));
    const auto first_kept = ages.begin() + static_cast<std::ptrdiff_t>(count_ - most_cookies);
    std::nth_element(ages.begin(), first_kept, ages.end());
    forget([&, oldest = *first_kept](const kept& k) { return age_of(k) < oldest; });
}

std::vector<cookie_store::kept*> cookie_store::find(const http::url& to, std::int64_t now) {
    std::vector<kept*> found;
    const std::string_view host = to.host();
    const std::string_view path = to.path();
    // The host's own, and those of each domain it is in.
    for (std::string_view domain = host; !domain.empty();) {
        if (const auto all = domains_.find(std::string{domain}); all != domains_.end() && cookie_domain_matches(host, domain)) {
            for (kept& each : all->second) {
                const http::cookie& one = each.cookie;
                if (expired(one, now) || (one.secure && !to.secure()) || (one.host_only && one.domain != host)) continue;
                if (cookie_path_matches(path, one.path)) found.push_back(&each);
            }
        }
        const auto dot = domain.find('.');
        domain.remove_prefix(dot == std::string_view::npos ? domain.size() : dot + 1);
    }
    std::sort(found.begin(), found.end(), [](const kept* a, const kept* b) {
        if (a->cookie.path.size() != b->cookie.path.size()) return a->cookie.path.size() > b->cookie.path.size();
        return a->created < b->created;
    });
    return found;
}

std::string cookie_store::header_for(const http::url& to, std::int64_t now) {
    std::string text;
    if (count_ == 0) return text;
    const auto found = find(to, now);
    const std::uint64_t tick = found.empty() ? clock_ : ++clock_;
    for (kept* each : found) {
        each->used = tick;
        if (!text.empty()) text.append("; ");
        if (!each->cookie.name.empty()) text.append(each->cookie.name).append("=");
        text.append(each->cookie.value);
    }
    return text;
}

std::vector<http::cookie> cookie_store::matching(const http::url& to, std::int64_t now) {
    std::vector<http::cookie> all;
    for (const kept* each : find(to, now)) all.push_back(each->cookie);
    return all;
}

std::vector<http::cookie> cookie_store::all(std::int64_t now) const {
    std::vector<const kept*> found;
    for (const auto& [domain, cookies] : domains_)
        for (const kept& each : cookies)
            if (!expired(each.cookie, now)) found.push_back(&each);
    std::sort(found.begin(), found.end(), [](const kept* a, const kept* b) { return a->created < b->created; });
    std::vector<http::cookie> copies;
    copies.reserve(found.size());
    for (const kept* each : found) copies.push_back(each->cookie);
    return copies;
}

std::size_t cookie_store::remove(std::string_view domain, std::string_view path, std::string_view name) {
    const auto at = domains_.find(std::string{domain});
    if (at == domains_.end()) return 0;
    const std::size_t gone = std::erase_if(at->second, [&](const kept& k) { return k.cookie.path == path && k.cookie.name == name; });
    count_ -= gone;
    if (at->second.empty()) domains_.erase(at);
    return gone;
}

void cookie_store::end_session() {
    forget([](const kept& k) { return !k.cookie.expires; });
}

void cookie_store::clear() noexcept {
    domains_.clear();
    count_ = 0;
}

}  // namespace leat::detail
