#include "download/validators.hpp"

#include "http/date.hpp"
#include "http/range.hpp"

namespace leat::detail {

validators validators::of(const http::headers& fields) {
    validators found;
    if (const auto tag = fields.get("ETag"); tag && tag->size() >= 2 && tag->front() == '"' && tag->back() == '"') found.etag = *tag;
    const auto changed = fields.get("Last-Modified");
    const auto sent = fields.get("Date");
    if (changed && sent) {
        const auto change = http::parse_date(*changed);
        const auto answer = http::parse_date(*sent);
        // In the second of the change another one may follow; a second later the date is that change's alone.
        if (change && answer && *answer >= *change + 1) found.last_modified = *changed;
    }
    return found;
}

validators validators::said_by(const http::headers& fields) {
    std::string_view tag = fields.get("ETag").value_or(std::string_view{});
    if (tag.starts_with("W/")) tag.remove_prefix(2);  // a server that codes what it sends weakens the tag of what it has
    return {std::string{tag}, std::string{fields.get("Last-Modified").value_or(std::string_view{})}};
}

bool validators::agree_with(const validators& other) const noexcept {
    if (!etag.empty() && !other.etag.empty()) return etag == other.etag;
    return last_modified.empty() || other.last_modified.empty() || last_modified == other.last_modified;
}

std::optional<part_answer> part_answer_of(const http::headers& fields) {
    const auto value = fields.get("Content-Range");
    if (!value) return std::nullopt;
    const auto read = http::parse_content_range(*value);
    if (!read || !read->range) return std::nullopt;
    return part_answer{read->range->first, read->range->last + 1, read->total};
}

std::optional<std::uint64_t> total_of_unsatisfied(const http::headers& fields) {
    const auto value = fields.get("Content-Range");
    if (!value) return std::nullopt;
    const auto read = http::parse_content_range(*value);
    return read ? read->total : std::nullopt;
}

}  // namespace leat::detail
