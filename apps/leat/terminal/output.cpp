#include "terminal/output.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "get/shown.hpp"
#include "leat/io/error.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"

namespace tool {
namespace {

constexpr std::size_t most_complaints = 16 * 1024 * 1024;  // bytes that wait

}  // namespace

void output::write(std::string_view text) {
    if (error_ != 0) return;
    waiting_.append(text);
    flush();
}

void output::flush() noexcept {
    while (!waiting_.empty() && write_some(false)) {
    }
}

bool output::finish() noexcept {
    while (!waiting_.empty() && write_some(true)) {
    }
    return error_ == 0;
}

/// True if some of it was written.
bool output::write_some(bool may_wait) noexcept {
    pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&room, 1, may_wait ? -1 : 0);
    // Signals are caught, so one that is to end the program would not if this went on.
    if (ready < 0 && errno == EINTR && may_wait) discard();
    if (ready != 1 || (room.revents & (POLLOUT | POLLERR | POLLNVAL)) == 0) return false;
    // A pipe that poll() calls writable takes PIPE_BUF bytes without waiting.
    const std::size_t portion = std::min<std::size_t>(waiting_.size() - begin_, PIPE_BUF);
    const ssize_t written = ::write(fd_, waiting_.data() + begin_, portion);
    if (written > 0) {
        begin_ += static_cast<std::size_t>(written);
        if (begin_ == waiting_.size()) {
            discard();
        } else if (begin_ > 1024 * 1024) {
            waiting_.erase(0, begin_);
            begin_ = 0;
        }
        return true;
    }
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) return may_wait;
    error_ = errno;
    discard();
    return false;
}

leat::task<> output::drain() {
    try {
        for (flush(); !idle(); flush()) co_await leat::sleep(std::chrono::milliseconds{10});
    } catch (const leat::cancelled&) {
        discard();
        throw;
    }
}

leat::task<> output::drain_briefly() {
    try {
        co_await leat::timeout(std::chrono::seconds{1}, drain());
    } catch (const leat::timeout_error&) {
    }
}

output& standard_error() {
    static output only{STDERR_FILENO};
    return only;
}

void require_written(const output& standard_output) {
    if (standard_output.lost()) throw leat::error(standard_output.error(), "write", "standard output");
}

leat::task<> print(std::string text) {
    output out{STDOUT_FILENO};
    out.write(text);
    co_await out.drain();
    require_written(out);
}

bool print_and_wait(std::string_view text) {
    output out{STDOUT_FILENO};
    out.write(text);
    out.finish();
    if (out.lost()) complain("", leat::error(out.error(), "write", "standard output").what());
    return !out.lost();
}

void complain(std::string_view command, std::string_view what) {
    static bool dropping = false;
    output& to = standard_error();
    to.flush();
    if (to.waiting() > most_complaints) {
        if (!std::exchange(dropping, true)) to.write("leat: what follows is dropped until somebody reads this\n");
        return;
    }
    dropping = false;
    std::string line = "leat: ";
    if (!command.empty()) line.append(command).append(": ");
    line += leat::printable(without_known_passwords(std::string{what}));
    line += '\n';
    to.forgive();
    to.write(line);
}

}  // namespace tool
