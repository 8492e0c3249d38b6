#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/cookies.hpp"

namespace leat::detail {

constexpr std::size_t longest_cookie = 4096;

/// A Set-Cookie field by itself, before anybody asks who may say so.
struct set_cookie {
    std::string name;
    std::string value;
    std::string domain;  // lower case, without the leading dot; empty: none was given
    std::string path;    // empty: the default one
    std::optional<std::int64_t> expires;  // seconds since 1970; Max-Age counted from now
    bool secure = false;
    bool http_only = false;
    http::same_site same_site = http::same_site::unspecified;
};

/// Nothing: the field is to be ignored (RFC 6265bis 5.6).
std::optional<set_cookie> parse_set_cookie(std::string_view text, std::int64_t now);
/// A date as servers have written them for thirty years (RFC 6265 5.1.1): the parts in any order, whatever is between them.
std::optional<std::int64_t> parse_cookie_date(std::string_view text);
/// RFC 6265 5.1.4: the directory of a request's path.
std::string_view default_cookie_path(std::string_view request_path) noexcept;
/// Is a request's path the cookie's, or below it?
bool cookie_path_matches(std::string_view request_path, std::string_view cookie_path) noexcept;
/// Is the host the domain, or (if it is a name) below it?
bool cookie_domain_matches(std::string_view host, std::string_view domain) noexcept;
/// Has it a character in it that no cookie may have?
bool has_cookie_control(std::string_view text) noexcept;

}  // namespace leat::detail
