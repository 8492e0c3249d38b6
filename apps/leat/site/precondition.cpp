#include "site/precondition.hpp"

#include <fmt/format.h>

#include "http/ascii.hpp"
#include "http/date.hpp"

namespace tool {
namespace {

using leat::http::ascii::trim;

std::string_view without_weakness(std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; }

/// Does a list of entity tags hold this one? An entity tag may itself contain a comma.
bool lists(std::string_view list, std::string_view etag, bool weakly) {
    if (trim(list) == "*") return true;
    while (!list.empty()) {
        list = trim(list);
        if (list.starts_with(',')) {
            list.remove_prefix(1);
            continue;
        }
        const auto open = list.find('"');
        const auto close = open == std::string_view::npos ? open : list.find('"', open + 1);
        if (close == std::string_view::npos) return false;
        const auto tag = list.substr(0, close + 1);
        list.remove_prefix(close + 1);
        if (tag == etag || (weakly && without_weakness(tag) == etag)) return true;
    }
    return false;
}

bool any_lists(const leat::http::headers& request, std::string_view name, std::string_view etag, bool weakly) {
    for (std::string_view value : request.get_all(name))
        if (lists(value, etag, weakly)) return true;
    return false;
}

std::optional<std::int64_t> date_in(const leat::http::headers& request, std::string_view name) {
    const auto text = request.get(name);
    return text ? leat::http::parse_date(*text) : std::nullopt;
}

}  // namespace

validators validators_of(const leat::file_status& file) {
    const std::int64_t ns = file.modified.count();
    // Rounded down, also before 1970.
    const std::int64_t second = ns / 1'000'000'000 - (ns % 1'000'000'000 < 0 ? 1 : 0);
    return {fmt::format("\"{:x}-{:x}\"", static_cast<std::uint64_t>(ns), file.size), second};
}

verdict judge(const leat::http::headers& request, const validators& current) {
    if (request.contains("If-Match")) {
        if (!any_lists(request, "If-Match", current.etag, false)) return verdict::failed;
    } else if (const auto since = date_in(request, "If-Unmodified-Since"); since && current.modified > *since) {
        return verdict::failed;
    }
    if (request.contains("If-None-Match")) {
        if (any_lists(request, "If-None-Match", current.etag, true)) return verdict::not_modified;
    } else if (const auto since = date_in(request, "If-Modified-Since"); since && current.modified <= *since) {
        return verdict::not_modified;
    }
    return verdict::send;
}

bool range_holds(const leat::http::headers& request, const validators& current) {
    const auto condition = request.get("If-Range");
    if (!condition) return true;
    const auto value = trim(*condition);
    if (value.starts_with('"') || value.starts_with("W/")) return value == current.etag;
    const auto date = leat::http::parse_date(value);
    return date && *date == current.modified;
}

}  // namespace tool
