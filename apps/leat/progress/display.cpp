#include "progress/display.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "get/shown.hpp"
#include "leat/log/printable.hpp"
#include "progress/bars.hpp"
#include "terminal/terminal.hpp"
#include "terminal/units.hpp"

namespace tool {

display::display(wishes asked) noexcept
    : bars_(asked.bars && !asked.quiet && can_redraw(STDERR_FILENO)),
      lines_(!asked.quiet && (!bars_ || !is_terminal(STDOUT_FILENO))),
      out_(STDOUT_FILENO),
      err_(standard_error()) {}

display::~display() { erase(); }

void display::erase() {
    if (!drawn_) return;
    drawn_ = false;
    err_.write(erased());
}

void display::progress(const leat::download_progress& now, bool more) {
    out_.flush();
    err_.flush();
    if (!bars_ || now.last) return;
    const job_view view = follower_.follow(now, more);
    // A terminal that is behind gets no more than it can take.
    if (!err_.idle()) return;
    err_.write(drawn(bar_lines(view, screen_of(STDERR_FILENO))));
    drawn_ = true;
}

void display::ended(const leat::file_report& file) {
    if (file.ok()) ++succeeded_;
    if (!lines_) return;
    if (file.ok() && file.skipped)
        out_.write(fmt::format("skipped {}\n", leat::printable(file.target.string())));
    else if (file.ok())
        out_.write(fmt::format("saved {} ({}, {})\n", leat::printable(file.target.string()), size_text(file.bytes), elapsed_text(file.elapsed)));
    else
        out_.write(fmt::format("failed {}: {}\n", leat::printable(without_password(file.url)), leat::printable(error_of(file))));
}

void display::complain(std::string_view what) {
    erase();
    tool::complain("get", what);
}

leat::task<> display::drain() {
    co_await out_.drain();
    co_await err_.drain();
}

leat::task<> display::drain_briefly() {
    co_await out_.drain_briefly();
    co_await err_.drain_briefly();
}

void display::finish(const leat::download_report& report) {
    erase();
    if (bars_) err_.write(summary_line(report) + "\n");
}

}  // namespace tool
