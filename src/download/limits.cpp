#include "download/limits.hpp"

#include <algorithm>

namespace leat::detail {
namespace {

/// A tenth of a second's worth: so that a rate is one within any second, and small ones still move.
double burst_of(std::uint64_t per_second) noexcept { return std::max(4096.0, static_cast<double>(per_second) / 10); }

}  // namespace

void set_rate(std::unique_ptr<rate_limit>& limit, std::uint64_t per_second) {
    if (per_second == 0) {
        // Whoever waits in it must not wait in a dead one.
        if (limit) limit->set_rate(limits::unlimited, limits::unlimited);
    } else if (limit) {
        limit->set_rate(static_cast<double>(per_second), burst_of(per_second));
    } else {
        limit = std::make_unique<rate_limit>(static_cast<double>(per_second), burst_of(per_second));
    }
}

limits::limits(const download_options& options) : per_host_(options.max_rate_per_host) {
    set_max_rate(options.max_rate);
    if (options.starts_per_second > 0) starts_.emplace(options.starts_per_second, 1.0);
}

void limits::set_max_rate(std::uint64_t per_second) {
    max_rate_ = per_second;
    set_rate(all_, per_second);
}

task<> limits::charge(std::uint64_t bytes, std::uint32_t host, rate_limit* own) {
    const auto count = static_cast<double>(bytes);
    if (own) co_await own->acquire(count);
    if (per_host_ != 0) {
        if (hosts_.size() <= host) hosts_.resize(host + 1);
        if (!hosts_[host]) set_rate(hosts_[host], per_host_);
        co_await hosts_[host]->acquire(count);
    }
    if (max_rate_ != 0) co_await all_->acquire(count);
}

}  // namespace leat::detail
