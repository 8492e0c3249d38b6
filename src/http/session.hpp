#pragma once
#include "http/exchange.hpp"
#include "http/url.hpp"
#include "leat/http/client.hpp"

namespace leat::detail {

/// What a client remembers between requests and adds to them: credentials, cookies, which hosts insist on TLS.
class http_session {
public:
    explicit http_session(const http::client_options& options);

    /// Is there a file to read first?
    bool ready() const noexcept { return true; }
    /// Reads it. Throws leat::error.
    task<> load();
    /// Before a request is sent, to each place and each time: may turn the URL into an https one, and fills in `request.added`.
    void prepare(http_request& request, http::url& at);
    /// The head of a response is there.
    void learn(const http::url& at, const http_exchange& answer);
    /// The response asks who the client is (401, 407). True: the request is to be sent again, as it was changed here.
    bool answer_challenge(http_request& request, const http::url& at, const http_exchange& answer);
};

}  // namespace leat::detail
