#include "http/exchange.hpp"
#include "http/retry.hpp"
#include "leat/http/error.hpp"
#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/net/connection.hpp"
#include "leat/tls/error.hpp"
#include "tls/failure.hpp"

namespace leat::detail {

std::string request_name(const std::string& method, const std::string& url) {
    constexpr std::size_t longest_shown = 300;
    return method + " " + printable(url, longest_shown);
}

void rethrow_named(std::exception_ptr error, const std::string& name) {
    const auto text = [&name](const std::exception& e) { return name + ": " + e.what(); };
    try {
        std::rethrow_exception(error);
    } catch (const http::truncated_error& e) {
        throw http::truncated_error(text(e), e.expected(), e.received());
    } catch (const http::too_large_error& e) {
        throw http::too_large_error(text(e));
    } catch (const http::protocol_error& e) {
        throw http::protocol_error(text(e));
    } catch (const http_handshake_cut& e) {
        throw http_handshake_cut(text(e));
    } catch (const http::tls_error& e) {
        throw http::tls_error(text(e));
    } catch (const http::redirect_error& e) {
        throw http::redirect_error(text(e));
    } catch (const http::connect_error& e) {
        throw http::connect_error(text(e));
    } catch (const handshake_cut& e) {
        throw http_handshake_cut(text(e));
    } catch (const tls::error& e) {
        throw http::tls_error(text(e));
    } catch (const name_error& e) {
        throw http::name_error(text(e));
    } catch (const timeout_error& e) {
        throw timeout_error(text(e));
    } catch (const leat::error& e) {
        throw http::connect_error(text(e));
    }
}

std::exception_ptr named(std::exception_ptr error, const std::string& name) noexcept {
    try {
        rethrow_named(std::move(error), name);
    } catch (...) {
        return std::current_exception();
    }
}

}  // namespace leat::detail
