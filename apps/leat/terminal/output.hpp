#pragma once
#include <cstddef>
#include <string>
#include <string_view>

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
    /// Writes everything, and waits for that if need be. False if the reader has gone or the disk is full.
    bool finish() noexcept;
    /// Is everything written?
    bool idle() const noexcept { return waiting_.empty(); }
    /// Drops what waits, so that a text that is out of date is never written.
    void discard() noexcept { waiting_.clear(); }

private:
    bool write_some(bool may_wait) noexcept;

    int fd_;
    bool failed_ = false;
    std::string waiting_;
};

/// Prints one line on standard error, safe for a terminal: "leat: get: no such thing".
void complain(std::string_view command, std::string_view what);

}  // namespace tool
