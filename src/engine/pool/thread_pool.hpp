#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/operation.hpp"
#include "leat/io/duration.hpp"

namespace leat::detail {

/// Threads for calls that may block: files where io_uring does not run them, and `to_thread`. Started when first needed, one at a
/// time as long as none is idle.
class thread_pool {
public:
    /// The eventfd is written when something has ended, to wake the loop.
    explicit thread_pool(int wake_descriptor) : wake_(wake_descriptor) {}
    /// Waits for what runs; what was cancelled is interrupted.
    ~thread_pool();

    void submit(operation& op);
    /// What has not started ends with -ECANCELED. A file call that runs is interrupted, again and again until it has ended; a caller's function runs on.
    void cancel(operation& op);
    /// Completes what has ended. Called by the loop, and not later than `interrupt_every` after the last time while a call is being interrupted.
    void deliver();
    bool interrupting() const noexcept { return interrupting_; }
    static constexpr duration interrupt_every = std::chrono::milliseconds{5};
    /// Blocks until this operation has ended, without completing it: for destructors that must not outrun a caller's function.
    void wait_for(operation& op);
    bool busy() const noexcept { return unfinished_ != 0; }

private:
    struct worker {
        std::thread thread;
        operation* running = nullptr;
    };
    struct ended {
        operation* op;
        completion done;
    };
    void work(worker& self);
    bool interrupt_again();
    void wake_loop() noexcept;

    static constexpr std::size_t most_threads = 64;

    int wake_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::condition_variable ended_changed_;
    std::deque<operation*> queue_;
    std::vector<ended> ended_;       // with room for everything that is unfinished: a thread has nobody to tell that there is no memory
    std::vector<ended> delivering_;  // its room is the next ended_'s
    std::list<worker> workers_;
    std::size_t idle_ = 0;
    bool stopping_ = false;
    std::size_t unfinished_ = 0;  // the loop's own count
    bool interrupting_ = false;   // the loop's own
};

}  // namespace leat::detail
