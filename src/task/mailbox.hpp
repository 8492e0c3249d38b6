#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "leat/task/detail/mailbox.hpp"

namespace leat::detail {

/// What other threads have sent to a loop, in order of arrival. Outlives the loop: whoever knows it may write to it at any time.
class mailbox {
public:
    /// Writing this eventfd ends the loop's wait.
    explicit mailbox(int wake_descriptor) noexcept : wake_(wake_descriptor) {}

    /// False if the loop has ended: then the letter stays with the caller. Any thread.
    [[nodiscard]] bool post(letter& mail) noexcept;
    /// True if it was still here; false if it has arrived or was never posted. The loop's own thread, or one that knows that it has not
    /// arrived.
    bool take_back(letter& mail) noexcept;
    /// Asks the loop for a turn. Any thread.
    void wake() noexcept;

    /// The rest is for the loop's own thread.
    bool any() const noexcept { return any_.load(std::memory_order_relaxed); }
    void deliver() noexcept;
    /// Refuses what is left, and everything from now on.
    void close() noexcept;
    /// The eventfd goes.
    void forget_wake_descriptor() noexcept;
    /// Blocks until another thread has called `set(flag)`. Urgent letters are acted on meanwhile, so that two loops that wait for each
    /// other both go on.
    void wait_for(const bool& flag) noexcept;
    void set(bool& flag) noexcept;

private:
    void unlink(letter& mail) noexcept;
    void wake_locked() noexcept;

    std::mutex mutex_;
    std::condition_variable changed_;
    letter* first_ = nullptr;
    letter* last_ = nullptr;
    std::atomic<bool> any_ = false;
    std::size_t size_ = 0;
    int blocked_ = 0;  // waits of the loop's thread, one inside the other
    bool open_ = true;
    int wake_;  // -1: gone
};

}  // namespace leat::detail
