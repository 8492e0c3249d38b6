#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "leat/task/task.hpp"

namespace tool {

/// Standard output or standard error, written only while there is room: a pipe that nobody reads, or a terminal stopped with Ctrl-S,
/// must not hold the loop. What does not fit waits here.
class output {
public:
    explicit output(int fd) noexcept : fd_(fd) {}
    output(const output&) = delete;
    output& operator=(const output&) = delete;
    /// Writes the rest, and waits for that.
    ~output() { finish(); }

    /// Appends, and writes as much as there is room for.
    void write(std::string_view text);
    /// Writes as much as there is room for.
    void flush() noexcept;
    /// Writes everything, and waits for that if need be, but not beyond a signal. False if the reader has gone or the disk is full.
    bool finish() noexcept;
    /// Writes everything, and lets others work while it waits for that. Whoever is cancelled meanwhile drops the rest, so that a reader that never comes holds nothing up.
    leat::task<> drain();
    /// The same for a program that is to end: a reader that is stuck is waited for no longer than a moment.
    leat::task<> drain_briefly();
    /// What a write has failed with; 0: none has.
    int error() const noexcept { return error_; }
    /// Is everything written?
    bool idle() const noexcept { return waiting_.empty(); }
    /// Drops what waits, so that a text that is out of date is never written.
    void discard() noexcept {
        waiting_.clear();
        begin_ = 0;
    }

private:
    bool write_some(bool may_wait) noexcept;

    int fd_;
    int error_ = 0;
    std::string waiting_;
    std::size_t begin_ = 0;  // before it: written
};

/// Prints one line on standard error, safe for a terminal: "leat: get: no such thing".
void complain(std::string_view command, std::string_view what);

}  // namespace tool
