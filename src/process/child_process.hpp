#pragma once
#include <memory>
#include <string>

#include "engine/operation/poll.hpp"
#include "leat/process/process.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/detail/timer.hpp"
#include "task/loop.hpp"

namespace leat::detail {

/// A child, its streams, and the look-out for its end. Held by its object, by those who wait for its end, and, while the kernel is asked, by itself.
class child_process final : public std::enable_shared_from_this<child_process>, private poll_operation, private resident, private timer {
public:
    struct manners {
        bool leads_group = true;
        bool kill_on_drop = true;
    };
    child_process(int pid, int pidfd, std::string program, manners how) noexcept;
    ~child_process();

    /// From now on its end is noticed.
    void watch();
    /// The object is gone: kills what is to be killed; the loop sees to the rest.
    void drop() noexcept;

    int id() const noexcept { return pid_; }
    const std::string& program() const noexcept { return program_; }
    /// Known since `ended` was set. Throws if somebody else has reaped it.
    exit_status status() const;
    void signal(int number, bool whole_group);

    event ended;
    stream_writer input;
    stream_reader output;
    stream_reader errors;

private:
    void complete(completion done) noexcept override;
    void abort() noexcept override;
    void expired() noexcept override;
    void end_if_over() noexcept;
    bool is_watched() const noexcept { return in_flight() || armed(); }
    void look() noexcept;
    void finish() noexcept;

    int pid_;
    int pidfd_;
    manners how_;
    bool dropped_ = false;
    bool gives_up_ = false;
    int lost_ = 0;  // an errno value: how it ended is not known
    exit_status status_;
    std::string program_;
    std::shared_ptr<child_process> self_;  // while an operation is in flight
};

}  // namespace leat::detail
