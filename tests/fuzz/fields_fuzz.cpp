// The small parsers of field values, and printable().

#include <cstdint>
#include <string>

#include "http/date.hpp"
#include "http/mime.hpp"
#include "http/percent.hpp"
#include "http/range.hpp"
#include "leat/log/printable.hpp"
#include "require.hpp"

using namespace leat::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    for (std::uint64_t total : {std::uint64_t{0}, std::uint64_t{100}, UINT64_MAX}) {
        const auto ranges = parse_range(data, total);
        require((ranges.outcome == range_outcome::partial) == !ranges.ranges.empty());
        for (auto r : ranges.ranges) require(r.first <= r.last && r.last < total);
    }
    if (const auto range = parse_content_range(data); range && range->range)
        require(range->range->size() > 0 && (!range->total || range->range->last < *range->total));
    if (const auto date = parse_date(data)) require(parse_date(format_date(*date)) == *date);
    require(!mime_type(data).empty());
    require(percent_decode(percent_encode(data)) == data);
    percent_decode(data);
    const auto shown = leat::printable(data);
    require(leat::printable(shown) == shown);
    for (char c : shown) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    leat::printable(data, size / 2);
    return 0;
}
