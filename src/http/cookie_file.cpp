// cookies.txt, as Netscape wrote it and others still do: seven fields with tabs between them.
//     domain, TRUE if those below it get it too, path, TRUE if over TLS only, expiry (0: the session), name, value
// "#HttpOnly_" before the domain is no comment: curl began with it, and the others followed.

#include <array>
#include <charconv>
#include <stdexcept>

#include "http/ascii.hpp"
#include "http/cookie_store.hpp"

namespace leat::detail {
namespace {

constexpr std::string_view http_only_mark = "#HttpOnly_";

std::optional<http::cookie> parse_line(std::string_view line) {
    http::cookie made;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(http_only_mark)) {
        made.http_only = true;
        line.remove_prefix(http_only_mark.size());
    }
    if (line.empty() || line.front() == '#') return std::nullopt;
    std::array<std::string_view, 7> fields;
    std::size_t count = 0;
    for (;;) {
        const auto tab = count == 6 ? std::string_view::npos : line.find('\t');
        fields[count++] = line.substr(0, tab);
        if (tab == std::string_view::npos) break;
        line.remove_prefix(tab + 1);
    }
    if (count < 6) return std::nullopt;  // without a value it may be
    std::int64_t expires = 0;
    const auto end = fields[4].data() + fields[4].size();
    if (!fields[4].empty()) {  // so Python and yt-dlp write those of the session
        const auto parsed = std::from_chars(fields[4].data(), end, expires);
        if (parsed.ec != std::errc{} || (parsed.ptr != end && *parsed.ptr != '.')) return std::nullopt;  // some write fractions
    }
    made.domain = fields[0];
    made.host_only = !http::ascii::equal(fields[1], "TRUE");
    made.path = fields[2];
    made.secure = http::ascii::equal(fields[3], "TRUE");
    if (expires != 0) made.expires = expires;
    made.name = fields[5];
    made.value = fields[6];
    return made;
}

bool has_tab(const http::cookie& one) {
    return one.name.find('\t') != std::string::npos || one.value.find('\t') != std::string::npos || one.path.find('\t') != std::string::npos;
}

}  // namespace

std::size_t cookie_store::take_file(std::string_view text, std::int64_t now) {
    std::size_t taken = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto one = parse_line(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!one || (one->expires && *one->expires <= now)) continue;
        try {
            check(*one);
        } catch (const std::invalid_argument&) {
            continue;  // not one that could be sent
        }
        put(std::move(*one), now);
        keep_limit(2 * most_cookies, now);  // not one at a time: a file may have a hundred times as many
        ++taken;
    }
    keep_limit(most_cookies, now);
    return taken;
}

std::string cookie_store::as_file(bool session_cookies, std::int64_t now) const {
    std::string out = "# Netscape HTTP Cookie File\n# Written by leat. Lines may be changed while no program uses it.\n\n";
    for (const http::cookie& one : all(now)) {
        // What the form has no way to say: these live in memory only.
        if ((!one.expires && !session_cookies) || one.name.empty() || has_tab(one)) continue;
        if (one.http_only) out += http_only_mark;
        if (!one.host_only) out += '.';
        out.append(one.domain).append(one.host_only ? "\tFALSE\t" : "\tTRUE\t").append(one.path);
        out.append(one.secure ? "\tTRUE\t" : "\tFALSE\t").append(std::to_string(one.expires.value_or(0)));
        out.append("\t").append(one.name).append("\t").append(one.value).append("\n");
    }
    return out;
}

}  // namespace leat::detail
