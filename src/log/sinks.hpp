#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "leat/log/log.hpp"

namespace leat::log {

/// log::options with its views turned into copies and its open questions answered.
struct settings {
    explicit settings(const options& chosen = {});

    bool console;
    bool coloured;
    std::string pattern;
    std::string file;
    std::size_t file_limit;
    unsigned files_kept;
    std::size_t queue_limit;
    std::chrono::milliseconds exit_wait;
};

/// Fails as the sink would, but in the caller's face and without waiting for anybody: a FIFO without a reader passes.
/// Throws std::system_error.
void check_writable(const std::string& file);

/// Where lines end up. Used by the writing thread only, since each of these calls may block for as long as it likes.
class sinks {
public:
    explicit sinks(const settings& chosen);
    ~sinks();
    sinks(const sinks&) = delete;
    sinks& operator=(const sinks&) = delete;

    /// Writes one line. A sink that fails is reported on standard error, once until it works again.
    void write(level at, std::chrono::system_clock::time_point when, std::string_view text) noexcept;
    void flush() noexcept;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace leat::log
