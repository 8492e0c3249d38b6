#include "process/child_process.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>
#include <vector>

#include "engine/child.hpp"
#include "leat/io/error.hpp"
#include "process/pipe_output.hpp"

namespace leat::detail {
namespace {

constexpr auto look_again = std::chrono::milliseconds{10};

/// Those that were left to run: looked at now and then, so that they do not stay zombies.
thread_local std::vector<int> left_alone;

void look_at_those_left_alone() noexcept {
    std::erase_if(left_alone, [](int pidfd) {
        if (!look_at_child(pidfd, true).ended) return false;
        ::close(pidfd);
        return true;
    });
}

}  // namespace

child_process::child_process(int pid, int pidfd, std::string program, manners how) noexcept
    : poll_operation(pidfd, direction::in), pid_(pid), pidfd_(pidfd), how_(how), program_(std::move(program)) {}

child_process::~child_process() {
    if (pidfd_ >= 0) ::close(pidfd_);
}

void child_process::watch() {
    loop& here = loop::current();
    look_at_those_left_alone();
    self_ = shared_from_this();
    here.submit(*this);
}

void child_process::complete(completion done) noexcept {
    // An engine that cannot watch it now (ENOMEM) is no news of its end: it is looked at again.
    if (!gives_up_) done.result >= 0 ? look() : arm(look_again);
    end_if_over();
}

void child_process::expired() noexcept {
    look();
    end_if_over();
}

void child_process::end_if_over() noexcept {
    if (is_watched()) return;
    if (dropped_) return finish();
    self_.reset();  // may be the end of this
}

/// It stays a zombie, so that its number, which is its group's, is given to nobody else.
void child_process::look() noexcept {
    const child_end end = look_at_child(pidfd_, false);
    if (!end.ended) return loop::current_or_null()->submit(*this);
    lost_ = end.error;
    status_ = {.code = end.code, .signal = end.signal, .dumped_core = end.dumped_core};
    ended.set();
}

exit_status child_process::status() const {
    if (lost_ != 0) throw error(lost_, "wait", program_);
    return status_;
}

void child_process::signal(int number, bool whole_group) {
    const int failed = whole_group && how_.leads_group ? signal_group(pid_, number) : signal_child(pidfd_, number);
    if (failed < 0) throw error(-failed, "send " + signal_name(number), program_);
}

void child_process::drop() noexcept {
    dropped_ = true;
    const auto keep = shared_from_this();
    const bool running = !ended.is_set();
    if (how_.kill_on_drop && lost_ == 0) {
        if (how_.leads_group) signal_group(pid_, SIGKILL);
        if (running) signal_child(pidfd_, SIGKILL);
        if (auto* pipe = input ? dynamic_cast<pipe_output*>(input.transport()) : nullptr) pipe->discard();
    }
    input = {};
    output = {};
    errors = {};
    if (!is_watched()) return finish();
    loop::current_or_null()->adopt(*this);
    if (!how_.kill_on_drop) abort();
}

void child_process::abort() noexcept {
    gives_up_ = true;
    disarm();
    if (!in_flight()) return finish();
    loop::current_or_null()->cancel(*this);
}

void child_process::finish() noexcept {
    if (pidfd_ >= 0) {
        loop& here = *loop::current_or_null();
        const int pidfd = std::exchange(pidfd_, -1);
        if (lost_ == 0 && !look_at_child(pidfd, true).ended) {
            lost_ = ECHILD;
            here.kernel().forget(pidfd);
            try {
                left_alone.push_back(pidfd);
            } catch (...) {
                ::close(pidfd);
            }
        } else {
            here.close(pidfd);
        }
        here.release(*this);
    }
    ended.set();
    self_.reset();
}

}  // namespace leat::detail
