#pragma once
#include <cstddef>
#include <string_view>

#include "leat/download/download.hpp"
#include "progress/view.hpp"
#include "terminal/output.hpp"

namespace tool {

/// Shows how a job goes: bars on standard error where that is a terminal, and a line for each file that has ended on standard output
/// where that is not one, or where bars are not wanted.
class display {
public:
    struct wishes {
        bool quiet = false;
        bool bars = true;
    };
    explicit display(wishes asked) noexcept;
    /// Leaves no bar behind.
    ~display();

    /// @param more may there be more files than are known?
    void progress(const leat::download_progress& now, bool more = false);
    void ended(const leat::file_report& file);
    /// The job is over: the bars make room for a summary.
    void finish(const leat::download_report& report);

    /// A text on standard output, beside lines.
    void print(std::string_view text) { out_.write(text); }
    /// A line on standard error, above the bars.
    void complain(std::string_view what);
    /// Standard output is somebody else's: no line for each file goes there.
    void no_lines() noexcept { lines_ = false; }

    /// The job ends before its time: the bars go.
    void interrupt() { erase(); }

    /// Everything is written then, as `output` says.
    leat::task<> drain();
    leat::task<> drain_briefly();

    /// Standard output, for what has become of it.
    const output& out() const noexcept { return out_; }
    /// How many files have arrived.
    std::size_t succeeded() const noexcept { return succeeded_; }

private:
    void erase();

    bool bars_;
    bool lines_;
    bool drawn_ = false;
    std::size_t succeeded_ = 0;
    output out_;
    output& err_;  // of all
    progress_follower follower_;
};

}  // namespace tool
