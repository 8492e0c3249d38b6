#pragma once
#include <cstdint>
#include <string>

#include "leat/fs/directory.hpp"
#include "leat/http/headers.hpp"

namespace tool {

/// What tells one version of a file from another.
struct validators {
    std::string etag;            // with its quotation marks
    std::int64_t modified = 0;   // seconds since 1970
};

validators validators_of(const leat::file_status& file);

enum class verdict : unsigned char {
    send,
    not_modified,  // 304
    failed,        // 412
};

/// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of RFC 9110 13.2.2.
verdict judge(const leat::http::headers& request, const validators& current);

/// May a part be sent? If-Range: only of the version that the client has a part of.
bool range_holds(const leat::http::headers& request, const validators& current);

}  // namespace tool
