#include "terminal/output.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "leat/log/printable.hpp"

namespace tool {

void output::write(std::string_view text) {
    if (failed_) return;
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
    return !failed_;
}

/// True if some of it was written.
bool output::write_some(bool may_wait) noexcept {
    if (!may_wait) {
        pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
        if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return false;
    }
    // A pipe that poll() calls writable takes PIPE_BUF bytes without waiting.
    const std::size_t portion = may_wait ? waiting_.size() : std::min<std::size_t>(waiting_.size(), PIPE_BUF);
    const ssize_t written = ::write(fd_, waiting_.data(), portion);
    if (written > 0) {
        waiting_.erase(0, static_cast<std::size_t>(written));
        return true;
    }
    if (written < 0 && errno == EINTR) return may_wait;
    if (written < 0 && errno == EAGAIN && may_wait) {
        pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
        return ::poll(&room, 1, -1) >= 0 || errno == EINTR;
    }
    if (written < 0 && errno == EAGAIN) return false;
    failed_ = true;
    waiting_.clear();
    return false;
}

void complain(std::string_view command, std::string_view what) {
    std::string line = "leat: ";
    if (!command.empty()) line.append(command).append(": ");
    line += leat::printable(what);
    line += '\n';
    output{STDERR_FILENO}.write(line);
}

}  // namespace tool
