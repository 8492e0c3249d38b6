#pragma once
#include <memory>
#include <string>
#include <unordered_map>

#include "http/credentials.hpp"
#include "http/exchange.hpp"
#include "http/netrc.hpp"
#include "http/proxy.hpp"
#include "http/url.hpp"
#include "leat/http/client.hpp"
#include "leat/http/cookies.hpp"
#include "leat/http/hsts.hpp"

namespace leat::detail {

/// What a client remembers between requests and adds to them: credentials, cookies, which hosts insist on TLS.
class http_session {
public:
    explicit http_session(const http::client_options& options);

    /// Is there a file to read first?
    bool ready() const noexcept { return netrc_file_.empty(); }
    /// Reads it. Throws leat::error.
    task<> load();
    /// Before a request is sent, to each place and each time: may turn the URL into an https one, and fills in `request.added`.
    void prepare(http_request& request, http::url& at);
    /// The head of a response is there.
    void learn(const http::url& at, const http_exchange& answer);
    /// The response asks who the client is (401, 407). True: the request is to be sent again, as it was changed here.
    bool answer_challenge(http_request& request, const http::url& at, const http_exchange& answer);

private:
    login login_for(const http_request& request, const http::url& at) const;
    authenticator* known(const std::string& origin);
    authenticator& get_to_know(const std::string& origin);

    login own_;
    std::string netrc_file_;  // to be read
    bool netrc_may_lack_ = false;
    std::unique_ptr<const netrc> netrc_;
    std::optional<http::cookie_jar> cookies_;
    std::optional<http::hsts_store> hsts_;
    bool verifies_;
    proxy_choice proxies_;
    std::unordered_map<std::string, authenticator> askers_;  // by origin
};

}  // namespace leat::detail
