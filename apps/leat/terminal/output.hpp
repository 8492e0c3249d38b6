#pragma once
#include <cerrno>
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
    /// Has something not been written that somebody wants? A reader that has gone wants no more; a disk that is full is news.
    bool lost() const noexcept { return error_ != 0 && error_ != EPIPE; }
    /// Tries again with what comes next, though a write has failed.
    void forgive() noexcept { error_ = 0; }
    /// Is everything written?
    bool idle() const noexcept { return waiting_.empty(); }
    /// How many bytes are not.
    std::size_t waiting() const noexcept { return waiting_.size() - begin_; }
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

/// Standard error, the same for all, so that what is written stays in order. What has no room waits, and `run_command` waits for it at the end.
output& standard_error();

/// Throws leat::error if some of what went to standard output is lost.
void require_written(const output& standard_output);
/// Writes on standard output, and lets others work while it waits for that. Throws leat::error if it is lost.
leat::task<> print(std::string text);
/// The same where no loop runs; complains instead of throwing. False: it is lost.
bool print_and_wait(std::string_view text);

/// Prints one line on standard error, safe for a terminal and without the passwords that the command line has: "leat: get: no such thing". Does not wait for whoever
/// reads there.
void complain(std::string_view command, std::string_view what);

}  // namespace tool
