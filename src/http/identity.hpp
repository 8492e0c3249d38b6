#pragma once
#include <string>

#include "http/credentials.hpp"

namespace leat::detail {

/// What a session keeps about one request between its redirects and challenges.
struct request_identity {
    login own;           // request_options::credentials
    std::string home;    // the origin of the request's own URL, which the client's credentials are for; empty: the request is still there
    std::string asker;   // the origin that was answered last
    unsigned answers = 0;        // to its challenges
    unsigned proxy_answers = 0;  // to the proxy's
};

}  // namespace leat::detail
