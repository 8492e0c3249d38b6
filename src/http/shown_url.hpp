#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace leat::http {

/// A part of a text.
struct text_place {
    std::size_t begin = 0;
    std::size_t size = 0;
};

/// Who a URL says to be.
struct url_identity {
    text_place whole;   // all in front of the '@'
    text_place secret;  // the password of it; a user without one is a token
};

/// Where a URL says who asks; nullopt: it does not. It may be no URL at all: whoever mistypes one has a password in it all the same. Whatever shows a URL asks this.
std::optional<url_identity> identity_in(std::string_view url) noexcept;

/// A URL for a log or an error's text: free of control characters, at most about `limit` bytes, and without who it says to be.
std::string shown_url(std::string_view url, std::size_t limit = 300);

}  // namespace leat::http
