#pragma once
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "leat/download/report.hpp"
#include "leat/http/error.hpp"
#include "leat/http/headers.hpp"
#include "leat/http/response.hpp"
#include "leat/io/duration.hpp"

namespace leat::detail {

/// An answer that is no file, with what the server said about coming back.
class refused : public http::status_error {
public:
    refused(const http::response& answer, std::string_view url);
    const std::optional<duration>& retry_after() const noexcept { return retry_after_; }

private:
    std::optional<duration> retry_after_;
};

/// What a failed attempt means.
struct verdict {
    bool may_pass = false;               // another attempt makes sense
    std::optional<duration> retry_after;  // the server's own wish, bounded
    std::string text;
    failure_class why = failure_class::other;
    int status = 0;                      // that the server answered with
};

/// A status that another attempt may change: 408, 425, 429, 500, 502, 503, 504.
bool status_may_pass(int status) noexcept;
/// The value of Retry-After, in seconds or as a date; at most two minutes, since a server's clock may be wrong.
std::optional<duration> retry_after(const http::headers& fields);
/// Connections, time-outs and truncated bodies may pass; what is wrong with the URL, the disk or the certificate stays.
verdict judge(const std::exception_ptr& error);
/// The pause before attempt number `next` (2 and up): doubled each time up to 30 s, with jitter so that many do not come back at once.
duration backoff(duration first, unsigned next, std::minstd_rand& random);

}  // namespace leat::detail
