#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "leat/download/download.hpp"
#include "leat/io/duration.hpp"
#include "terminal/output.hpp"

namespace tool {

/// What happens to the files of a run, as JSON lines for another program: docs/guide/leat-get.md has the form. A reader that is slow holds nothing up; as long as it
/// is behind, progress is left out, and nothing else.
class event_log {
public:
    /// @param where "-", the number of an open descriptor, or the name of a file, which is made or cut. Throws leat::error if it cannot be.
    explicit event_log(const std::string& where);
    ~event_log();
    event_log(const event_log&) = delete;
    event_log& operator=(const event_log&) = delete;

    void happened(const leat::download_event& event);
    /// How a file ended, beside the event that says that it did.
    void ended(const leat::file_report& file);
    /// Once a second for each file that gets on, and for all of them.
    void progress(const leat::download_progress& now);
    /// The last line.
    void summary(const leat::download_report& report, int status);
    /// The descriptor, to wait until everything is written.
    output& out() noexcept { return *out_; }

    /// Is it standard output that it writes to?
    bool on_standard_output() const noexcept { return fd_ == 1; }

private:
    struct line;
    line begin(const char* event);
    void write(const line& text);
    void pair_ends();

    struct end {
        std::size_t index = 0;
        std::string name;
        unsigned attempt = 1;
    };
    struct shown {
        std::uint64_t received = 0;
        leat::time_point at{};
    };

    int fd_ = -1;
    bool owned_ = false;
    std::unique_ptr<output> out_;
    leat::time_point began_;
    double began_wall_ = 0;  // seconds since 1970
    leat::time_point last_progress_{};
    std::deque<end> ends_;                  // that wait for their report
    std::deque<leat::file_report> reports_;  // that wait for their event
    std::map<std::size_t, shown> shown_;
};

}  // namespace tool
