#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {
class cookie_store;
}

namespace leat::http {

/// When a browser would send a cookie along with requests that another site caused. Kept for the program; leat itself sends a cookie wherever it fits.
enum class same_site : std::uint8_t {
    unspecified,  ///< the server did not say
    none,         ///< always
    lax,          ///< when somebody follows a link
    strict        ///< never
};

/// One cookie.
struct cookie {
    std::string name = {};          ///< may be empty
    std::string value = {};         ///< as it came
    std::string domain = {};        ///< a host's name in lower case, without a leading dot
    std::string path = "/";         ///< sent for this and what is below
    bool host_only = true;          ///< sent to exactly that host, not to those below it
    bool secure = false;            ///< sent over TLS only
    bool http_only = false;         ///< not meant for scripts
    http::same_site same_site = http::same_site::unspecified;  ///< as the server said
    std::optional<std::int64_t> expires = {};                  ///< seconds since 1970; nothing: it goes with the session
};

/// Cookies of many hosts, by the rules of RFC 6265bis: they go back to whom they are for, as long as they live, and no host can set them for another,
/// nor for everybody below a public suffix (libpsl's list).
///
///     leat::http::cookie_jar jar;
///     leat::http::client http({.cookies = &jar});
///
/// A copy is another name for the same jar. Limits: 4096 bytes for name and value, 50 cookies of one domain, 3000 in all: those not used for longest go first,
/// within a domain those that are sent without TLS; no cookie that a server sets lives longer than 400 days. Threads: those of one loop.
class cookie_jar {
public:
    /// Empty. Allocates.
    cookie_jar();

    /// What a Set-Cookie field in a response from this URL says. @return was it taken? Not if the host may not set it, or it makes no sense.
    /// Errors: url_error.
    bool take(std::string_view url, std::string_view set_cookie);
    /// Puts a cookie in, in place of one of its name, domain and path; one that has expired only removes that.
    /// Errors: std::invalid_argument for what cannot be sent: control characters, a ';' or '=' out of place, no domain, a path without '/', more than 4096 bytes.
    void set(cookie one);
    /// "a=1; b=2": what a request to this URL carries; empty if nothing fits. Longer paths come first, then older cookies. Errors: url_error.
    std::string header_for(std::string_view url) const;

    /// All that have not expired. Allocates.
    std::vector<cookie> all() const;
    /// The value of that cookie, as a request to this URL would carry it. Errors: url_error.
    std::optional<std::string> find(std::string_view url, std::string_view name) const;
    /// Removes one, if it is there. @return how many that were.
    std::size_t remove(std::string_view domain, std::string_view path, std::string_view name);
    /// Removes those without an expiry, as a browser does when it ends.
    void end_session();
    /// Removes all.
    void clear();
    /// How many there are, expired ones not yet forgotten included.
    std::size_t size() const noexcept;

    /// Adds what a file in Netscape's form holds (cookies.txt, as curl, wget, aria2 and Python write it). Comments, and lines that make no sense, are passed over.
    /// A file is believed: it may hold cookies that no server could set.
    /// Completes when: the file is read. @return how many cookies were taken. Errors: `leat::error` "open PATH: …"; `limit_error` for more than 16 MiB.
    /// Cancellation: nothing is added. Threads: the jar's; reads without blocking the loop. Source: http.cookiejar.MozillaCookieJar.load.
    task<std::size_t> load(path name);
    /// Writes such a file, which only its owner may read (0600), in place of what has that name: at any moment the name stands for the whole old content or the
    /// whole new one. A symbolic link stays one; comments that the old file held are gone. Session cookies are written with expiry 0 if asked for; `same_site`, cookies
    /// without a name and those with a tab in them have no place in that form and are lost.
    /// Completes when: it is on the device and has its name. Errors: `leat::error` "replace PATH: …"; EINVAL for what is no regular file. Cancellation: the old content stands, unless the renaming had begun.
    /// Threads: the jar's; writes without blocking the loop. Source: MozillaCookieJar.save.
    task<> save(path name, bool session_cookies = true) const;

    /// For leat's own layers.
    detail::cookie_store& store() const noexcept { return *store_; }

private:
    std::shared_ptr<detail::cookie_store> store_;
};

}  // namespace leat::http
