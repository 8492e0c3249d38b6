#include "http/session.hpp"

#include <cstdlib>
#include <utility>

#include "http/cookie_store.hpp"
#include "http/hsts_table.hpp"
#include "http/percent.hpp"
#include "http/wall_clock.hpp"
#include "leat/fs/file.hpp"
#include "leat/http/content.hpp"
#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

constexpr bytes largest_netrc{1024 * 1024};
constexpr std::size_t most_askers = 1000;  // origins whose wishes are remembered
constexpr unsigned most_answers = 3;       // to one place's challenges within a request

std::string netrc_name(std::string_view asked) {
    if (asked != "default") return std::string{asked};
    const char* home = std::getenv("HOME");
    return home && *home ? std::string{home} + "/.netrc" : std::string{};
}

/// The same place over TLS. Port 80, written or not, becomes 443; another stays (RFC 6797 8.3).
http::url over_tls(const http::url& at) {
    std::string text = "https://";
    if (at.has_credentials()) text.append(http::percent_encode(at.user())).append(":").append(http::percent_encode(at.password())).append("@");
    return http::url::parse(text.append(at.authority()).append(at.target()));
}

std::vector<auth_challenge> challenges_of(const http_exchange& answer, std::string_view field) {
    std::vector<auth_challenge> found;
    for (std::string_view each : answer.fields.get_all(field)) parse_challenges(each, found);
    return found;
}

/// What a digest can cover. Nothing: it is read piece by piece, as it is sent.
std::optional<std::string_view> body_of(const http_request& request) {
    if (request.content) return std::nullopt;
    return request.body;
}

/// Could the request be sent again?
bool ready_again(http_request& request) { return !request.content || request.content->rewind(); }

}  // namespace

http_session::http_session(const http::client_options& options)
    : own_(options.credentials), netrc_file_(netrc_name(options.netrc)), netrc_may_lack_(options.netrc == "default"), verifies_(!options.insecure), proxies_(options) {
    if (options.cookies) cookies_ = *options.cookies;
    if (options.hsts) hsts_ = *options.hsts;
}

task<> http_session::load() {
    const path name{netrc_file_};
    auto text = co_await (read_file(name, largest_netrc) | as_result);
    if (text) {
        netrc_ = std::make_unique<const netrc>(netrc::parse(*text));
    } else {
        try {
            std::rethrow_exception(text.error().exception());
        } catch (const error& e) {
            if (!netrc_may_lack_ || e.code().value() != ENOENT) throw;
        }
    }
    netrc_file_.clear();
}

login http_session::login_for(const http_request& request, const http::url& at) const {
    if (!at.user().empty() || !at.password().empty()) {
        login own{at.user(), at.password()};
        own.at_once = true;
        // "https://me@host/": the name is in the URL, the password may be in the file.
        if (own.password.empty() && netrc_)
            if (const auto* entry = netrc_->find(at.host(), own.user)) own.password = entry->password;
        return own;
    }
    if (request.identity.home.empty() || at.origin() == request.identity.home) {
        if (!request.identity.own.empty()) return request.identity.own;
        if (!own_.empty()) return own_;
    }
    if (netrc_)
        if (const auto* entry = netrc_->find(at.host())) return {entry->login, entry->password};
    return {};
}

authenticator* http_session::known(const std::string& origin) {
    const auto found = askers_.find(origin);
    return found == askers_.end() ? nullptr : &found->second;
}

authenticator& http_session::get_to_know(const std::string& origin) {
    if (askers_.size() >= most_askers && !askers_.contains(origin)) askers_.erase(askers_.begin());
    return askers_[origin];
}

void http_session::prepare(http_request& request, http::url& at) {
    request.added.clear();
    if (hsts_ && !at.secure() && hsts_->table().covers(at.host(), seconds_since_1970())) at = over_tls(at);
    if (cookies_ && !request.fields.contains("Cookie"))
        if (const std::string text = cookies_->store().header_for(at, seconds_since_1970()); !text.empty()) request.added.add("Cookie", text);
    if (!request.fields.contains("Authorization")) {
        if (const login who = login_for(request, at); !who.empty()) {
            authenticator nobody;
            authenticator* asker = known(at.origin());
            const std::string shown = (asker ? *asker : nobody).show(who, request.method, at.target(), at.secure(), body_of(request));
            if (!shown.empty()) request.added.add("Authorization", shown);
        }
    }
    const proxy_server* proxy = proxies_.choose(at);
    if (proxy && proxy->gets_requests(at) && !request.fields.contains("Proxy-Authorization")) {
        const std::string shown = proxy->asks->show(proxy->who(), request.method, at.string(), proxy->how == proxy_server::kind::https, body_of(request));
        if (!shown.empty()) request.added.add("Proxy-Authorization", shown);
    }
}

void http_session::learn(const http::url& at, const http_exchange& answer) {
    const std::int64_t now = seconds_since_1970();
    if (cookies_)
        for (std::string_view field : answer.fields.get_all("Set-Cookie")) cookies_->store().take(at, field, now);
    if (hsts_ && at.secure() && verifies_)
        if (const auto field = answer.fields.get("Strict-Transport-Security")) hsts_->table().take(at.host(), *field, now);
}

bool http_session::answer_challenge(http_request& request, const http::url& at, const http_exchange& answer) {
    request_identity& identity = request.identity;
    if (answer.status == 407) {
        const proxy_server* proxy = proxies_.choose(at);
        if (!proxy || !proxy->gets_requests(at) || request.fields.contains("Proxy-Authorization") || identity.proxy_answers >= most_answers) return false;
        const std::string_view shown = request.added.get("Proxy-Authorization").value_or("");
        if (!proxy->asks->asked(challenges_of(answer, "Proxy-Authenticate"), proxy->who(), shown, identity.proxy_answers > 0, !request.content)) return false;
        ++identity.proxy_answers;
        return ready_again(request);
    }
    if (request.fields.contains("Authorization")) return false;
    const login who = login_for(request, at);
    if (who.empty()) return false;
    if (identity.asker != at.origin()) {
        identity.asker = at.origin();
        identity.answers = 0;
    }
    if (identity.answers >= most_answers) return false;
    const std::string shown{request.added.get("Authorization").value_or("")};
    if (!get_to_know(at.origin()).asked(challenges_of(answer, "WWW-Authenticate"), who, shown, identity.answers > 0, !request.content)) return false;
    ++identity.answers;
    return ready_again(request);
}

}  // namespace leat::detail
