#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "leat/io/duration.hpp"

namespace leat::http {

/// What has just happened to a request.
enum class trace_step : std::uint8_t {
    queued,           ///< no connection is free: it waits for one
    name_resolved,    ///< the host's name has its addresses; not for a literal address, nor through a proxy that resolves
    connected,        ///< the TCP connection is there (to the proxy, where there is one)
    tls_done,         ///< the TLS handshake has succeeded; `detail` is the protocol agreed on by ALPN
    reused,           ///< a connection that was there before is used, none of the three above happened
    sent,             ///< the head of the request, and its body if it has one, was handed over
    first_byte,       ///< the first byte of the response has come
    head,             ///< the head of the response is complete; `detail` is its status
    redirected,       ///< it goes on with another URL, which is `detail`
    retried,          ///< it is sent again; `detail` says why
    done,             ///< the body has been read to its end
    failed            ///< it has failed for good; `detail` says why
};

/// One step of one request. The views are valid during the call.
struct trace_event {
    trace_step step;          ///< what happened
    std::string_view method;  ///< of the request
    std::string_view url;     ///< what it asks for now, after redirects; without credentials
    std::string_view detail;  ///< as the step has it
    duration since_start{};   ///< since the request was made
    unsigned attempt = 1;     ///< from 1
    std::size_t request = 0;  ///< a number that tells the client's requests apart
};

}  // namespace leat::http
