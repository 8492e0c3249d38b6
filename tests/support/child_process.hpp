#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "leat/log/log.hpp"

namespace leat::testing {

/// How a forked child ended, and what it wrote on standard error.
struct child_outcome {
    int exit_status = -1;  // -1: ended by a signal
    int signal = 0;
    std::string errors;
};

/// Runs a function in a forked child, whose return value is the exit status. The child says that it is ready by a byte on the descriptor it is
/// given; then `when_ready` is called with its process id, here.
inline child_outcome in_child(const std::function<int(int ready)>& body, const std::function<void(pid_t)>& when_ready = {}) {
    int ready[2];
    int errors[2];
    if (::pipe2(ready, O_CLOEXEC) != 0 || ::pipe2(errors, O_CLOEXEC) != 0) return {};
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(errors[1], 2);
        ::close(ready[0]);
        ::alarm(50);
        int status = 99;
        try {
            status = body(ready[1]);
        } catch (const std::exception& e) {
            const std::string text = std::string{"child threw: "} + e.what();
            [[maybe_unused]] auto n = ::write(2, text.data(), text.size());
        } catch (...) {
        }
        // Not exit(): a leak checker would miss the parent's threads, which a fork does not copy, and with them what they hold.
        log::flush(std::chrono::seconds{2});
        ::_exit(status);
    }
    ::close(ready[1]);
    ::close(errors[1]);
    char byte;
    if (when_ready && ::read(ready[0], &byte, 1) == 1) when_ready(child);
    child_outcome outcome;
    char piece[4096];
    for (ssize_t n; (n = ::read(errors[0], piece, sizeof piece)) > 0;) outcome.errors.append(piece, static_cast<std::size_t>(n));
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) outcome.exit_status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    ::close(ready[0]);
    ::close(errors[0]);
    return outcome;
}

inline void say_ready(int fd) { [[maybe_unused]] auto n = ::write(fd, "!", 1); }

}  // namespace leat::testing
