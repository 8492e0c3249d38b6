#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "leat/log/log.hpp"
#include "log/sinks.hpp"

namespace leat::log {

/// What stands between the callers and the sinks: records in one block of memory, which the writing thread takes whole
/// and replaces by an empty one. Callers hold the lock for a copy, the writer for a swap, nobody for a system call.
///
/// There is one, and it is never destroyed: its thread may be inside a write that does not end, and the process must be
/// able to leave all the same.
class queue {
public:
    static queue& instance();

    /// Copies one message in, or counts it as dropped. Starts the thread if there is none.
    void append(level at, std::string_view text) noexcept;

    /// Waits for what was appended before, at most so long.
    bool flush(std::chrono::milliseconds wait) noexcept;

    /// Later messages go where this says.
    void configure(settings chosen);

    /// For a message that did not get as far as append().
    void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }

    /// Waits for what is queued, as long as the settings allow.
    void finish() noexcept;

    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    queue();
    void start();
    void work() noexcept;
    void after_fork_in_child();

    std::mutex mutex_;
    std::condition_variable work_to_do_;
    std::condition_variable written_;

    std::string pending_;       ///< records not yet taken: a header each, then the text
    std::uint64_t queued_ = 0;  ///< messages ever appended
    std::uint64_t done_ = 0;    ///< messages ever written
    std::atomic<std::uint64_t> dropped_ = 0;
    settings settings_;
    bool settings_changed_ = true;
    bool running_ = false;
    bool asleep_ = false;
};

}  // namespace leat::log
