#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace leat::testing {

/// A server that is a program of its own, in the foreground. Once the constructor returns it takes connections, or has ended. Killed with this object.
class listening_program {
public:
    explicit listening_program(std::vector<std::string> command) {
        std::vector<char*> words;
        for (std::string& word : command) words.push_back(word.data());
        words.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::setpgid(0, 0);
            ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            const int nowhere = ::open("/dev/null", O_RDWR);
            for (int fd : {0, 1, 2}) ::dup2(nowhere, fd);
            ::setenv("PATH", (std::string{::getenv("PATH") ? ::getenv("PATH") : ""} + ":/usr/sbin:/usr/bin:/bin").c_str(), 1);
            ::execvp(words[0], words.data());
            ::_exit(127);
        }
        if (pid_ > 0) run_until_it_listens();
    }
    listening_program(const listening_program&) = delete;
    ~listening_program() {
        if (pid_ < 0) return;
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    bool listens() const noexcept { return pid_ > 0; }
    /// As waitpid() tells it, of one that has ended.
    int status() const noexcept { return status_; }

private:
    /// The kernel tells: the program is stopped at each call of its own until listen() has succeeded, and then let go.
    void run_until_it_listens() {
        if (::waitpid(pid_, &status_, 0) != pid_ || !WIFSTOPPED(status_)) return ended();
        ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC);
        for (int signal = 0;;) {
            if (::ptrace(PTRACE_SYSCALL, pid_, nullptr, signal) != 0 || ::waitpid(pid_, &status_, 0) != pid_ || !WIFSTOPPED(status_)) return ended();
            const bool at_a_call = WSTOPSIG(status_) == (SIGTRAP | 0x80);
            const bool after_exec = status_ >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
            signal = at_a_call || after_exec ? 0 : WSTOPSIG(status_);
            if (at_a_call && has_listened()) {
                if (::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr) != 0) ended();
                return;
            }
        }
    }
    /// At the end of a call that made it listen?
    bool has_listened() {
        __ptrace_syscall_info call{};
        if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof call, &call) <= 0) return false;
        if (call.op == PTRACE_SYSCALL_INFO_ENTRY) call_ = call.entry.nr;
        return call.op == PTRACE_SYSCALL_INFO_EXIT && call_ == SYS_listen && call.exit.rval == 0;
    }
    void ended() {
        ::kill(-pid_, SIGKILL);  // what it may have started, too
        if (!WIFEXITED(status_) && !WIFSIGNALED(status_)) ::waitpid(pid_, &status_, 0);
        pid_ = -1;
    }

    pid_t pid_ = -1;
    int status_ = 0;
    std::uint64_t call_ = 0;  // the one that it is in
};

}  // namespace leat::testing
