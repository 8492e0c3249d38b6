#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leat::detail {

/// What a new process is to be. Everything is made before the child exists: between its birth and its program it shares this process's memory.
struct launch_plan {
    std::vector<std::string> programs;   // paths to try, in order
    std::vector<std::string> arguments;  // with the program's name first
    std::vector<std::string> environment;
    bool inherits_environment = true;    // then `environment` is what is set besides
    std::string directory;               // empty: this process's own
    // Descriptors to become 0, 1 and 2. -1: whatever the parent has there.
    int input = -1;
    int output = -1;
    int error = -1;
    bool error_to_output = false;
    bool own_group = true;
    bool own_session = false;
};

enum class launch_step : std::uint8_t { process, directory, program };

struct launched {
    int pid = -1;
    int pidfd = -1;
    int error = 0;                       // an errno value; then there is no process
    launch_step failed_at = launch_step::process;
};

/// Starts it, and returns when the program runs or has failed to. Blocks that long: for a thread of the pool. Its signals are as in a program that a
/// shell starts: none blocked, none handled, SIGPIPE not ignored; and it has no descriptors but 0, 1 and 2.
launched launch(launch_plan& plan) noexcept;

/// Where PATH says that a program may be; itself alone if it has a '/'. The PATH of the child's environment, if that sets one.
std::vector<std::string> programs_named(const std::string& name, const std::vector<std::string>& environment, bool inherits_environment);

struct child_end {
    bool ended = false;
    int error = 0;   // ECHILD: somebody else has reaped it, and how it ended is lost
    int code = 0;
    int signal = 0;  // 0 unless one killed it
    bool dumped_core = false;
};
/// How it ended, if it has; never waits. `reap`: from now on its number may be used for another.
child_end look_at_child(int pidfd, bool reap) noexcept;

/// 0, or -errno. Harmless where it has ended.
int signal_child(int pidfd, int signal) noexcept;
/// To all of the group that this child leads; only before it is reaped.
int signal_group(int leader, int signal) noexcept;
/// "SIGKILL", "signal 40".
std::string signal_name(int signal);

/// /dev/null for reading and writing; a descriptor above 2, or -errno.
int open_null() noexcept;
/// A copy of a descriptor above 2, close-on-exec, or -errno.
int copy_above_standard(int fd) noexcept;
/// For open(2): 'r', 'w' or 'a'.
int flags_to_redirect(char mode) noexcept;

}  // namespace leat::detail
