#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/credentials.hpp"
#include "http/no_proxy.hpp"
#include "http/url.hpp"
#include "leat/http/client.hpp"
#include "leat/net/endpoint.hpp"
#include "tls/settings.hpp"

namespace leat::detail {

class tcp_stream;

/// A server that passes requests or connections on.
struct proxy_server {
    enum class kind : std::uint8_t { http, https, socks5, socks5h };
    kind how = kind::http;
    endpoint at;
    std::string user;
    std::string password;
    /// How it wants to be told who asks; learnt on the way.
    std::shared_ptr<authenticator> asks = std::make_shared<authenticator>();
    /// Does it get the requests themselves (http:// through an HTTP proxy), or a tunnel?
    bool gets_requests(const http::url& to) const noexcept { return (how == kind::http || how == kind::https) && !to.secure(); }
    bool is_socks() const noexcept { return how == kind::socks5 || how == kind::socks5h; }
    login who() const { return {user, password}; }
    /// "http://[user:password@]host[:port]" and its like; without a scheme it is http. Throws http::url_error.
    static proxy_server parse(std::string_view text);
};

/// Which requests go through which proxy.
class proxy_choice {
public:
    /// Throws http::url_error for a proxy's URL that is none.
    explicit proxy_choice(const http::client_options& options);
    /// Null: directly. Lives as long as this object.
    const proxy_server* choose(const http::url& to) const;

private:
    std::optional<proxy_server> plain_;   // for http
    std::optional<proxy_server> secure_;  // for https
    no_proxy_list direct_;
};

/// A stream to the other side of the proxy; secured with it if `secure`, or, where the proxy gets the requests themselves, to the proxy.
/// Errors: leat::error, http::connect_error that says what the proxy answered, and those of open_tls. On failure and when cancelled nothing stays open.
task<tcp_stream*> open_through(const proxy_server& proxy, endpoint to, bool secure, const tls_client_settings& settings);

}  // namespace leat::detail
