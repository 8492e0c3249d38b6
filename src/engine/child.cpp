#include "engine/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace leat::detail {
namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr int pidfd_kind = 3;  // P_PIDFD, in the kernel's own numbers
constexpr std::string_view default_path = "/bin:/usr/bin";

/// What the child is told, and what it tells: both see the same memory until the program runs.
struct birth {
    const launch_plan* plan;
    char* const* programs;
    char* const* arguments;
    char* const* environment;
    int failed = 0;
    launch_step failed_at = launch_step::process;
};

/// As the kernel takes it; every architecture's is no larger, and all zero is the default action.
struct raw_action {
    unsigned long words[8];
};

#define LEAT_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/// System calls only: a sanitizer's or the C library's own notes about signals belong to the parent.
LEAT_IN_CHILD void reset_signals() noexcept {
    constexpr std::size_t mask_size = 8;
    for (int signal = 1; signal < 65; ++signal) {
        raw_action current;
        if (::syscall(SYS_rt_sigaction, signal, nullptr, &current, mask_size) != 0) continue;
        const auto handler = current.words[0];
        // What a shell or nohup has set to be ignored stays so; SIGPIPE and SIGXFSZ are ignored by libraries such as this one.
        const bool keep = handler == 0 || (handler == 1 && signal != SIGPIPE && signal != SIGXFSZ);
        if (keep) continue;
        raw_action nothing;
        for (auto& word : nothing.words) word = 0;
        ::syscall(SYS_rt_sigaction, signal, &nothing, nullptr, mask_size);
    }
    const unsigned long none = 0;
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, mask_size);
}

LEAT_IN_CHILD int in_child(void* argument) {
    auto& self = *static_cast<birth*>(argument);
    const launch_plan& plan = *self.plan;
    const auto fail = [&](launch_step step) {
        self.failed = errno;
        self.failed_at = step;
        ::_exit(127);
    };
    if (plan.own_session && ::setsid() < 0) fail(launch_step::process);
    if (plan.own_group && !plan.own_session && ::setpgid(0, 0) != 0) fail(launch_step::process);
    if (plan.input >= 0 && ::dup2(plan.input, 0) < 0) fail(launch_step::process);
    if (plan.output >= 0 && ::dup2(plan.output, 1) < 0) fail(launch_step::process);
    if (plan.error >= 0 && ::dup2(plan.error, 2) < 0) fail(launch_step::process);
    if (plan.error_to_output && ::dup2(1, 2) < 0) fail(launch_step::process);
    if (!plan.directory.empty() && ::chdir(plan.directory.c_str()) != 0) fail(launch_step::directory);
#ifdef SYS_close_range
    ::syscall(SYS_close_range, 3u, ~0u, 0u);  // leat's own are close-on-exec in any case
#endif
    reset_signals();
    int worst = ENOENT;
    for (char* const* program = self.programs; *program; ++program) {
        ::execve(*program, self.arguments, self.environment);
        if (errno != ENOENT && errno != ENOTDIR) worst = errno;  // one that is there but may not be run says more
    }
    errno = worst;
    fail(launch_step::program);
    return 127;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    for (auto& each : strings) pointers.push_back(each.data());
    pointers.push_back(nullptr);
    return pointers;
}

bool same_name(std::string_view one, std::string_view other) { return one.substr(0, one.find('=') + 1) == other.substr(0, other.find('=') + 1); }

std::vector<std::string> whole_environment(const launch_plan& plan) {
    std::vector<std::string> all = plan.environment;
    if (!plan.inherits_environment) return all;
    for (char** inherited = environ; inherited && *inherited; ++inherited) {
        bool replaced = false;
        for (const auto& own : plan.environment) replaced |= same_name(own, *inherited);
        if (!replaced) all.emplace_back(*inherited);
    }
    return all;
}

launched launch_or_throw(launch_plan& plan) {
    auto environment = whole_environment(plan);
    const auto programs = pointers_to(plan.programs);
    const auto arguments = pointers_to(plan.arguments);
    const auto variables = pointers_to(environment);
    birth self{.plan = &plan, .programs = programs.data(), .arguments = arguments.data(), .environment = variables.data()};
    launched result;
    void* stack = ::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return {.error = errno};
    // No handler of this process may run in the child, which still has its memory.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    // Waits, in the kernel, until the program runs; the descriptor by which its end is told comes with it, so no end can be missed.
    result.pid = ::clone(&in_child, static_cast<char*>(stack) + stack_size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &self, &result.pidfd);
    const int failed = result.pid < 0 ? errno : self.failed;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::munmap(stack, stack_size);
    if (failed == 0) return result;
    if (result.pid >= 0) {
        while (::waitpid(result.pid, nullptr, __WALL) < 0 && errno == EINTR) {
        }
        ::close(result.pidfd);
    }
    return {.error = failed, .failed_at = self.failed_at};
}

}  // namespace

launched launch(launch_plan& plan) noexcept {
    try {
        return launch_or_throw(plan);
    } catch (...) {
        return {.error = ENOMEM};
    }
}

std::vector<std::string> programs_named(const std::string& name, const std::vector<std::string>& environment, bool inherits_environment) {
    if (name.find('/') != std::string::npos) return {name};
    std::string path{default_path};
    const char* inherited = inherits_environment ? std::getenv("PATH") : nullptr;
    if (inherited) path = inherited;
    for (const auto& each : environment)
        if (each.starts_with("PATH=")) path = each.substr(5);
    std::vector<std::string> found;
    for (std::size_t at = 0; at <= path.size() && !name.empty();) {
        const std::size_t end = std::min(path.find(':', at), path.size());
        std::string directory = path.substr(at, end - at);
        found.push_back(directory.empty() ? "./" + name : directory + "/" + name);
        at = end + 1;
    }
    return found;
}

child_end look_at_child(int pidfd, bool reap) noexcept {
    siginfo_t found{};
    const int how = WEXITED | WNOHANG | (reap ? 0 : WNOWAIT);
    while (::waitid(static_cast<idtype_t>(pidfd_kind), static_cast<id_t>(pidfd), &found, how) != 0)
        if (errno != EINTR) return {.ended = true, .error = errno};
    if (found.si_pid == 0) return {};
    child_end end{.ended = true};
    if (found.si_code == CLD_EXITED) {
        end.code = found.si_status;
    } else {
        end.signal = found.si_status;
        end.dumped_core = found.si_code == CLD_DUMPED;
    }
    return end;
}

int signal_child(int pidfd, int signal) noexcept {
    if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 || errno == ESRCH) return 0;
    return -errno;
}

int signal_group(int leader, int signal) noexcept {
    if (::kill(-leader, signal) == 0 || errno == ESRCH) return 0;
    return -errno;
}

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name ? std::string{"SIG"} + name : "signal " + std::to_string(signal);
}

int open_null() noexcept {
    const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return -errno;
    if (fd > 2) return fd;
    const int above = copy_above_standard(fd);
    ::close(fd);
    return above;
}

int copy_above_standard(int fd) noexcept {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? -errno : copy;
}

int flags_to_redirect(char mode) noexcept {
    const int how = mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (mode == 'a' ? O_APPEND : O_TRUNC);
    return how | O_CLOEXEC | O_NOCTTY;
}

}  // namespace leat::detail
