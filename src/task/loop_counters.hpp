#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "leat/io/duration.hpp"

namespace leat::detail {

/// Counted by one thread, read by any.
class counter {
public:
    void add(std::uint64_t more = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_ = 0;
};

/// What one loop has done since it began.
struct loop_counters {
    counter turns;
    counter resumes;
    counter strands_started;
    counter strands_ended;
    std::array<counter, 4> operations;  // by operation::waits_for
    counter received_bytes;
    counter sent_bytes;
    counter held_too_long;

    /// How long a turn kept what was ready waiting: every `sampled`th turn.
    static constexpr std::uint64_t sampled = 16;
    static constexpr std::array<duration, 7> bounds{
        std::chrono::microseconds{10}, std::chrono::microseconds{100}, std::chrono::milliseconds{1}, std::chrono::milliseconds{10},
        std::chrono::milliseconds{100}, std::chrono::seconds{1}, std::chrono::seconds{10}};
    std::array<counter, bounds.size() + 1> latency;
    counter latency_sum;  // nanoseconds

    void note_latency(duration held) noexcept {
        std::size_t bucket = 0;
        while (bucket < bounds.size() && held > bounds[bucket]) ++bucket;
        latency[bucket].add();
        latency_sum.add(static_cast<std::uint64_t>(held.count()));
    }
};

}  // namespace leat::detail
