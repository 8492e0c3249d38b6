#include "log/sinks.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>

#include "log/escape.hpp"

namespace leat::log {
namespace {

constexpr const char* file_pattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

bool choose_colour(colour wanted) {
    if (wanted != colour::automatic) return wanted == colour::always;
    return isatty(STDERR_FILENO) == 1 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

/// Whether renaming it makes sense.
bool is_regular(const std::string& file) {
    struct stat status {};
    return stat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

/// Standard error may be shared with a program that made it non-blocking; waiting is this thread's business.
void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(descriptor, text.data(), text.size());
        if (count >= 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            pollfd ready{descriptor, POLLOUT, 0};
            ::poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "write");
        }
    }
}

/// spdlog's own console sink goes through stdio, and would hold stderr's lock while a terminal stalls: everybody else
/// who prints an error would then stall with it.
class console_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit console_sink(bool coloured) : coloured_(coloured) {}

private:
    static std::string_view colour_of(spdlog::level::level_enum at) {
        switch (at) {
            case spdlog::level::trace:
            case spdlog::level::debug: return "\033[2m";
            case spdlog::level::info: return "\033[32m";
            case spdlog::level::warn: return "\033[33m";
            case spdlog::level::err: return "\033[31m";
            default: return "\033[1;31m";
        }
    }

    void sink_it_(const spdlog::details::log_msg& line) override {
        spdlog::memory_buf_t plain;
        formatter_->format(line, plain);
        const std::string_view text{plain.data(), plain.size()};
        if (!coloured_ || line.color_range_end <= line.color_range_start) return write_all(STDERR_FILENO, text);
        std::string painted{text.substr(0, line.color_range_start)};
        painted.append(colour_of(line.level));
        painted.append(text.substr(line.color_range_start, line.color_range_end - line.color_range_start));
        painted.append("\033[0m").append(text.substr(line.color_range_end));
        write_all(STDERR_FILENO, painted);
    }
    void flush_() override {}

    bool coloured_;
};

std::unique_ptr<spdlog::sinks::sink> open_file(const settings& chosen) {
    spdlog::file_event_handlers on;
    on.after_open = [](const spdlog::filename_t&, std::FILE* opened) {  // no child process inherits it
        ::fcntl(::fileno(opened), F_SETFD, FD_CLOEXEC);
    };
    std::unique_ptr<spdlog::sinks::sink> sink;
    if (chosen.file_limit != 0 && is_regular(chosen.file)) {
        sink = std::make_unique<spdlog::sinks::rotating_file_sink_st>(chosen.file, chosen.file_limit, chosen.files_kept,
                                                                      false, on);
    } else {
        sink = std::make_unique<spdlog::sinks::basic_file_sink_st>(chosen.file, false, on);
    }
    sink->set_pattern(file_pattern);
    return sink;
}

spdlog::level::level_enum spdlog_level(level at) { return static_cast<spdlog::level::level_enum>(at); }
static_assert(static_cast<int>(level::trace) == SPDLOG_LEVEL_TRACE);
static_assert(static_cast<int>(level::off) == SPDLOG_LEVEL_OFF);

}  // namespace

settings::settings(const options& chosen)
    : console(chosen.console),
      coloured(choose_colour(chosen.colour)),
      pattern(chosen.pattern),
      file(chosen.file.empty() ? environment("LEAT_LOG_FILE") : std::string{chosen.file}),
      file_limit(chosen.file_limit.count),
      files_kept(chosen.files_kept),
      queue_limit(chosen.queue.count),
      exit_wait(chosen.exit_wait) {}

void check_writable(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0666);
    if (descriptor >= 0) {
        ::close(descriptor);
    } else if (errno != ENXIO) {
        throw std::system_error(errno, std::generic_category(), "open log file " + file);
    }
}

struct sinks::parts {
    std::unique_ptr<spdlog::sinks::sink> console;
    std::unique_ptr<spdlog::sinks::sink> file;
    std::string file_name;
    std::string line;            ///< the escaped text, kept for its capacity
    bool file_failing = false;

    /// The console may be the very thing that fails; then there is nobody left to tell.
    void report(const std::exception& error) noexcept {
        try {
            std::string text = "log file ";
            append_escaped(text, file_name);
            append_escaped(text.append(": "), error.what());
            write_all(STDERR_FILENO, text += '\n');
        } catch (...) {
        }
    }

    template <class F>
    void on_file(F action) noexcept {
        if (!file) return;
        try {
            action(*file);
            file_failing = false;
        } catch (const std::exception& error) {
            if (!std::exchange(file_failing, true)) report(error);
        }
    }
};

sinks::sinks(const settings& chosen) : parts_(std::make_unique<parts>()) {
    parts_->file_name = chosen.file;
    if (chosen.console) {
        parts_->console = std::make_unique<console_sink>(chosen.coloured);
        parts_->console->set_pattern(chosen.pattern);
    }
    if (chosen.file.empty()) return;
    try {
        parts_->file = open_file(chosen);
    } catch (const std::exception& error) {
        parts_->report(error);
    }
}

sinks::~sinks() = default;

void sinks::write(level at, std::chrono::system_clock::time_point when, std::string_view text) noexcept {
    spdlog::details::log_msg line;
    try {
        parts_->line.clear();
        append_escaped(parts_->line, text);
        line = {when, spdlog::source_loc{}, spdlog::string_view_t{}, spdlog_level(at),
                spdlog::string_view_t{parts_->line.data(), parts_->line.size()}};
    } catch (...) {  // no memory for the line: nothing better to do than to go on
        return;
    }
    if (parts_->console) {
        try {
            parts_->console->log(line);
        } catch (...) {  // standard error is closed, or its reader is gone
        }
    }
    parts_->on_file([&](auto& file) { file.log(line); });
}

void sinks::flush() noexcept {
    parts_->on_file([](auto& file) { file.flush(); });
}

}  // namespace leat::log
