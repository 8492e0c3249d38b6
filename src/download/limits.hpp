#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "leat/download/download.hpp"
#include "leat/sync/rate_limit.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// A rate that may be changed, or taken away, at any time.
void set_rate(std::unique_ptr<rate_limit>& limit, std::uint64_t per_second);

/// How fast a job may be: in all, from each host, and in starts.
class limits {
public:
    explicit limits(const download_options& options);

    /// For all files together; 0: no limit. Those who wait for the old one go on with the new.
    void set_max_rate(std::uint64_t per_second);
    /// Is a file from this host, with a rate of its own or not, to be held back?
    bool apply(const std::unique_ptr<rate_limit>& own) const noexcept { return per_host_ != 0 || max_rate_ != 0 || (own && own->per_second() < unlimited); }
    /// Waits until so many bytes more may have come.
    task<> charge(std::uint64_t bytes, std::uint32_t host, rate_limit* own);
    /// Null: as many as one likes.
    rate_limit* starts() noexcept { return starts_ ? &*starts_ : nullptr; }

    static constexpr double unlimited = 1e15;

private:
    std::uint64_t max_rate_ = 0;
    std::uint64_t per_host_ = 0;
    std::unique_ptr<rate_limit> all_;  // stays once it was made: somebody may wait for it
    std::vector<std::unique_ptr<rate_limit>> hosts_;
    std::optional<rate_limit> starts_;
};

}  // namespace leat::detail
