#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "leat/io/bytes.hpp"
#include "leat/io/duration.hpp"
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"
#include "leat/process/arguments.hpp"
#include "leat/process/stdio.hpp"
#include "leat/task/task.hpp"

namespace leat {

namespace detail {
class child_process;
}

/// How a process ended: by itself with a code, or by a signal.
struct exit_status {
    int code = 0;              ///< what it returned, 0 to 255
    int signal = 0;            ///< 0 unless one killed it; then `code` says nothing
    bool dumped_core = false;  ///< whether it left a core dump

    /// Did it end by itself, with 0?
    bool success() const noexcept { return code == 0 && signal == 0; }
    /// The same.
    explicit operator bool() const noexcept { return success(); }
    /// As Python's returncode: the code, or the signal's number with a minus.
    int return_code() const noexcept { return signal != 0 ? -signal : code; }
    /// "exited with 3", "killed by SIGKILL".
    std::string to_string() const;
    /// The same end.
    friend bool operator==(const exit_status&, const exit_status&) = default;
};

/// Which processes a signal from the terminal, and the end of the scope, are for.
enum class process_group : std::uint8_t {
    own,      ///< it leads one: whatever it starts ends with it. A Ctrl-C in the terminal is not for it, and it may not read from the terminal
    session,  ///< the same, in a session without a terminal (start_new_session)
    inherit,  ///< that of this program, for interactive ones: then only the process itself ends with its scope
};

/// A variable for a child.
struct environment_variable {
    std::string_view name;   ///< without a '='
    std::string_view value;  ///< anything but a NUL
};

/// How a program is started. Trivial, so that it may be written inside any expression; what the views point at must live until the end of that expression.
struct spawn_options {
    stdio standard_input = stdio::inherit;   ///< descriptor 0
    stdio standard_output = stdio::inherit;  ///< descriptor 1
    stdio standard_error = stdio::inherit;   ///< descriptor 2
    /// Empty: this program's own.
    std::string_view working_directory = {};
    /// Set besides what this program has in its environment, or, without `inherit_environment`, all there is.
    std::span<const environment_variable> environment = {};
    /// Start from this program's environment.
    bool inherit_environment = true;
    /// Whom signals are for.
    process_group group = process_group::own;
    /// Kill the process, and its group if it leads one, when its object dies. Off: it runs on.
    bool kill_on_drop = true;
    /// Of the readers: the longest line, and how much is kept while nobody reads.
    bytes limit = {64 * 1024};
};

/// What a process has written.
struct process_output {
    std::string output;        ///< of its standard output, if that is a pipe
    std::string error_output;  ///< of its standard error, if that is a pipe
};

/// A running program (asyncio.subprocess.Process). Moves, and is not copied.
///
/// When the object dies, also by an exception or a time-out, the process is killed with all that it has started, as far as that has not left its
/// group; the loop sees to the rest. What is still in a pipe then is lost. The process's number stays its own until then, so that no signal
/// can hit a stranger; one that has ended is a zombie as long as its object lives. No handler for SIGCHLD is used, nor disturbed.
/// Threads: the loop's own.
class process {
public:
    process() noexcept = default;
    process(process&&) noexcept;
    process& operator=(process&&) noexcept;
    ~process();

    /// The streams of those that are `stdio::pipe`; std::logic_error for others. They may be moved away, and live as long as they like.
    stream_writer& standard_input() const;
    /// The same for what it writes.
    stream_reader& standard_output() const;
    /// The same for its errors.
    stream_reader& standard_error() const;

    /// The process's number; -1 for an object without one.
    int id() const noexcept;
    /// How it ended; nullopt while it runs. Never waits.
    std::optional<exit_status> status() const;

    /// Completes when: the process has ended, which is noticed even while nobody waits. Any number of tasks may wait, any number of times. It does
    /// not read: a process whose piped output nobody reads may never end; see `communicate`. May outlive the object.
    /// @return `exit_status`. Errors: `leat::error` (ECHILD) if something else in this program has reaped it: waitpid(-1), or SIGCHLD set to be ignored.
    /// Cancellation: nothing is lost, call again. Allocates: a frame. Source: asyncio Process.wait.
    task<exit_status> wait() const;

