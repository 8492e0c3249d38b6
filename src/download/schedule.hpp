#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "leat/sync/semaphore.hpp"
#include "leat/task/detail/timer.hpp"

namespace leat::detail {

class work_wait;

/// Which file is fetched next: hosts take turns, each as long as it has room, and what failed comes back when its time has come.
class schedule final : private timer {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    explicit schedule(std::size_t per_host) : per_host_(per_host) {}

    void add(std::size_t file, std::string_view url);
    /// No more will be added.
    void close() noexcept;
    /// Awaits the next file; `none` when there will be no more.
    work_wait next() noexcept;
    /// The file that was given out is done with, for good.
    void done(std::size_t file) noexcept;
    /// It is to be tried again, not before `when`.
    void again(std::size_t file, time_point when);
    /// It gives its place up, but is not done with: it comes back(), or is dropped.
    void hold(std::size_t file);
    /// A file that was on hold wants its turn.
    void back(std::size_t file);
    /// A file that was on hold is done with.
    void drop() noexcept;
    /// If it waits for its next attempt, that need not wait any longer.
    void hurry(std::size_t file);
    /// A second connection to the file's host, if there is room for it, and no file waits for it.
    bool take_extra(std::size_t file, std::size_t most_in_all) noexcept;
    void leave_extra(std::size_t file) noexcept;
    /// Which host a file is fetched from, counted from 0.
    std::uint32_t host_number(std::size_t file) const noexcept { return host_of_file_[file]; }
    /// How many wait that have never been given out, or come back.
    std::size_t waiting() const noexcept { return waiting_ + later_.size(); }
    /// Of them, those whose time has come.
    std::size_t in_line() const noexcept { return waiting_; }
    /// Does a worker wait for a file?
    bool has_idle() const noexcept { return !idle_.empty(); }
    /// Where a URL's host begins and ends, without the trouble of parsing it: URLs that are spelt alike share a host.
    static std::string_view host_of(std::string_view url) noexcept;

private:
    friend class work_wait;
    struct host {
        std::vector<std::uint32_t> files;
        std::size_t next = 0;  // of the files, the first that waits
        std::size_t running = 0;
        bool waits() const noexcept { return next < files.size(); }
        bool listed = false;  // among those that have something to do and room for it
    };
    struct later {
        time_point when;
        std::uint32_t file;
    };
    std::uint32_t number_of(std::string_view host);
    void list_if_ready(host& at);
    bool over() const noexcept { return closed_ && left_ == 0; }
    std::size_t take() noexcept;
    void wake_waiting() noexcept;
    void leave_host(std::size_t file);
    void expired() noexcept override;

    std::size_t per_host_;
    std::unordered_map<std::string, std::uint32_t> host_numbers_;
    std::string_view last_host_;  // of the file that was added last
    std::uint32_t last_number_ = 0;
    std::deque<host> hosts_;
    std::vector<std::uint32_t> host_of_file_;
    std::deque<std::uint32_t> ready_;
    std::vector<later> later_;  // a heap, the earliest first
    std::size_t left_ = 0;      // files that are not done with
    std::size_t waiting_ = 0;   // in the hosts' queues
    std::size_t connections_ = 0;
    bool closed_ = false;
    waiter_queue idle_;
};

class work_wait final : queued_waiter {
public:
    explicit work_wait(schedule& of) noexcept : of_(of) {}
    ~work_wait();
    bool await_ready() noexcept {
        file_ = of_.take();
        return file_ != schedule::none || of_.over();
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    std::size_t await_resume() const {
        if (was_cancelled()) throw cancelled{};
        return file_;
    }

private:
    friend class schedule;
    bool start(promise_base& frame, std::source_location at) noexcept;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "download: next file"; }

    schedule& of_;
    std::size_t file_ = schedule::none;
    bool queued_ = false;
};

inline work_wait schedule::next() noexcept { return work_wait{*this}; }

}  // namespace leat::detail
