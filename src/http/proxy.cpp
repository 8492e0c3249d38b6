#include "http/proxy.hpp"

#include <utility>

#include "http/connection_pool.hpp"
#include "http/message_parser.hpp"
#include "http/socks.hpp"
#include "leat/http/error.hpp"
#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/net/resolve.hpp"
#include "net/open.hpp"
#include "tls/open.hpp"
#include "tls/secure.hpp"
#include "tls/tls_layer.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t longest_head = 64 * 1024;
constexpr unsigned most_answers = 3;  // to a proxy that asks who it is
constexpr std::size_t longest_shown = 200;

/// A stream in the middle of its opening; dropped, it is cut, unless there is something to say first (an alert).
class opening_stream {
public:
    explicit opening_stream(tcp_stream* stream) noexcept : held_(stream), raw_(stream) {}
    tcp_stream& operator*() const noexcept { return *raw_; }
    void drop_in_order() noexcept {
        held_.release();
        raw_->reader_dropped();
        raw_->writer_dropped();
    }
    tcp_stream* release() noexcept {
        held_.release();
        return raw_;
    }

private:
    fresh_stream held_;
    tcp_stream* raw_;
};

task<opening_stream> connect_to_proxy(const proxy_server& proxy, const tls_client_settings& settings) {
    if (proxy.how == proxy_server::kind::https) {
        tls_client_settings own = settings;
        own.alpn = {"http/1.1"};
        own.server_name.clear();
        tcp_stream* opened = co_await open_tls(proxy.at, own);
        co_return opening_stream{opened};
    }
    tcp_stream* opened = co_await open_tcp(proxy.at);
    co_return opening_stream{opened};
}

/// What comes first names the proxy: "connect 10.0.0.1:3128 …" alone would leave open whose address that is.
[[noreturn]] void rethrow_as_proxys(const std::exception_ptr& why, const std::string& name) {
    try {
        std::rethrow_exception(why);
    } catch (const http::error&) {
        throw;
    } catch (const std::system_error& e) {
        throw http::connect_error("proxy " + name + ": " + e.what());
    } catch (const incomplete_read&) {
        throw http::connect_error("proxy " + name + ": it closed the connection in the middle of its answer");
    } catch (const limit_error&) {
        throw http::connect_error("proxy " + name + ": the head of its answer is longer than 64 KiB");
    }
}

struct connect_answer {
    int status = 0;
    std::string reason;
    std::vector<auth_challenge> challenges;
};

/// Sends one CONNECT and reads the head of the answer, and no byte of what comes behind it.
task<connect_answer> ask_for_tunnel(tcp_stream& stream, std::string proxy, std::string target, std::string authorization) {
    std::string head = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
    if (!authorization.empty()) head.append("Proxy-Authorization: ").append(authorization).append("\r\n");
    head.append("\r\n");
    co_await pieces_write<1>{stream, head};
    constexpr std::string_view blank_line = "\r\n\r\n";
    constexpr std::string_view bare_blank_line = "\n\n";
    http::message_parser parser;
    parser.reset(true);  // whatever its fields say: behind a 2xx the tunnel begins at once
    while (parser.state() == http::parse_state::head) {
        std::optional<std::string_view> piece = co_await until_read<2>{stream, longest_head, blank_line, bare_blank_line};
        if (!piece) throw http::connect_error("proxy " + proxy + ": it closed the connection without an answer");
        std::string_view rest = *piece;
        while (!rest.empty() && parser.state() == http::parse_state::head) {
            try {
                rest.remove_prefix(parser.feed(rest).consumed);
            } catch (const http::error& e) {
                throw http::connect_error("proxy " + proxy + ": " + e.what());
            }
        }
    }
    connect_answer answer;
    answer.status = parser.status();
    answer.reason = parser.reason();
    for (std::string_view field : parser.headers().get_all("Proxy-Authenticate")) parse_challenges(field, answer.challenges);
    co_return answer;
}

/// A connection of its own for each try: a proxy that has said no mostly closes, and has a body to send before.
task<opening_stream> open_tunnel(const proxy_server& proxy, endpoint to, const tls_client_settings& settings) {
    const std::string name = proxy.at.to_string();
    const std::string target = to.to_string();
    const login who = proxy.who();
    for (unsigned tries = 0;; ++tries) {
        opening_stream stream = co_await connect_to_proxy(proxy, settings);
        std::string shown = proxy.asks->show(who, "CONNECT", target, proxy.how == proxy_server::kind::https);
        auto answered = co_await (ask_for_tunnel(*stream, name, target, shown) | as_result);
        if (!answered) rethrow_as_proxys(answered.error().exception(), name);
        const connect_answer answer = std::move(*answered);
        if (answer.status >= 200 && answer.status < 300) co_return std::move(stream);
        if (answer.status == 407 && tries < most_answers && proxy.asks->asked(answer.challenges, who, shown, tries > 0)) continue;
        std::string text = "proxy " + name + ": CONNECT " + printable(target, longest_shown) + ": " + std::to_string(answer.status);
        if (!answer.reason.empty()) text.append(" ").append(printable(answer.reason, longest_shown));
        if (answer.status == 407)
            text += who.empty() ? " (it wants a user and a password)" : shown.empty() ? " (it asks for them in a way that leat does not know)" : " (it does not accept the user and the password)";
        throw http::connect_error(text);
    }
}

task<opening_stream> open_socks(const proxy_server& proxy, endpoint to) {
    const std::string name = proxy.at.to_string();
    std::vector<address> addresses(1);  // an empty one: by name
    if (proxy.how == proxy_server::kind::socks5) addresses = co_await resolve(to);
    for (std::size_t i = 0;; ++i) {
        tcp_stream* opened = co_await open_tcp(proxy.at);
        opening_stream stream{opened};
        auto answered = co_await (socks_connect(*stream, name, to, addresses[i], proxy.user, proxy.password) | as_result);
        if (!answered) rethrow_as_proxys(answered.error().exception(), name);
        const socks_reply reply = *answered;
        if (reply.code == 0) co_return std::move(stream);
        if (i + 1 < addresses.size() && reply.may_try_another()) continue;
        throw http::connect_error("proxy " + name + ": connect " + printable(to.to_string(), longest_shown) + ": " + socks_reason(reply.code));
    }
}

task<opening_stream> open_tunnelled(const proxy_server& proxy, endpoint to, const tls_client_settings& settings) {
    if (proxy.is_socks()) return open_socks(proxy, std::move(to));
    return open_tunnel(proxy, std::move(to), settings);
}

}  // namespace

task<tcp_stream*> open_through(const proxy_server& proxy, endpoint to, bool secure, const tls_client_settings& settings) {
    if (!secure && !proxy.is_socks()) {
        opening_stream to_proxy = co_await connect_to_proxy(proxy, settings);
        co_return to_proxy.release();
    }
    std::shared_ptr<tls_context> context;
    if (secure) context = co_await shared_tls_context(settings.trust());
    opening_stream stream = co_await open_tunnelled(proxy, to, settings);
    if (!secure) co_return stream.release();
    const std::string host = settings.server_name.empty() ? to.host() : settings.server_name;
    auto secured = co_await (secure_client(*stream, std::move(context), settings, to.to_string(), host) | as_result);
    if (!secured) {
        const tls_layer* layer = tls_layer::of(*stream);
        if (layer && layer->has_last_words()) stream.drop_in_order();  // so that the peer hears why
        std::rethrow_exception(secured.error().exception());
    }
    co_return stream.release();
}

}  // namespace leat::detail
