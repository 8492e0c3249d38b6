#include "http/no_proxy.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "http/ascii.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

/// Takes ":8080" off the end; what has several colons and no brackets is an IPv6 address without one.
std::uint16_t take_port(std::string_view& text) noexcept {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return 0;
    const bool bracketed = text.starts_with('[');
    if (bracketed ? text[colon - 1] != ']' : text.find(':') != colon) return 0;
    std::uint16_t port = 0;
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failed != std::errc{} || end != digits.data() + digits.size()) return 0;
    text = text.substr(0, colon);
    return port;
}

}  // namespace

no_proxy_list::no_proxy_list(std::string_view text) {
    constexpr std::string_view between = ", \t";
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(between), text.size()));
        if (text.empty()) break;
        std::string_view one = text.substr(0, text.find_first_of(between));
        text.remove_prefix(one.size());
        if (one == "*") {
            all_ = true;
            continue;
        }
        entry made;
        made.port = take_port(one);
        std::string_view literal = one;
        if (literal.starts_with('[') && literal.ends_with(']')) literal = literal.substr(1, literal.size() - 2);
        try {
            made.network = network_list{literal};
        } catch (const std::invalid_argument&) {
            if (one.starts_with("*.")) one.remove_prefix(1);
            if (one.starts_with('.')) one.remove_prefix(1);
            if (one.ends_with('.')) one.remove_suffix(1);
            if (one.empty()) continue;
            made.name = one;
            std::transform(made.name.begin(), made.name.end(), made.name.begin(), ascii::lower);
        }
        if (literal == "unix") made.name = "unix";
        entries_.push_back(std::move(made));
    }
}

bool no_proxy_list::contains(std::string_view host, std::uint16_t port) const {
    if (all_) return true;
    if (host.ends_with('.')) host.remove_suffix(1);
    const address literal = address::parse(host, 0);
    for (const entry& one : entries_) {
        if (one.port != 0 && one.port != port) continue;
        if (!literal.empty()) {
            if (one.network.contains(literal)) return true;
        } else if (!one.name.empty() && host.size() >= one.name.size() && ascii::equal(host.substr(host.size() - one.name.size()), one.name) &&
                   (host.size() == one.name.size() || host[host.size() - one.name.size() - 1] == '.')) {
            return true;
        }
    }
    return false;
}

}  // namespace leat::detail
