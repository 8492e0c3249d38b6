#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "task/loop_counters.hpp"
#include "task/mailbox.hpp"

namespace leat::detail {

class loop_set;

/// The side of a loop that other threads may touch, at any time, also when the loop has ended.
struct shared_loop {
    shared_loop(int wake_descriptor, std::shared_ptr<loop_set> of) noexcept : mail(wake_descriptor), set(std::move(of)) {}

    /// Has the loop deal with these signals, a bit each.
    void raise(std::uint64_t bits) noexcept {
        signals.fetch_or(bits);
        mail.wake();
    }

    mailbox mail;
    loop_counters counters;
    std::atomic<std::uint64_t> signals = 0;
    std::uint32_t number = 0;          ///< in the process, from 0; a number is free again when its loop has ended
    const char* engine = "";
    const std::shared_ptr<loop_set> set;
};

/// Every loop of the process that has not ended, in the order of their numbers.
std::vector<std::shared_ptr<shared_loop>> live_loops();
void enlist(const std::shared_ptr<shared_loop>& begun);
void strike(const shared_loop& ended) noexcept;

/// The loops that one `run` started together.
class loop_set : public std::enable_shared_from_this<loop_set> {
public:
    explicit loop_set(std::size_t loops) : loops_(loops), missing_(loops), unfinished_(loops) {}

    /// One of the others could not be made.
    struct abandoned {};
    /// Waits until every loop is there; throws `abandoned` if that cannot be.
    void join(std::size_t index, std::shared_ptr<shared_loop> member);
    void give_up() noexcept;

    /// A loop's task has ended; after an error those of the others are cancelled.
    void task_ended(bool with_error) noexcept;
    /// The last of its threads is gone. A loop's shared part holds its set, and may be held for ever by a handle.
    void dissolve() noexcept { loops_.clear(); }

    bool all_ended() const noexcept { return unfinished_.load() == 0; }
    bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }

    const std::vector<std::shared_ptr<shared_loop>>& loops() const noexcept { return loops_; }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::shared_ptr<shared_loop>> loops_;  // complete once join() has returned
    std::size_t missing_;
    bool given_up_ = false;
    std::atomic<std::size_t> unfinished_;
    std::atomic<bool> failed_ = false;
};

}  // namespace leat::detail
