#include "progress/bars.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "terminal/units.hpp"
#include "terminal/width.hpp"

namespace tool {
namespace {

constexpr std::size_t percent_columns = 4;  // "100%"
constexpr std::size_t size_columns = 7;     // "45.6 MB"
constexpr std::size_t rate_columns = 9;
constexpr std::size_t gap = 2;
constexpr std::size_t least_name = 12;

std::string right(std::string_view text, std::size_t columns) {
    const std::size_t used = columns_of(text);
    return std::string(columns > used ? columns - used : 0, ' ').append(text);
}

std::string bar(double done, std::size_t columns, bool unicode) {
    const auto full = static_cast<std::size_t>(std::clamp(done, 0.0, 1.0) * static_cast<double>(columns) + 1e-9);
    std::string text;
    for (std::size_t i = 0; i < columns; ++i) text += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : "-");
    return text;
}

double fraction(const file_view& file) {
    if (!file.size) return 0;
    if (*file.size == 0) return 1;
    return static_cast<double>(std::min(file.received, *file.size)) / static_cast<double>(*file.size);
}

/// Rounded down: 100% means all of it.
std::string percent(double done) { return fmt::format("{}%", static_cast<int>(std::clamp(done, 0.0, 1.0) * 100 + 1e-9)); }

/// What there is room for beside a name of `least_name` columns, the most telling first.
struct columns_plan {
    bool percent = false, rate = false, size = false;
    std::size_t bar = 0;
    std::size_t name = 0;
};

columns_plan plan_for(std::size_t width) {
    columns_plan plan;
    std::size_t used = std::min(width, least_name);
    auto fits = [&](std::size_t columns) {
        if (used + gap + columns > width) return false;
        used += gap + columns;
        return true;
    };
    plan.percent = fits(percent_columns);
    plan.rate = plan.percent && fits(rate_columns);
    plan.size = plan.rate && fits(size_columns);
    if (plan.size && fits(10)) plan.bar = 10;
    // Of what is left, a third goes to the bar and the rest to the name.
    std::size_t left = width - used;
    if (plan.bar > 0) {
        const std::size_t wider = std::min<std::size_t>(left / 3, 20);
        plan.bar += wider;
        left -= wider;
    }
    plan.name = std::min(width, least_name) + left;
    return plan;
}

/// What is unusual about a file, behind its name.
std::string mark_of(const file_view& file, bool unicode) {
    std::string mark;
    if (file.attempt > 1) mark = fmt::format(" (try {})", file.attempt);
    if (file.state == leat::file_state::paused) mark = " (paused)";
    if (file.state == leat::file_state::verifying) mark = " (verifying)";
    if (file.state == leat::file_state::waiting && file.attempt > 1) mark = fmt::format(" (waits, try {})", file.attempt);
    if (file.connections > 1 && file.state == leat::file_state::transferring) mark += fmt::format(" {}{}", unicode ? "×" : "x", file.connections);
    return mark;
}

std::string file_line(const file_view& file, const columns_plan& plan, bool unicode) {
    const std::string again = mark_of(file, unicode);
    const std::size_t taken = columns_of(again);
    std::string line;
    if (again.empty() || plan.name < taken + 4)
        line = fit_to(file.name, plan.name, unicode);
    else
        line = fit_to(cut_to(file.name, plan.name - taken, unicode) + again, plan.name, unicode);
    const std::string space(gap, ' ');
    if (plan.bar > 0) line += space + bar(fraction(file), plan.bar, unicode);
    if (plan.percent) line += space + right(file.size ? percent(fraction(file)) : "", percent_columns);
    if (plan.size) line += space + right(size_text(file.received), size_columns);
    if (plan.rate) line += space + right(rate_text(file.bytes_per_second), rate_columns);
    return line;
}

std::string total_line(const job_view& job, std::size_t hidden, std::size_t width, bool unicode) {
    std::string line = fmt::format("{}/{}{} files", job.succeeded + job.failed, job.files, job.more ? "+" : "");
    // The most telling first; what does not fit is left out.
    auto add = [&](const std::string& text) {
        if (columns_of(line) + gap + columns_of(text) <= width) line.append(gap, ' ').append(text);
    };
    if (job.failed > 0) add(fmt::format("{} failed", job.failed));
    add(rate_text(job.bytes_per_second));
    add("ETA " + (job.remaining ? clock_text(*job.remaining) : std::string{"--:--"}));
    add(size_text(job.received));
    if (hidden > 0) add(fmt::format("+{} more", hidden));
    const std::size_t used = columns_of(line);
    if (used + gap + percent_columns + 1 + 10 <= width) {
        const std::size_t room = std::min<std::size_t>(width - used - gap - percent_columns - 1, 30);
        line += std::string(gap, ' ') + bar(job.done, room, unicode) + " " + percent(job.done);
    }
    return cut_to(line, width, unicode);
}

}  // namespace

std::vector<std::string> bar_lines(const job_view& job, const screen& on) {
    const std::size_t width = std::max<std::size_t>(on.columns, 2) - 1;
    const std::size_t most = std::max<std::size_t>(on.rows, 2) - 1;  // lines, the total included
    const std::size_t shown = std::min(job.running.size(), most - 1);
    const columns_plan plan = plan_for(width);
    std::vector<std::string> lines;
    lines.reserve(shown + 1);
    for (std::size_t i = 0; i < shown; ++i) lines.push_back(file_line(job.running[i], plan, on.unicode));
    lines.push_back(total_line(job, job.running.size() - shown, width, on.unicode));
    return lines;
}

std::string drawn(const std::vector<std::string>& lines) {
    std::string text = "\r";
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) text += "\r\n";
        text.append(lines[i]).append("\x1b[K");
    }
    text += "\x1b[J\r";
    if (lines.size() > 1) text += fmt::format("\x1b[{}A", lines.size() - 1);
    return text;
}

std::string erased() { return "\r\x1b[J"; }

std::string summary_line(const leat::download_report& report) {
    const double seconds = std::chrono::duration<double>(report.elapsed).count();
    std::string line = fmt::format("{} file{}, {} in {}", report.succeeded, report.succeeded == 1 ? "" : "s", size_text(report.bytes),
                                   elapsed_text(report.elapsed));
    if (seconds > 0.001) line += ", " + rate_text(static_cast<double>(report.bytes) / seconds);
    if (report.failed > 0) line += fmt::format("; {} failed", report.failed);
    return line;
}

}  // namespace tool
