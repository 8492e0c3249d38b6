#pragma once
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "http/retry.hpp"
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

/// Connections, their TLS handshakes if cut off, time-outs and truncated bodies may pass; what is wrong with the URL, the disk or the certificate stays.
verdict judge(const std::exception_ptr& error);

}  // namespace leat::detail
