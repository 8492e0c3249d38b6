#include "download/retry.hpp"

#include "download/failure.hpp"
#include "leat/http/error.hpp"
#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"

namespace leat::detail {
refused::refused(const http::response& answer, std::string_view url)
    : http::status_error(answer.status(), answer.reason(), url), retry_after_(wished_pause(answer.status(), answer.headers())) {}

verdict judge(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const refused& e) {
        std::string text = std::to_string(e.status());
        if (!e.reason().empty()) text.append(" ").append(printable(e.reason(), 100));
        return {status_may_pass(e.status()), e.retry_after(), std::move(text), e.status() >= 500 ? failure_class::server : failure_class::status, e.status()};
    } catch (const download_failure& e) {
        return {e.may_pass(), {}, e.what(), e.why()};
    } catch (const http::connect_error& e) {
        return {true, {}, e.what(), failure_class::connect};
    } catch (const http_handshake_cut& e) {
        return {true, {}, e.what(), failure_class::tls};
    } catch (const http::truncated_error& e) {
        return {true, {}, e.what(), failure_class::truncated};
    } catch (const timeout_error& e) {
        return {true, {}, e.what(), failure_class::timeout};
    } catch (const leat::error& e) {
        // Out of descriptors: others will give theirs back.
        return {e.code() == std::errc::too_many_files_open || e.code() == std::errc::too_many_files_open_in_system, {}, e.what(), failure_class::disk};
    } catch (const http::url_error& e) {
        return {false, {}, e.what(), failure_class::url};
    } catch (const http::name_error& e) {
        return {false, {}, e.what(), failure_class::name};
    } catch (const http::tls_error& e) {
        return {false, {}, e.what(), failure_class::tls};
    } catch (const http::redirect_error& e) {
        return {false, {}, e.what(), failure_class::redirect};
    } catch (const http::error& e) {
        return {false, {}, e.what(), failure_class::protocol};
    } catch (const std::exception& e) {
        return {false, {}, e.what(), failure_class::other};
    }
}

}  // namespace leat::detail
