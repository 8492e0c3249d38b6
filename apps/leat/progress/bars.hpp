#pragma once
#include <string>
#include <vector>

#include "leat/download/download.hpp"
#include "progress/view.hpp"
#include "terminal/terminal.hpp"

namespace tool {

/// The progress of a job as lines of text: one for each running file, oldest first, as far as they fit, and one for all of them.
/// Each is narrower than the screen by at least a column (a full line would wrap), and there are fewer of them than it has rows. Free
/// of control sequences. A pure function.
std::vector<std::string> bar_lines(const job_view& job, const screen& on);

/// What to print so that these lines replace those drawn before. The cursor is left at the start of the first one: whatever a window
/// that changes its width does to the lines below, the next drawing begins at the right place, and a message logged meanwhile pushes
/// the lines down.
std::string drawn(const std::vector<std::string>& lines);
/// What to print so that nothing is left of them.
std::string erased();

/// The last line: "300 files, 45.2 MB in 3.1 s, 14.6 MB/s; 2 failed".
std::string summary_line(const leat::download_report& report);

}  // namespace tool
