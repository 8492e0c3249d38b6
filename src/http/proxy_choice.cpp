#include <charconv>
#include <cstdlib>
#include <initializer_list>

#include "http/ascii.hpp"
#include "http/proxy.hpp"
#include "leat/http/error.hpp"
#include "leat/log/printable.hpp"

namespace leat::detail {
namespace {

constexpr std::uint16_t socks_port = 1080;

/// The first of these variables that says something.
std::string_view environment(std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const char* value = std::getenv(name); value && *value) return value;
    return {};
}

/// The text after the scheme, with the scheme that URLs are read with.
http::url read(const char* scheme, std::string_view rest) { return http::url::parse(scheme + std::string{rest}); }

std::optional<proxy_server> named_by(std::string_view text, const char* where) {
    if (text.empty()) return std::nullopt;
    try {
        return proxy_server::parse(text);
    } catch (const http::url_error& e) {
        throw http::url_error(std::string{where} + ": " + e.what());
    }
}

}  // namespace

proxy_server proxy_server::parse(std::string_view text) {
    kind how = kind::http;
    std::string_view rest = text;
    if (const auto colon = text.find("://"); colon != std::string_view::npos) {
        const std::string_view scheme = text.substr(0, colon);
        rest = text.substr(colon + 3);
        if (http::ascii::equal(scheme, "https"))
            how = kind::https;
        else if (http::ascii::equal(scheme, "socks5"))
            how = kind::socks5;
        else if (http::ascii::equal(scheme, "socks5h"))
            how = kind::socks5h;
        else if (!http::ascii::equal(scheme, "http"))
            throw http::url_error("a proxy of the kind \"" + printable(scheme, 40) + "\": it has to be http, https, socks5 or socks5h");
    }
    const http::url plain = read("http://", rest);
    std::uint16_t port = plain.port();
    // Where the two schemes' own ports appear, none was written.
    if (read("https://", rest).port() != port) port = how == kind::https ? 443 : how == kind::http ? 80 : socks_port;
    proxy_server made{.how = how, .at = endpoint{plain.host(), port}, .user = plain.user(), .password = plain.password()};
    return made;
}

proxy_choice::proxy_choice(const http::client_options& options) {
    if (!options.proxy.empty()) {
        plain_ = named_by(options.proxy, "proxy");
        secure_ = plain_;
    } else if (options.proxy_from_environment) {
        // HTTP_PROXY is what a CGI program gets for a request's "Proxy" field: anyone could set it.
        plain_ = named_by(environment({"http_proxy", "all_proxy", "ALL_PROXY"}), "http_proxy");
        secure_ = named_by(environment({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}), "https_proxy");
        if (options.no_proxy.empty()) direct_ = no_proxy_list{environment({"no_proxy", "NO_PROXY"})};
    }
    if (!options.no_proxy.empty()) direct_ = no_proxy_list{options.no_proxy};
}

const proxy_server* proxy_choice::choose(const http::url& to) const {
    const auto& chosen = to.secure() ? secure_ : plain_;
    return chosen && !direct_.contains(to.host(), to.port()) ? &*chosen : nullptr;
}

}  // namespace leat::detail
