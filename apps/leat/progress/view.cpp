#include "progress/view.hpp"

#include <algorithm>
#include <cmath>

#include "leat/log/printable.hpp"

namespace tool {
namespace {

constexpr double smoothing = 2.0;    // seconds until an old rate counts for a third
constexpr double shortest = 0.05;    // a rate over less time is noise
constexpr std::size_t longest_name = 1024;

double seconds(leat::duration time) { return std::chrono::duration<double>(time).count(); }

/// Files that have not begun are taken to be as large, on average, as those that are known.
std::optional<leat::duration> time_left(const leat::download_progress& now) {
    const std::size_t ended = now.succeeded + now.failed;
    if (now.files <= ended) return leat::duration::zero();
    double left = 0, known = 0, running_received = 0;
    std::size_t sized = 0;
    for (const auto& file : now.running) {
        running_received += static_cast<double>(file.received);
        if (!file.size) continue;
        ++sized;
        known += static_cast<double>(*file.size);
        left += static_cast<double>(*file.size - std::min(*file.size, file.received));
    }
    const double of_ended = std::max(0.0, static_cast<double>(now.received) - running_received);
    const std::size_t samples = now.succeeded + sized;
    const std::size_t unknown = now.files - std::min(now.files, ended + sized);
    if (unknown > 0 && samples == 0) return std::nullopt;
    if (unknown > 0) left += static_cast<double>(unknown) * (of_ended + known) / static_cast<double>(samples);
    if (now.bytes_per_second < 1) return std::nullopt;
    const double time = left / now.bytes_per_second;
    if (!(time < 100.0 * 24 * 3600)) return std::nullopt;
    return std::chrono::duration_cast<leat::duration>(std::chrono::duration<double>(time));
}

double fraction(const leat::download_progress& now) {
    if (now.files == 0) return 1;
    double done = static_cast<double>(now.succeeded + now.failed);
    for (const auto& file : now.running)
        if (file.size && *file.size > 0) done += std::min(1.0, static_cast<double>(file.received) / static_cast<double>(*file.size));
    return std::min(1.0, done / static_cast<double>(now.files));
}

}  // namespace

job_view progress_follower::follow(const leat::download_progress& now, bool more) {
    job_view view{.running = {},
                  .files = now.files,
                  .more = more,
                  .succeeded = now.succeeded,
                  .failed = now.failed,
                  .received = now.received,
                  .bytes_per_second = now.bytes_per_second,
                  .elapsed = now.elapsed,
                  .remaining = more ? std::nullopt : time_left(now),
                  .done = fraction(now)};
    for (auto& each : samples_) each.second.seen = false;
    view.running.reserve(now.running.size());
    for (const auto& file : now.running) {
        const double rate = rate_of(file, now.elapsed);
        view.running.push_back({leat::printable(file.name, longest_name), file.received, file.size, rate, file.attempt, file.state, file.connections});
    }
    std::erase_if(samples_, [](const auto& each) { return !each.second.seen; });
    return view;
}

double progress_follower::rate_of(const leat::running_file& file, leat::duration at) {
    const auto [found, first] = samples_.try_emplace(file.index, sample{file.received, at, 0, true});
    if (first) return 0;
    sample* const known = &found->second;
    known->seen = true;
    const double passed = seconds(at - known->at);
    if (passed < shortest) return known->bytes_per_second;
    const bool restarted = file.received < known->received;  // another attempt, from the beginning
    const double rate = restarted ? 0 : static_cast<double>(file.received - known->received) / passed;
    const double weight = known->bytes_per_second == 0 ? 1 : 1 - std::exp(-passed / smoothing);
    known->bytes_per_second += (rate - known->bytes_per_second) * weight;
    known->received = file.received;
    known->at = at;
    return known->bytes_per_second;
}

}  // namespace tool
