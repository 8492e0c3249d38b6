#pragma once
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <vector>

#include "engine/engine.hpp"
#include "engine/owned_descriptor.hpp"
#include "engine/pool/thread_pool.hpp"
#include "io/buffer_pool.hpp"
#include "leat/task/detail/context.hpp"
#include "leat/task/detail/flushable.hpp"
#include "task/shared_loop.hpp"
#include "task/timer_heap.hpp"

namespace leat::detail {

/// Something that the loop owns while it closes (a dropped writer, a file's last write): `run` waits for it within the linger
/// time, then ends it.
class resident {
public:
    virtual void abort() noexcept = 0;

protected:
    resident() = default;
    ~resident();

private:
    friend class loop;
    resident* previous_ = nullptr;
    resident* next_ = nullptr;
    bool listed_ = false;
};

/// Wants to be told of signals: SIGINT and SIGTERM, and whatever else was taken (caught_signals.hpp).
class signal_listener {
public:
    /// True if the signal is dealt with.
    virtual bool on_signal(int signal) noexcept = 0;
    /// Does it keep signals from those that do not?
    virtual bool claims() const noexcept { return false; }

protected:
    ~signal_listener() = default;
};

/// Keeps something of the loop's beyond the tasks that made it (connections that lie idle), and lets go of it when the loop ends.
class end_listener {
public:
    /// It is told once.
    virtual void loop_ends() noexcept = 0;

protected:
    ~end_listener() = default;
};

/// One thread's loop: ready strands, then what they wrote, then timers, then the kernel.
class loop {
public:
    struct settings {
        bool catches_signals = true;
        bool dumps_tasks = false;          // on SIGUSR1
        duration slow_callback{0};         // what holds the loop longer is logged; 0: nothing is
        std::shared_ptr<loop_set> set = {};
        bool first = true;                 // of its set
    };
    explicit loop(const settings& chosen);
    ~loop();
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    /// The loop of this thread; throws std::logic_error outside `leat::run`.
    static loop& current();
    static loop* current_or_null() noexcept { return current_; }

    /// Turns until `done`.
    void run_until(const bool& done);
    /// Turns until every task of the set has ended; then cancels the guests and turns until they have gone.
    void part();
    /// Tells who listens, and turns until the residents are gone, at most so long, then ends them.
    void finish(duration linger);

    void submit(operation& op) {
        shared_->counters.operations[static_cast<std::size_t>(op.how())].add();
        if (op.how() < operation::waits_for::file || (op.how() == operation::waits_for::file && engine_->runs_files()))
            engine_->submit(op);
        else
            pool_.submit(op);
    }
    void cancel(operation& op) {
        if (op.how() < operation::waits_for::file || (op.how() == operation::waits_for::file && engine_->runs_files()))
            engine_->cancel(op);
        else
            pool_.cancel(op);
    }
    void close(int fd) noexcept { engine_->close(fd); }
    engine& kernel() noexcept { return *engine_; }
    thread_pool& pool() noexcept { return pool_; }
    timer_heap& timers() noexcept { return timers_; }
    buffer_pool& buffers() noexcept { return buffers_; }

    void make_ready(context& strand) noexcept;
    void take_from_ready(context& strand) noexcept;
    void mark_dirty(flushable& writer) noexcept {
        if (writer.dirty_) return;
        writer.dirty_ = true;
        writer.next_dirty_ = nullptr;
        *dirty_end_ = &writer;
        dirty_end_ = &writer.next_dirty_;
    }
    void forget_dirty(flushable& writer) noexcept;
    void adopt(resident& object) noexcept;
    void release(resident& object) noexcept;

    void listen(signal_listener& listener);
    void unlisten(signal_listener& listener) noexcept;
    void listen_for_end(end_listener& listener) { end_listeners_.push_back(&listener); }
    void unlisten(end_listener& listener) noexcept { std::erase(end_listeners_, &listener); }
    /// The first signal that nobody dealt with: it cancelled the root. 0: none.
    int ending_signal() const noexcept { return ending_signal_; }
    void set_root(context* root) noexcept { root_ = root; }
    context* root() const noexcept { return root_; }
    /// Above the tasks that other loops run here.
    context& guests() noexcept { return guests_; }

    /// What other threads may know of this loop.
    const std::shared_ptr<shared_loop>& shared() const noexcept { return shared_; }
    loop_counters& counters() noexcept { return shared_->counters; }

    /// Runs a strand whose wait is over until it waits again or has ended.
    /// @return false if the strand has ended and may be gone.
    bool resume(context& strand) noexcept;

    context* running = nullptr;        // the strand whose frame is on the stack
    promise_base* ended = nullptr;     // the frame that has just ended
    std::int32_t budget = 0;           // awaits without suspension before the task has to let others run

private:
    class wake_operation;
    /// In place of a slot: there was no memory for a place in the queue.
    static constexpr std::uint32_t without_place = ~std::uint32_t{0};
    static context* next_without_place(context* above) noexcept;
    void run_those_without_place() noexcept;
    void turn();
    void run_ready();
    void enter_kernel();
    void flush_dirty() noexcept;
    void share_signals(std::uint64_t come);
    void deliver_signals();
    bool tell_listeners(int signal, bool claiming) noexcept;
    void end_by(int signal) noexcept;
    void report_held(duration held, std::source_location from, const context* strand) noexcept;

    static inline constinit thread_local loop* current_ = nullptr;

    owned_descriptor wake_fd_;
    std::shared_ptr<shared_loop> shared_;
    std::unique_ptr<engine> engine_;
    thread_pool pool_;
    timer_heap timers_;
    buffer_pool buffers_;
    std::vector<context*> ready_;
    std::vector<context*> batch_;
    bool crowded_ = false;                 // some are ready without a place
    flushable* dirty_ = nullptr;           // in the order of their first writes
    flushable** dirty_end_ = &dirty_;
    resident* residents_ = nullptr;
    std::unique_ptr<wake_operation> waker_;
    std::vector<signal_listener*> listeners_;
    std::vector<end_listener*> end_listeners_;
    bool catches_signals_;
    bool dumps_tasks_;
    duration slow_callback_;
    time_point turn_began_{};  // of a turn whose latency is sampled
    int ending_signal_ = 0;
    bool cut_short_ = false;  // a signal came when the root had ended
    context* root_ = nullptr;
    context guests_{nullptr, nullptr};
    loop* outer_;
};

/// Awaits in a row that may go on at once: about a fifth of a millisecond of line reads.
inline constexpr std::int32_t inline_budget = 4096;

}  // namespace leat::detail
