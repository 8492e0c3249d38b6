// URLs over Boost.URL, which this file alone includes.
//
// Boost.URL is strict: it takes RFC 3986 and nothing else. What people paste and servers send is put into that form
// first, by tidy() below, so that the grammar itself is left to Boost.

#include "http/url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "http/ascii.hpp"
#include "http/percent.hpp"
#include "http/shown_url.hpp"
#include "leat/http/error.hpp"

namespace leat::http {

namespace {

namespace urls = boost::urls;

constexpr std::size_t longest = 64 * 1024;  // bytes; no server takes more, and offsets stay small
constexpr std::size_t longest_host = 255;

std::string_view view(urls::string_view text) { return {text.data(), text.size()}; }

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw url_error("bad URL \"" + shown_url(text, 200) + "\": " + std::string(why));
}

bool is_scheme(std::string_view text) {
    const auto in_scheme = [](char c) {
        return ascii::is_alpha(c) || ascii::is_digit(c) || c == '+' || c == '-' || c == '.';
    };
    return !text.empty() && ascii::is_alpha(text[0]) && std::all_of(text.begin(), text.end(), in_scheme);
}

// A reference as RFC 3986 has it: no fragment, nothing in the path or the query that must be encoded.
std::string tidy(std::string_view original) {
    std::string_view text = ascii::trim(original);
    if (text.size() > longest) refuse(original, "longer than 64 KiB");
    if (std::any_of(text.begin(), text.end(), ascii::is_control)) refuse(original, "control character");
    text = text.substr(0, text.find('#'));

    // The authority stays as it is: guessing what a strange one means is how requests reach the wrong host.
    std::size_t rest = 0;
    const auto colon = text.find_first_of(":/?");
    if (colon != std::string_view::npos && text[colon] == ':' && is_scheme(text.substr(0, colon))) rest = colon + 1;
    if (text.substr(rest).starts_with("//")) rest = std::min(text.find_first_of("/?", rest + 2), text.size());

    std::string out{text.substr(0, rest)};
    for (std::size_t i = rest; i < text.size(); ++i) {
        const char c = text[i];
        const bool escape = c == '%' && i + 2 < text.size() && ascii::hex_value(text[i + 1]) >= 0 &&
                            ascii::hex_value(text[i + 2]) >= 0;
        constexpr std::string_view legal = "-._~:/?@!$&'()*+,;=";
        if (escape || ascii::is_alpha(c) || ascii::is_digit(c) || legal.find(c) != std::string_view::npos) {
            out += c;
        } else {
            append_percent(out, c);
        }
    }
    return out;
}

// The host in lower case, an IPv6 address in its shortest form and in brackets.
std::string host_of(const urls::url_view& parts, std::string_view original) {
    if (parts.host_type() == urls::host_type::ipv6) return "[" + parts.host_ipv6_address().to_string() + "]";
    if (parts.host_type() == urls::host_type::ipvfuture) refuse(original, "unknown kind of address");
    std::string host = parts.host();  // decoded
    if (host.empty()) refuse(original, "no host");
    if (host.size() > longest_host) refuse(original, "the host's name is longer than 255 bytes");
    for (char& c : host) {
        if (!ascii::is_ascii(c)) refuse(original, "a host outside ASCII must be written in its xn-- form");
        if (!ascii::is_alpha(c) && !ascii::is_digit(c) && c != '-' && c != '.' && c != '_')
            refuse(original, "a character in the host that no host has");
        c = ascii::lower(c);
    }
    return host;
}

/// "." and "..", also where their dots are percent-encoded, which means the same (RFC 3986 6.2.2.2). An encoded slash is no slash: it parts nothing.
std::size_t dots(std::string_view segment) {
    std::size_t found = 0;
    while (!segment.empty()) {
        const std::size_t size = segment[0] == '.' ? 1 : ascii::equal(segment.substr(0, 3), "%2e") ? 3 : 0;
        if (size == 0 || ++found > 2) return 0;
        segment.remove_prefix(size);
    }
    return found;
}

/// RFC 3986 5.2.4, of a path that begins with a slash. All other bytes stay as they were given: what they stand for is the server's business.
std::string without_dot_segments(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        const std::size_t up = dots(segment);
        if (up == 0) {
            out.append("/").append(segment);
            continue;
        }
        if (up == 2 && !out.empty()) out.resize(out.rfind('/'));
        if (path.empty()) out += '/';
    }
    return out;
}

/// Upper case is to become lower case, so it is not plain.
bool is_plain_in_host(char c) { return (c >= 'a' && c <= 'z') || ascii::is_digit(c) || c == '-' || c == '.' || c == '_'; }

constexpr auto plain_in_path = [] {
    std::array<bool, 256> plain{};
    for (int c = 0; c < 128; ++c) plain[static_cast<std::size_t>(c)] = ascii::is_alpha(static_cast<char>(c)) || ascii::is_digit(static_cast<char>(c));
    for (char c : std::string_view{"-._~:/@!$&'()*+,;="}) plain[static_cast<unsigned char>(c)] = true;
    return plain;
}();

bool is_plain_in_path(char c) { return plain_in_path[static_cast<unsigned char>(c)]; }

std::string path_of(const urls::url_view& parts, std::string_view original) {
    const auto path = view(parts.encoded_path());
    if (path.empty()) return "/";
    // Boost 1.81 takes "http://host:80x/" for the port 80 and the path "x/".
    if (!path.starts_with('/')) refuse(original, "not a URL");
    return without_dot_segments(path);
}

}  // namespace

