#include "http/range.hpp"

#include <algorithm>
#include <charconv>

#include "http/ascii.hpp"

namespace leat::http {

namespace {

// Digits only: from_chars alone would take a sign for signed types, and leave what follows the number unread.
std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, value);
    if (ec != std::errc{} || stop != end) return std::nullopt;
    return value;
}

// Takes the text up to a separator off the front.
std::string_view take(std::string_view& text, char separator) {
    const auto at = std::min(text.find(separator), text.size());
    const auto part = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return part;
}

struct spec {
    bool valid = false;
    std::optional<byte_range> range;  // nothing if it lies beyond the end
};

spec read_spec(std::string_view text, std::uint64_t size) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return {};
    const auto left = text.substr(0, dash), right = text.substr(dash + 1);
    if (left.empty()) {  // the last n bytes
        const auto n = number(right);
        if (!n) return {};
        if (*n == 0 || size == 0) return {true, std::nullopt};
        return {true, byte_range{size - std::min(*n, size), size - 1}};
    }
    const auto first = number(left);
    const auto last = right.empty() ? std::optional{UINT64_MAX} : number(right);
    if (!first || !last || *last < *first) return {};
    if (*first >= size) return {true, std::nullopt};
    return {true, byte_range{*first, std::min(*last, size - 1)}};
}

}  // namespace

requested_ranges parse_range(std::string_view value, std::uint64_t size, std::size_t most) {
    value = ascii::trim(value);
    if (!ascii::equal(value.substr(0, 6), "bytes=")) return {};
    value.remove_prefix(6);
    requested_ranges out;
    std::uint64_t sum = 0;
    std::size_t specs = 0;
    while (!value.empty()) {
        const auto text = ascii::trim(take(value, ','));
        if (text.empty()) continue;  // lists may have empty elements
        if (++specs > most) return {};
        const auto one = read_spec(text, size);
        if (!one.valid) return {};
        if (!one.range) continue;
        if (one.range->size() > size - sum) return {};
        sum += one.range->size();
        out.ranges.push_back(*one.range);
    }
    if (specs == 0) return {};
    out.outcome = out.ranges.empty() ? range_outcome::unsatisfiable : range_outcome::partial;
    return out;
}

std::string format_range(std::uint64_t first, std::optional<std::uint64_t> last) {
    return "bytes=" + std::to_string(first) + "-" + (last ? std::to_string(*last) : "");
}

std::string format_content_range(byte_range range, std::optional<std::uint64_t> total) {
    return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
           (total ? std::to_string(*total) : "*");
}

std::string format_unsatisfied_range(std::uint64_t total) { return "bytes */" + std::to_string(total); }

std::optional<content_range> parse_content_range(std::string_view value) {
    value = ascii::trim(value);
    if (!ascii::equal(value.substr(0, 6), "bytes ")) return std::nullopt;
    value = ascii::trim(value.substr(6));
    const auto slash = value.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    auto extent = value.substr(0, slash);
    const auto total_text = value.substr(slash + 1);
    content_range out;
    if (total_text != "*") {
        out.total = number(total_text);
        if (!out.total) return std::nullopt;
    }
    if (extent == "*") return out.total ? std::optional{out} : std::nullopt;
    const auto first = number(take(extent, '-'));
    const auto last = number(extent);
    if (!first || !last || *last < *first || (out.total && *last >= *out.total)) return std::nullopt;
    if (*first == 0 && *last == UINT64_MAX) return std::nullopt;  // its size does not fit
    out.range = byte_range{*first, *last};
    return out;
}

}  // namespace leat::http
