#include "download/retry.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "download/failure.hpp"
#include "http/date.hpp"
#include "leat/http/error.hpp"
#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"

namespace leat::detail {
namespace {

constexpr duration longest_backoff = std::chrono::seconds{30};
constexpr duration longest_wish = std::chrono::minutes{2};

}  // namespace

refused::refused(const http::response& answer, std::string_view url)
    : http::status_error(answer.status(), answer.reason(), url), retry_after_(detail::retry_after(answer.headers())) {}

bool status_may_pass(int status) noexcept {
    return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::optional<duration> retry_after(const http::headers& fields) {
    const auto value = fields.get("Retry-After");
    if (!value) return std::nullopt;
    std::uint32_t seconds = 0;
    const auto [end, failed] = std::from_chars(value->data(), value->data() + value->size(), seconds);
    if (end == value->data() + value->size() && !value->empty()) {
        if (failed == std::errc{}) return std::min<duration>(std::chrono::seconds{seconds}, longest_wish);
        return longest_wish;  // a number, but a larger one than anybody means
    }
    const auto date = http::parse_date(*value);
    if (!date) return std::nullopt;
    // By the server's own clock where it tells it, since ours may differ.
    const auto its_now = fields.get("Date") ? http::parse_date(*fields.get("Date")) : std::nullopt;
    if (!its_now) return longest_backoff;
    return std::clamp<duration>(std::chrono::seconds{std::min<std::int64_t>(*date - *its_now, 1000)}, duration::zero(), longest_wish);
}

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

duration backoff(duration first, unsigned next, std::minstd_rand& random) {
    duration pause = std::min(std::max(first, duration::zero()), longest_backoff);
    for (unsigned i = 2; i < next && pause < longest_backoff; ++i) pause = std::min(pause * 2, longest_backoff);
    // Between three quarters and five quarters.
    return pause * 3 / 4 + pause / 2 * static_cast<long>(random() % 1024) / 1024;
}

}  // namespace leat::detail
