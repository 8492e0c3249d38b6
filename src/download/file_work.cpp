#include "download/file_work.hpp"

#include "fs/file_core.hpp"

namespace leat::detail {

live_body::live_body(file_work& of, const http::body& read) noexcept : work(of), body(read), next(of.bodies) { of.bodies = this; }

live_body::~live_body() {
    live_body** link = &work.bodies;
    while (*link != this) link = &(*link)->next;
    *link = next;
}

std::uint64_t piece::at() const noexcept {
    if (!to || !to->core()) return std::max(range.first, reached);
    const auto place = static_cast<std::uint64_t>(to->core()->handed_over());
    return std::max(range.first, std::min(place, until));
}

std::uint64_t file_data::received() const noexcept { return pieces.empty() ? have.total() : written().total(); }

byte_ranges file_data::written() const {
    byte_ranges all = have;
    for (const piece* each : pieces)
        if (each->at() > each->range.first) all.add({each->range.first, each->at()});
    return all;
}

}  // namespace leat::detail
