#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "engine/operation.hpp"
#include "leat/io/duration.hpp"

namespace leat::detail {

/// How a loop talks to the kernel. Used by the loop's own thread alone; other threads wake it through an eventfd that the loop
/// reads like any other descriptor.
class engine {
public:
    virtual ~engine() = default;

    /// Starts an operation; it must stay where it is until its last completion.
    virtual void submit(operation& op) = 0;
    /// Asks for an early end: the operation still completes, with -ECANCELED or with what it had reached.
    virtual void cancel(operation& op) = 0;
    /// Delivers the completions that are known already. Called before the time-out of wait() is reckoned: they may wake strands and arm timers.
    virtual void deliver_known() {}
    /// Sends what was submitted to the kernel, waits at most so long for completions, and delivers them.
    virtual void wait(duration timeout) = 0;
    /// Closes a descriptor that has no operation in flight and forgets what it knew about it.
    virtual void close(int fd) noexcept = 0;

    /// The same for a descriptor that somebody else closes.
    virtual void forget(int fd) noexcept = 0;

    virtual std::string_view name() const noexcept = 0;
    /// Does it run waits_for::file itself, or is the thread pool needed?
    virtual bool runs_files() const noexcept = 0;
};

/// The engine that LEAT_ENGINE asks for or, without it, the best one that works here; one log line says which and why; without
/// `announce`, for one loop of many, at debug level.
std::unique_ptr<engine> select_engine(bool announce);

std::unique_ptr<engine> make_epoll_engine();
/// Null, with the reason, where the kernel refuses io_uring or lacks a part of it that leat builds on.
std::unique_ptr<engine> make_uring_engine(std::string& why_not);

/// The clock of every loop.
time_point clock_now() noexcept;
/// The same to a few milliseconds, for a fifth of the price: it stands between two ticks of the kernel.
time_point coarse_now() noexcept;
/// So much may coarse_now() be behind: a kernel that ticks a hundred times a second.
constexpr duration longest_tick = std::chrono::milliseconds{10};

}  // namespace leat::detail
