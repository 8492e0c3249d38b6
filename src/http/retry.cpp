#include "http/retry.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "http/ascii.hpp"
#include "http/date.hpp"
#include "http/exchange.hpp"
#include "leat/http/content.hpp"
#include "leat/http/error.hpp"
#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/sleep.hpp"

namespace leat::detail {
namespace {

constexpr duration longest_backoff = std::chrono::seconds{30};
constexpr duration longest_wish = std::chrono::minutes{2};
constexpr double free_retries = 10;
constexpr double most_saved = 100;
constexpr std::int64_t surely_a_date = 1'000'000'000;  // no quota lasts thirty years: it is the time since 1970

std::optional<std::uint64_t> number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || end != text.data() + text.size()) return std::nullopt;
    return failed == std::errc{} ? value : UINT64_MAX;  // all digits, but more than anybody means
}

duration bounded(std::uint64_t seconds) noexcept {
    return std::min<duration>(std::chrono::seconds{std::min<std::uint64_t>(seconds, 1000)}, longest_wish);
}

/// How long it is until then by the server's own clock, where it tells it, since ours may differ.
std::optional<duration> until(std::int64_t date, const http::headers& fields) {
    const auto its_now = fields.get("Date") ? http::parse_date(*fields.get("Date")) : std::nullopt;
    if (!its_now) return std::nullopt;
    return bounded(date > *its_now ? static_cast<std::uint64_t>(date - *its_now) : 0);
}

/// "default";r=0;t=30, or limit=10, remaining=0, reset=30 in older servers: the longest, of those quotas that are used up where that is said.
std::optional<duration> quota_reset(std::string_view value) {
    std::optional<std::uint64_t> longest;
    while (!value.empty()) {
        const auto comma = value.find(',');
        auto member = value.substr(0, comma);
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
        std::optional<std::uint64_t> reset;
        bool used_up = true;
        while (!member.empty()) {
            const auto semicolon = member.find(';');
            const auto parameter = http::ascii::trim(member.substr(0, semicolon));
            member.remove_prefix(semicolon == std::string_view::npos ? member.size() : semicolon + 1);
            if (parameter.starts_with("t=")) reset = number(parameter.substr(2));
            if (parameter.starts_with("reset=")) reset = number(parameter.substr(6));
            if (parameter.starts_with("r=")) used_up = number(parameter.substr(2)).value_or(0) == 0;
        }
        if (reset && used_up) longest = std::max(longest.value_or(0), *reset);
    }
    if (!longest) return std::nullopt;
    return bounded(*longest);
}

/// Connections, time-outs and what ended before the head; what is wrong with the URL, the certificate or the protocol stays.
bool error_may_pass(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const http::connect_error&) {
        return true;
    } catch (const http_handshake_cut&) {
        return true;
    } catch (const http::truncated_error&) {
        return true;
    } catch (const timeout_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace

bool status_may_pass(int status) noexcept {
    return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::optional<duration> retry_after(const http::headers& fields) {
    const auto value = fields.get("Retry-After");
    if (!value) return std::nullopt;
    if (const auto seconds = number(*value)) return bounded(*seconds);
    const auto date = http::parse_date(*value);
    if (!date) return std::nullopt;
    return until(*date, fields).value_or(longest_backoff);
}

std::optional<duration> wished_pause(int status, const http::headers& fields) {
    if (const auto said = retry_after(fields)) return said;
    if (status != 429 && status != 503) return std::nullopt;
    if (const auto value = fields.get("RateLimit"))
        if (const auto said = quota_reset(*value)) return said;
    for (auto name : {"RateLimit-Reset", "X-RateLimit-Reset"}) {
        const auto value = fields.get(name);
        const auto said = value ? number(http::ascii::trim(*value)) : std::nullopt;
        if (!said) continue;
        if (*said < surely_a_date) return bounded(*said);
        if (*said < INT64_MAX) return until(static_cast<std::int64_t>(*said), fields);
    }
    return std::nullopt;
}

duration backoff(duration first, unsigned next, std::minstd_rand& random) {
    duration pause = std::min(std::max(first, duration::zero()), longest_backoff);
    for (unsigned i = 2; i < next && pause < longest_backoff; ++i) pause = std::min(pause * 2, longest_backoff);
    // Between three quarters and five quarters.
    return pause * 3 / 4 + pause / 2 * static_cast<long>(random() % 1024) / 1024;
}

retry_budget::retry_budget(double part_of_requests) noexcept : part_(part_of_requests > 0 ? part_of_requests : 0), saved_(free_retries) {}

void retry_budget::earn() noexcept { saved_ = std::min(saved_ + part_, most_saved); }

bool retry_budget::spend() noexcept {
    constexpr double nearly_one = 1 - 1e-9;  // five fifths
    if (saved_ < nearly_one) return false;
    saved_ -= 1;
    return true;
}

std::minstd_rand& retry_budget::random() {
    if (!random_) random_.emplace(std::random_device{}());
    return *random_;
}

std::optional<retry_plan::retry> retry_plan::next(http_request& request, result<std::unique_ptr<http_exchange>>& outcome) {
    if (attempts_ > request.retries || !request.may_repeat) return std::nullopt;
    retry another{};
    std::optional<duration> wish;
    if (outcome) {
        const http_exchange& answer = **outcome;
        if (!status_may_pass(answer.status)) return std::nullopt;
        wish = wished_pause(answer.status, answer.fields);
        another.why = std::to_string(answer.status);
        if (!answer.reason.empty()) another.why.append(" ").append(printable(answer.reason, 100));
    } else {
        if (!error_may_pass(outcome.error().exception())) return std::nullopt;
        another.why = outcome.error().message();
    }
    another.pause = wish ? *wish : backoff(first_pause_, attempts_ + 1, budget_.random());
    if (request.deadline != time_point{} && now() + another.pause >= request.deadline) return std::nullopt;
    if (request.content && !request.content->rewind()) return std::nullopt;
    if (!budget_.spend()) return std::nullopt;
    ++attempts_;
    return another;
}

}  // namespace leat::detail
