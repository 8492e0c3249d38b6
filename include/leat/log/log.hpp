#pragma once
#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "leat/io/bytes.hpp"

/// Logging that an event loop can afford.
///
///     leat::log::setup({.level = leat::log::level::debug, .file = "service.log"});   // optional
///     leat::log::info("server started on {}", server.address());
///
/// A message is formatted in the calling thread and appended to a bounded queue in memory; a thread of its own, started
/// by the first message, writes it out. So the caller never waits for a terminal, a disk or a pipe that nobody reads:
/// when the queue is full, messages are dropped and counted, and the count is written once there is room again ("17
/// messages dropped"). What is still queued at the end of the program is written then, within a bound.
///
/// Without setup(), messages from level info upwards go to standard error. The environment decides where the program
/// does not: `LEAT_LOG` (a level) and `LEAT_LOG_FILE` (a path).
///
/// Format strings are {fmt}'s and are checked by the compiler. Text may come from outside: control characters (C0, DEL and
/// C1, except tab), characters that reorder the line and bytes that are not UTF-8 are written as escapes (`\n`, `\x1b`,
/// `\u009b`), so that a server's message can neither forge a line nor reach the terminal. One message is one line.
///
/// All functions may be called from any thread, and none of them throws unless it says so.
namespace leat::log {

/// How much a message matters, and, as a threshold, how much it must. `off` as a threshold lets nothing through.
enum class level : std::uint8_t { trace, debug, info, warn, error, critical, off };

/// Whether the console's lines are coloured by level. `automatic`: if standard error is a terminal that is not dumb, and
/// `NO_COLOR` is not set.
enum class colour : std::uint8_t { automatic, always, never };

/// What setup() takes. A field that is left alone has the default given here.
struct options {
    /// The least level that is logged. Default: `LEAT_LOG` from the environment, else info.
    std::optional<log::level> level = std::nullopt;
    /// Whether lines go to standard error.
    bool console = true;
    /// Whether those are coloured.
    log::colour colour = log::colour::automatic;
    /// How a line on the console looks, in spdlog's pattern language; the default is 'HH:MM:SS.mmm level message'.
    std::string_view pattern = "%H:%M:%S.%e %^%l%$ %v";
    /// A file that lines are appended to as well, with the date and the zone in front. Default: `LEAT_LOG_FILE` from
    /// the environment, else none.
    std::string_view file = {};
    /// A file that would grow beyond this is renamed (`service.log` to `service.1.log`, that to `service.2.log` …) and
    /// begun anew; 0: never. Devices and FIFOs are never renamed.
    leat::bytes file_limit{10 << 20};
    /// How many renamed files are kept besides the current one.
    unsigned files_kept = 4;
    /// How much may wait to be written before messages are dropped. While a sink stalls, at most twice this is held.
    leat::bytes queue{1 << 20};
    /// How long the end of the program, and the next setup(), wait for what is queued.
    std::chrono::milliseconds exit_wait{500};
};

/// Chooses where messages go, and from which level on. May be called again: what was logged before goes where it was
/// bound to go (waiting for it at most the former `exit_wait`), later messages go the new way.
/// Throws: std::system_error if the file cannot be opened for writing. Blocks for that open: call it before the loop
/// runs. Starts no thread. Allocates: a copy of what it keeps.
void setup(const options& chosen = {});

namespace detail {
inline constinit std::atomic<level> threshold{level::info};
void write(level at, fmt::string_view text, fmt::format_args values) noexcept;
}  // namespace detail

/// Whether a message of this level would be logged: for work that only a message needs. Cost: one relaxed load.
inline bool enabled(level at) noexcept {
    return at >= detail::threshold.load(std::memory_order_relaxed) && at != level::off;
}

/// Changes the threshold from now on, and nothing else.
inline void set_level(level least) noexcept { detail::threshold.store(least, std::memory_order_relaxed); }

/// The threshold in force.
inline level current_level() noexcept { return detail::threshold.load(std::memory_order_relaxed); }

/// The level of that name ("trace", "debug", "info", "warn" or "warning", "error", "critical", "off"), in either case.
std::optional<level> parse_level(std::string_view name) noexcept;

/// The name of a level, as parse_level() takes it.
std::string_view to_string(level of) noexcept;

/// Logs one message at a level chosen at run time.
///
/// Cost when the level is disabled: the load and a branch; the arguments are evaluated, not formatted. When enabled:
/// formatting, a clock read, a short lock and a copy into the queue, and a wake-up if the writing thread is asleep.
/// Messages longer than 16 KiB are cut, and say so.
/// Allocates: only for messages over 500 bytes and while the queue grows to its bound. Blocks: never for a sink.
/// Errors: a formatter that throws is reported in the message's place.
template <class... T>
void message(level at, fmt::format_string<T...> text, T&&... values) noexcept {
    if (enabled(at)) detail::write(at, text, fmt::make_format_args(values...));
}

/// Step by step, for following one program through one problem. Like message().
template <class... T>
void trace(fmt::format_string<T...> text, T&&... values) noexcept {
    if (enabled(level::trace)) detail::write(level::trace, text, fmt::make_format_args(values...));
}

/// For whoever works on the program: what was chosen and why. Like message().
template <class... T>
void debug(fmt::format_string<T...> text, T&&... values) noexcept {
    if (enabled(level::debug)) detail::write(level::debug, text, fmt::make_format_args(values...));
}

/// For whoever runs it: it began, it ended, it listens there. Like message().
template <class... T>
void info(fmt::format_string<T...> text, T&&... values) noexcept {
    if (enabled(level::info)) detail::write(level::info, text, fmt::make_format_args(values...));
}

/// Something is not as it should be, and the work goes on. Like message().
template <class... T>
void warn(fmt::format_string<T...> text, T&&... values) noexcept {
    if (enabled(level::warn)) detail::write(level::warn, text, fmt::make_format_args(values...));
}

/// A piece of work failed. Like message().
template <class... T>
void error(fmt::format_string<T...> text, T&&... values) noexcept {
    if (enabled(level::error)) detail::write(level::error, text, fmt::make_format_args(values...));
}

/// The program cannot go on. Like message().
template <class... T>
void critical(fmt::format_string<T...> text, T&&... values) noexcept {
    if (enabled(level::critical)) detail::write(level::critical, text, fmt::make_format_args(values...));
}

/// Waits until everything logged before this call has been written, or the time is over; true if it was written.
/// Blocks: up to `wait`, so a loop should not call it except at its end. At exit it happens by itself.
bool flush(std::chrono::milliseconds wait) noexcept;

/// How many messages have been dropped since the program started, because the queue was full. Cost: one load.
std::uint64_t dropped() noexcept;

}  // namespace leat::log