    /// Writes `input` to its standard input and closes that, reads its output and its errors to their ends, all at once, and waits for its end.
    /// For those that are pipes. Completes when: it has ended and its outputs are read. `input` must live until the await returns; a process that does not want all of it is no error.
    /// Limits: `limit` for each of the two outputs; more is a `limit_error`. Cancellation: what was read is lost; the process goes on.
    /// @return `process_output`; `status()` is known then. Errors: those of the streams. Source: asyncio Process.communicate.
    task<process_output> communicate(std::string_view input = {}, bytes limit = {16 * 1024 * 1024});

    /// SIGTERM, SIGKILL or another to the process alone; nothing happens if it has ended. Errors: `leat::error` (EPERM for a setuid program, EINVAL).
    /// Never wait. Source: asyncio Process.terminate, kill, send_signal.
    void terminate();
    /// SIGKILL, likewise.
    void kill();
    /// Any other, likewise.
    void send_signal(int number);
    /// The same to all of its group, also after its own end; to the process alone if it does not lead one.
    void signal_group(int number);

    /// Is it a process's object? Not when it was moved from, or made without one.
    explicit operator bool() const noexcept { return child_ != nullptr; }

private:
    friend struct process_access;
    explicit process(std::shared_ptr<detail::child_process> child) noexcept;
    detail::child_process& started() const;
    std::shared_ptr<detail::child_process> child_;
};

/// Starts a program; it is looked for in PATH unless it has a '/'. The child has descriptors 0, 1 and 2 and no others, no signal blocked and none
/// handled.
/// Completes when: the program runs. Errors: `leat::error` "spawn NAME: …" if it is not found (ENOENT) or may not be run (EACCES), "spawn NAME in DIRECTORY: …",
/// EMFILE; "open PATH: …" for a file. Nothing stays behind then. Cancellation: nothing stays behind, a process that has begun is killed.
/// Threads: one of the pool makes the child, so that the loop does not wait. Allocates: the object, the streams.
/// Source: asyncio.create_subprocess_exec.
task<process> spawn_process(arguments program, spawn_options options = {});

/// The same for a command line of /bin/sh. Quote what comes from elsewhere, or better, use `spawn_process`.
/// Completes when: the shell runs. Errors: as `spawn_process`, about /bin/sh; what the shell does not find is its exit status 127. Cancellation: as `spawn_process`. Source: asyncio.create_subprocess_shell.
task<process> spawn_shell(std::string_view command_line, spawn_options options = {});

/// What `run_process` returns.
struct completed_process {
    exit_status status;        ///< how it ended
    std::string output;        ///< what it wrote, as far as that was kept
    std::string error_output;  ///< its errors, likewise
};

/// With `check`: the process did not succeed (subprocess.CalledProcessError).
class process_error : public std::runtime_error {
public:
    /// Of a program that has ended.
    process_error(std::string_view program, completed_process completed);
    /// How it ended and what it wrote.
    const completed_process& completed() const noexcept { return completed_; }
    /// How it ended.
    const exit_status& status() const noexcept { return completed_.status; }

private:
    completed_process completed_;
};

/// How `run_process` runs a program. Trivial, as spawn_options. Input is a pipe if there is any, else /dev/null; both outputs are kept unless they go elsewhere.
struct run_process_options {
    /// Written to its standard input, which is then closed.
    std::string_view input = {};
    /// Throw `process_error` unless it succeeds.
    bool check = false;
    /// Zero: none. After it the process is killed with its group.
    duration timeout = {};
    /// How much of each output is kept; more is a `limit_error`.
    bytes limit = {16 * 1024 * 1024};
    /// Where its output goes; a pipe: it is kept.
    stdio standard_output = stdio::pipe;
    /// Where its errors go; a pipe: they are kept.
    stdio standard_error = stdio::pipe;
    /// As in spawn_options.
    std::string_view working_directory = {};
    /// As in spawn_options.
    std::span<const environment_variable> environment = {};
    /// As in spawn_options.
    bool inherit_environment = true;
};

/// Runs a program to its end: `auto [status, output, errors] = co_await leat::run_process({"git", "status"});`
/// Completes when: it has ended and its outputs are read. `input` must live until then. Errors: those of `spawn_process` and `communicate`; `process_error` with
/// `check`, `timeout_error`. Cancellation: the process is killed with its group. Source: subprocess.run.
task<completed_process> run_process(arguments program, run_process_options options = {});

}  // namespace leat
