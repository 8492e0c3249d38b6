#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <string>

#include "leat/download/report.hpp"
#include "leat/task/group.hpp"

namespace tool {

/// Runs the program of --on-done for each file that is there, a few at once, in a group that is joined at the end.
class done_hooks {
public:
    /// @param tell is told what went wrong. The group has to be the caller's, and both outlive it.
    done_hooks(std::string program, leat::task_group& group, std::function<void(const std::string&)> tell);

    void ended(const leat::file_report& file);
    /// How many of them did not end with 0.
    std::size_t failed() const noexcept { return failed_; }

private:
    static constexpr std::size_t at_once = 4;
    struct call {
        std::string name;
        std::string url;
    };
    leat::task<> work();
    leat::task<> run(call what);

    std::string program_;
    leat::task_group& group_;
    std::function<void(const std::string&)> tell_;
    std::deque<call> waiting_;
    std::size_t working_ = 0;
    std::size_t failed_ = 0;
};

}  // namespace tool
