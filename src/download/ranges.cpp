#include "download/ranges.hpp"

#include <algorithm>
#include <limits>

namespace leat::detail {
namespace {

void put_number(std::string& out, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
    out += static_cast<char>(number);
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (text.empty()) return std::nullopt;
        const auto byte = static_cast<unsigned char>(text.front());
        text.remove_prefix(1);
        const std::uint64_t bits = byte & 0x7Fu;
        if (shift == 63 && bits > 1) return std::nullopt;
        number |= bits << shift;
        if (byte < 0x80) return number;
    }
    return std::nullopt;
}

}  // namespace

void byte_ranges::add(span_of_bytes part) {
    if (part.first >= part.end) return;
    // Nearly every call makes the last span longer, or some span in the middle of a segment's.
    const auto first = std::lower_bound(spans_.begin(), spans_.end(), part.first, [](const span_of_bytes& span, std::uint64_t at) { return span.end < at; });
    auto behind = first;
    while (behind != spans_.end() && behind->first <= part.end) {
        part.first = std::min(part.first, behind->first);
        part.end = std::max(part.end, behind->end);
        ++behind;
    }
    if (first == behind) {
        spans_.insert(first, part);
        return;
    }
    *first = part;
    spans_.erase(first + 1, behind);
}

std::uint64_t byte_ranges::total() const noexcept {
    std::uint64_t sum = 0;
    for (const span_of_bytes& span : spans_) sum += span.size();
    return sum;
}

std::uint64_t byte_ranges::prefix() const noexcept { return !spans_.empty() && spans_.front().first == 0 ? spans_.front().end : 0; }

bool byte_ranges::covers(span_of_bytes part) const noexcept {
    if (part.first >= part.end) return true;
    const auto span = std::upper_bound(spans_.begin(), spans_.end(), part.first, [](std::uint64_t at, const span_of_bytes& each) { return at < each.end; });
    return span != spans_.end() && span->first <= part.first && part.end <= span->end;
}

std::optional<span_of_bytes> byte_ranges::missing(std::uint64_t from, std::uint64_t size) const noexcept {
    auto span = std::upper_bound(spans_.begin(), spans_.end(), from, [](std::uint64_t at, const span_of_bytes& each) { return at < each.end; });
    if (span != spans_.end() && span->first <= from) {
        from = span->end;
        ++span;  // it does not touch the one before
    }
    if (from >= size) return std::nullopt;
    return span_of_bytes{from, span == spans_.end() ? size : std::min(size, span->first)};
}

std::vector<span_of_bytes> byte_ranges::all_missing(std::uint64_t size) const {
    std::vector<span_of_bytes> all;
    for (auto hole = missing(0, size); hole; hole = missing(hole->end, size)) all.push_back(*hole);
    return all;
}

// A distance from the end of the span before and a length for each span.
std::string byte_ranges::encoded() const {
    std::string out;
    std::uint64_t at = 0;
    for (const span_of_bytes& span : spans_) {
        put_number(out, span.first - at);
        put_number(out, span.size());
        at = span.end;
    }
    return out;
}

std::optional<byte_ranges> byte_ranges::decoded(std::string_view text) {
    byte_ranges ranges;
    std::uint64_t at = 0;
    while (!text.empty()) {
        const auto distance = take_number(text);
        if (!distance) return std::nullopt;
        const auto size = take_number(text);
        constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
        if (!size || *size == 0 || (*distance == 0 && !ranges.spans_.empty())) return std::nullopt;
        if (*distance > most - at || *size > most - at - *distance) return std::nullopt;
        ranges.spans_.push_back({at + *distance, at + *distance + *size});
        at = ranges.spans_.back().end;
    }
    return ranges;
}

}  // namespace leat::detail
