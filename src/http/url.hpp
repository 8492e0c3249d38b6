#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace leat::http {

/// An absolute http or https URL, ready to be fetched.
///
/// Parsing is as tolerant as curl's where the meaning is plain: blanks at the ends are dropped; spaces, non-ASCII bytes
/// and other characters that a URL cannot hold are percent-encoded, in path and query; an empty path becomes "/"; dot
/// segments are removed; a fragment is dropped; scheme and host become lower case. A control character is an error, and
/// so is a host outside ASCII (it must be written in its xn-- form). Every failure is a url_error that names the URL,
/// without its password.
class url {
public:
    static url parse(std::string_view text);

    /// The URL that a reference (a Location field) means, seen from this one: absolute, scheme-relative, or relative.
    /// This URL's credentials are kept within its origin only.
    url resolve(std::string_view reference) const;

    bool secure() const noexcept { return text_[4] == 's'; }
    std::string_view scheme() const noexcept { return secure() ? "https" : "http"; }
    /// A name or an address, without the brackets of an IPv6 one.
    std::string_view host() const noexcept;
    std::uint16_t port() const noexcept { return port_; }
    /// "host" or "host:port" as the Host field wants it: brackets kept, the scheme's own port left out.
    std::string_view authority() const noexcept { return view(authority_at_, path_at_ - authority_at_); }
    /// What the request line asks for: path and query.
    std::string_view target() const noexcept { return std::string_view{text_}.substr(path_at_); }
    std::string_view path() const noexcept { return target().substr(0, target().find('?')); }

    /// "https://host:port", the port always there: the key of a pool of connections.
    const std::string& origin() const noexcept { return origin_; }
    bool same_origin(const url& other) const noexcept { return origin_ == other.origin_; }

    bool has_credentials() const noexcept { return has_credentials_; }
    const std::string& user() const noexcept { return user_; }          // decoded
    const std::string& password() const noexcept { return password_; }  // decoded

    /// The whole URL without credentials and fragment, fit for a log.
    const std::string& string() const noexcept { return text_; }

private:
    url() = default;
    friend struct url_builder;  // in url.cpp, so that Boost stays there
    std::string_view view(std::size_t at, std::size_t size) const noexcept {
        return std::string_view{text_}.substr(at, size);
    }

    std::string text_;
    std::string origin_;
    std::string user_;
    std::string password_;
    std::uint32_t authority_at_ = 0;
    std::uint32_t path_at_ = 0;
    std::uint32_t host_size_ = 0;  // brackets included
    std::uint16_t port_ = 0;
    bool has_credentials_ = false;
};

}  // namespace leat::http
