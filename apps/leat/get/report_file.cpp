#include "get/report_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "get/json_text.hpp"
#include "get/shown.hpp"
#include "leat/log/printable.hpp"
#include "terminal/units.hpp"
#include "terminal/width.hpp"

namespace tool {
namespace {

using json = nlohmann::ordered_json;

double rate(std::uint64_t bytes, leat::duration time) {
    const double seconds = std::chrono::duration<double>(time).count();
    return seconds > 0.001 ? static_cast<double>(bytes) / seconds : 0;
}

std::uint64_t fetched(const leat::file_report& file) { return file.skipped ? 0 : file.bytes - std::min(file.bytes, file.resumed); }

std::string padded_left(const std::string& text, std::size_t columns) {
    const std::size_t used = columns_of(text);
    return std::string(columns > used ? columns - used : 0, ' ') + text;
}

}  // namespace

std::string report_text(const leat::download_report& report, int status, bool interrupted, const std::string& error) {
    json files = json::array();
    for (const leat::file_report& file : report.files) {
        json each;
        each["url"] = without_password(file.url);
        each["path"] = file.target.string();
        each["state"] = state_of(file);
        each["bytes"] = file.bytes;
        each["resumed"] = file.resumed;
        each["seconds"] = json_seconds(file.elapsed);
        each["rate"] = std::round(rate(fetched(file), file.elapsed));
        each["attempts"] = file.attempts;
        each["status"] = file.status;
        if (!file.ok()) {
            each["class"] = leat::name_of(file.why);
            each["error"] = error_of(file);
        }
        files.push_back(std::move(each));
    }
    json all;
    all["files"] = std::move(files);
    json& totals = all["totals"];
    totals["files"] = report.files.size();
    totals["succeeded"] = report.succeeded;
    totals["skipped"] = report.skipped;
    totals["failed"] = report.failed;
    totals["bytes"] = report.bytes;
    totals["received"] = report.received;
    totals["seconds"] = json_seconds(report.elapsed);
    totals["rate"] = std::round(rate(report.received, report.elapsed));
    all["exit_status"] = status;
    all["interrupted"] = interrupted;
    if (!error.empty()) all["error"] = error;
    return all.dump(2, ' ', true, json::error_handler_t::replace) + "\n";
}

std::string table_text(const leat::download_report& report, std::size_t columns, bool unicode) {
    constexpr std::size_t count = 6;
    std::vector<std::array<std::string, count>> rows{{"FILE", "SIZE", "TIME", "RATE", "TRIES", "STATE"}};
    for (const leat::file_report& file : report.files) {
        std::string state{state_of(file)};
        if (!file.ok()) state += fmt::format(" ({})", leat::name_of(file.why));
        if (file.resumed > 0) state += fmt::format(", resumed at {}", size_text(file.resumed));
        rows.push_back({leat::printable(file.target.string()), size_text(file.bytes), elapsed_text(file.elapsed),
                        file.ok() && !file.skipped ? rate_text(rate(fetched(file), file.elapsed)) : "", std::to_string(file.attempts), std::move(state)});
    }
    std::array<std::size_t, count> widths{};
    for (const auto& row : rows)
        for (std::size_t i = 0; i < count; ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
    // The name gives way; the rest is what a table is for.
    std::size_t others = 2 * (count - 1);
    for (std::size_t i = 1; i < count; ++i) others += widths[i];
    if (columns > 0) widths[0] = std::min(widths[0], std::max<std::size_t>(columns > others + 1 ? columns - others - 1 : 0, 8));
    std::string text;
    for (const auto& row : rows) {
        text += fit_to(row[0], widths[0], unicode);
        for (std::size_t i = 1; i + 1 < count; ++i) text += "  " + padded_left(row[i], widths[i]);
        text += "  " + row[count - 1] + "\n";
    }
    return text;
}

}  // namespace tool
