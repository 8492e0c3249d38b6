#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "leat/io/duration.hpp"

namespace leat::detail {

/// Bytes a second over the last few seconds, from samples of a counter that only grows.
class speed {
public:
    void sample(time_point now, std::uint64_t count) noexcept {
        if (used_ != 0 && now - samples_[last_].at < spacing) return;
        last_ = (last_ + 1) % samples_.size();
        samples_[last_] = {now, count};
        if (used_ < samples_.size()) ++used_;
    }
    double per_second(time_point now, std::uint64_t count) const noexcept {
        if (used_ == 0) return 0;
        const auto& oldest = samples_[(last_ + samples_.size() + 1 - used_) % samples_.size()];
        const double seconds = std::chrono::duration<double>(now - oldest.at).count();
        return seconds > 0 ? static_cast<double>(count - oldest.count) / seconds : 0;
    }

private:
    static constexpr duration spacing = std::chrono::milliseconds{250};
    struct sample_type {
        time_point at;
        std::uint64_t count;
    };
    std::array<sample_type, 20> samples_{};  // five seconds
    std::size_t last_ = 0;
    std::size_t used_ = 0;
};

}  // namespace leat::detail
