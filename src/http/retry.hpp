#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "leat/http/error.hpp"
#include "leat/http/headers.hpp"
#include "leat/io/duration.hpp"
#include "leat/io/result.hpp"

namespace leat::detail {

class http_exchange;
struct http_request;

/// The connection ended in the middle of the TLS handshake: as one that cannot be made, it may be made the next time.
class http_handshake_cut : public http::tls_error {
public:
    using tls_error::tls_error;
};

/// A status that another attempt may change: 408, 425, 429, 500, 502, 503, 504.
bool status_may_pass(int status) noexcept;
/// The value of Retry-After, in seconds or as a date; at most two minutes, since a server's clock may be wrong.
std::optional<duration> retry_after(const http::headers& fields);
/// The same, or, with 429 and 503, when the server's quota begins anew: RateLimit's t (or reset), RateLimit-Reset, X-RateLimit-Reset.
std::optional<duration> wished_pause(int status, const http::headers& fields);
/// The pause before attempt number `next` (2 and up): doubled each time up to 30 s, with jitter so that many do not come back at once.
duration backoff(duration first, unsigned next, std::minstd_rand& random);

/// How many retries one client may make: each request earns a part of one.
class retry_budget {
public:
    explicit retry_budget(double part_of_requests) noexcept;
    void earn() noexcept;
    /// False: there is nothing left.
    bool spend() noexcept;
    std::minstd_rand& random();

private:
    double part_;
    double saved_;
    std::optional<std::minstd_rand> random_;
};

/// The attempts of one request.
class retry_plan {
public:
    retry_plan(retry_budget& budget, duration first_pause) noexcept : budget_(budget), first_pause_(first_pause) { budget_.earn(); }

    struct retry {
        duration pause;
        std::string why;
    };
    /// After an attempt, with its outcome: is there another, and when? Its body is then at its beginning again.
    std::optional<retry> next(http_request& request, result<std::unique_ptr<http_exchange>>& outcome);

private:
    retry_budget& budget_;
    duration first_pause_;
    unsigned attempts_ = 1;
};

}  // namespace leat::detail
