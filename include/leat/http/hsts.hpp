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
class hsts_table;
}

namespace leat::http {

/// A host that has asked to be spoken to over TLS only.
struct hsts_host {
    std::string host = {};                     ///< in lower case
    bool subdomains = false;                   ///< those below it, too
    std::optional<std::int64_t> expires = {};  ///< seconds since 1970; nothing: never
};

/// Which hosts have asked for TLS (RFC 6797). A client that has the store turns their http:// URLs into https:// ones, before each request and
/// after each redirect, and learns from the responses that come over TLS with a certificate that was verified; never for a numeric address.
///
///     leat::http::hsts_store known;
///     leat::http::client http({.hsts = &known});
///
/// A copy is another name for the same store. Limits: 5000 hosts; those that would expire first go first. Threads: those of one loop.
class hsts_store {
public:
    /// Empty. Allocates.
    hsts_store();

    /// Is this host to be spoken to over TLS only?
    bool covers(std::string_view host) const;
    /// What a Strict-Transport-Security field says, in a response that came from this host over TLS. @return was it taken? Not if it makes no sense.
    bool take(std::string_view host, std::string_view field);
    /// Puts a host in. Errors: std::invalid_argument for a name that no host has, or a numeric address.
    void set(hsts_host one);
    /// Removes a host. @return was it there?
    bool remove(std::string_view host);
    /// All that have not expired. Allocates.
    std::vector<hsts_host> all() const;
    /// How many there are, expired ones included.
    std::size_t size() const noexcept;

    /// Adds what a file in curl's form holds (--hsts). Lines that make no sense are passed over.
    /// Completes when: the file is read. @return how many hosts were taken. Errors: `leat::error` "open PATH: …"; `limit_error` for more than 16 MiB.
    /// Cancellation: nothing is added. Threads: the store's; reads without blocking the loop. Source: curl's CURLOPT_HSTS.
    task<std::size_t> load(path name);
    /// Writes such a file, which only its owner may read (0600), in place of what has that name. A symbolic link stays one.
    /// Completes when: it is on the device and has its name. Errors: `leat::error` "replace PATH: …"; EINVAL for what is no regular file. Cancellation: the old content stands, unless the renaming had begun.
    /// Threads: the store's; writes without blocking the loop. Source: curl's CURLOPT_HSTS.
    task<> save(path name) const;

    /// For leat's own layers.
    detail::hsts_table& table() const noexcept { return *table_; }

private:
    std::shared_ptr<detail::hsts_table> table_;
};

}  // namespace leat::http