struct url_builder {
    /// Most URLs are written as they are sent: nothing in them is to be tidied, and what their parts are can be seen without a grammar. All others get nothing here.
    static std::optional<url> build_plain(std::string_view text) {
        const std::size_t scheme = text.starts_with("http://") ? 7 : text.starts_with("https://") ? 8 : 0;
        if (scheme == 0 || text.size() > longest) return std::nullopt;
        std::size_t end = scheme;
        while (end < text.size() && is_plain_in_host(text[end])) ++end;
        if (end == scheme || end - scheme > longest_host) return std::nullopt;
        url made;
        made.authority_at_ = static_cast<std::uint32_t>(scheme);
        made.host_size_ = static_cast<std::uint32_t>(end - scheme);
        const std::uint16_t usual = scheme == 8 ? 443 : 80;
        made.port_ = usual;
        const std::string_view before_port = text.substr(0, end);
        if (end < text.size() && text[end] == ':') {
            const char* const digits = text.data() + end + 1;
            const auto [stop, failed] = std::from_chars(digits, text.data() + text.size(), made.port_);
            if (failed != std::errc{} || made.port_ == 0) return std::nullopt;
            end = static_cast<std::size_t>(stop - text.data());
        }
        const std::string_view rest = text.substr(end);
        if (!rest.empty() && rest[0] != '/') return std::nullopt;
        for (std::size_t i = 0; i < rest.size() && rest[i] != '?'; ++i)
            if (!is_plain_in_path(rest[i]) || (rest[i] == '.' && rest[i - 1] == '/')) return std::nullopt;
        if (const auto query = rest.find('?'); query != std::string_view::npos)
            for (char c : rest.substr(query))
                if (!is_plain_in_path(c) && c != '?') return std::nullopt;
        made.origin_.reserve(before_port.size() + 6);
        made.origin_.append(before_port).append(":").append(std::to_string(made.port_));
        made.text_.reserve(text.size() + 1);
        made.text_.append(made.port_ == usual ? before_port : std::string_view{made.origin_});
        made.path_at_ = static_cast<std::uint32_t>(made.text_.size());
        made.text_.append(rest.empty() ? "/" : rest);
        return made;
    }

    static url build(const urls::url_view& parts, std::string_view original) {
        const auto scheme = view(parts.scheme());
        const bool secure = ascii::equal(scheme, "https");
        if (!secure && !ascii::equal(scheme, "http"))
            refuse(original, scheme.empty() ? "no http:// or https:// in front" : "neither http nor https");
        if (!parts.has_authority()) refuse(original, "no host");

        url made;
        const std::uint16_t usual = secure ? 443 : 80;
        made.port_ = usual;
        if (parts.has_port() && !parts.port().empty()) {
            // Not port_number(): Boost 1.81 wraps what is too large.
            const auto digits = view(parts.port());
            const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), made.port_);
            if (failed != std::errc{} || end != digits.data() + digits.size() || made.port_ == 0) refuse(original, "impossible port");
        }
        const std::string host = host_of(parts, original);
        const std::string prefix = secure ? "https://" : "http://";
        const std::string port = ":" + std::to_string(made.port_);

        made.origin_ = prefix + host + port;
        made.authority_at_ = static_cast<std::uint32_t>(prefix.size());
        made.host_size_ = static_cast<std::uint32_t>(host.size());
        made.text_ = prefix + host;
        if (made.port_ != usual) made.text_ += port;
        made.path_at_ = static_cast<std::uint32_t>(made.text_.size());
        made.text_.append(path_of(parts, original));
        // "?" alone is kept: to a server "/a" and "/a?" may differ.
        if (parts.has_query()) made.text_.append("?").append(view(parts.encoded_query()));

        if (parts.has_userinfo()) {
            made.has_credentials_ = true;
            made.user_ = percent_decode(view(parts.encoded_user()));
            made.password_ = percent_decode(view(parts.encoded_password()));
        }
        return made;
    }

    static void keep_credentials(url& to, const url& from) {
        if (to.has_credentials_ || !from.has_credentials_ || !to.same_origin(from)) return;
        to.has_credentials_ = true;
        to.user_ = from.user_;
        to.password_ = from.password_;
    }
};

namespace {

urls::url_view parse_tidy(const std::string& text, std::string_view original) {
    const auto parsed = urls::parse_uri_reference(text);
    if (!parsed) {
        const bool ascii_only = std::all_of(text.begin(), text.end(), ascii::is_ascii);
        refuse(original, ascii_only ? "not a URL" : "a host outside ASCII must be written in its xn-- form");
    }
    return *parsed;
}

}  // namespace

// Boost's own ways to resolve a reference and to remove dot segments take "..%2f" for "../" (1.81), so that is done here.
url url::parse(std::string_view text) {
    if (auto plain = url_builder::build_plain(text)) return std::move(*plain);
    const std::string tidied = tidy(text);
    return url_builder::build(parse_tidy(tidied, text), text);
}

url url::resolve(std::string_view reference) const {
    const std::string tidied = tidy(reference);
    const auto parts = parse_tidy(tidied, reference);
    // RFC 3986 5.2.2
    std::string joined;
    if (parts.has_scheme()) {
        joined = tidied;
    } else if (parts.has_authority()) {
        joined.append(scheme()).append(":").append(tidied);
    } else {
        joined = text_.substr(0, path_at_);
        const std::string_view own = path();
        if (parts.encoded_path().empty())
            joined.append(parts.has_query() ? own : target());
        else if (!tidied.starts_with('/'))
            joined.append(own.substr(0, own.rfind('/') + 1));
        joined.append(tidied);
    }
    url made = url_builder::build(parse_tidy(joined, reference), reference);
    url_builder::keep_credentials(made, *this);
    return made;
}

std::string_view url::host() const noexcept {
    const auto host = view(authority_at_, host_size_);
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

}  // namespace leat::http
