#include "download/retry.hpp"

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
        return {status_may_pass(e.status()), e.retry_after(), std::move(text)};
    } catch (const http::connect_error& e) {
        return {true, {}, e.what()};
    } catch (const http::truncated_error& e) {
        return {true, {}, e.what()};
    } catch (const timeout_error& e) {
        return {true, {}, e.what()};
    } catch (const leat::error& e) {
        // Out of descriptors: others will give theirs back.
        return {e.code() == std::errc::too_many_files_open || e.code() == std::errc::too_many_files_open_in_system, {}, e.what()};
    } catch (const std::exception& e) {
        return {false, {}, e.what()};
    }
}

}  // namespace leat::detail
