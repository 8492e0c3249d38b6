#include "get/event_log.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <ctime>

#include "get/json_text.hpp"
#include "get/shown.hpp"
#include "leat/io/error.hpp"
#include "leat/task/sleep.hpp"

namespace tool {
namespace {

using json = nlohmann::ordered_json;

constexpr auto every = std::chrono::seconds{1};

const char* name_of(leat::download_event::kind what) noexcept {
    using kind = leat::download_event::kind;
    switch (what) {
        case kind::start: return "start";
        case kind::resume: return "resume";
        case kind::restart: return "restart";
        case kind::retry: return "retry";
        case kind::segment: return "segment";
        case kind::verify: return "verify";
        case kind::skip: return "skip";
        case kind::done: return "done";
        case kind::failed: return "failed";
    }
    return "unknown";
}

const char* name_of(leat::file_state state) noexcept {
    switch (state) {
        case leat::file_state::waiting: return "waiting";
        case leat::file_state::transferring: return "transferring";
        case leat::file_state::paused: return "paused";
        case leat::file_state::verifying: return "verifying";
        case leat::file_state::complete: return "complete";
        case leat::file_state::failed: return "failed";
    }
    return "unknown";
}

json size_or_null(const std::optional<std::uint64_t>& size) { return size ? json(*size) : json(nullptr); }

double wall_clock() noexcept {
    std::timespec now{};
    std::timespec_get(&now, TIME_UTC);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string utc(double seconds) {
    const auto milliseconds = static_cast<std::int64_t>(std::llround(seconds * 1000));
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)), milliseconds % 1000);
}

double rate(std::uint64_t bytes, leat::duration time) {
    const double seconds = std::chrono::duration<double>(time).count();
    return seconds > 0.001 ? std::round(static_cast<double>(bytes) / seconds) : 0;
}

}  // namespace

struct event_log::line {
    json fields;
};

event_log::event_log(const std::string& where) : began_(leat::now()), began_wall_(wall_clock()) {
    const auto [rest, ec] = std::from_chars(where.data(), where.data() + where.size(), fd_);
    if (where == "-") {
        fd_ = STDOUT_FILENO;
    } else if (ec == std::errc{} && rest == where.data() + where.size()) {
        const int flags = ::fcntl(fd_, F_GETFL);
        if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) throw leat::error(EBADF, "write events to descriptor", where);
    } else {
        fd_ = ::open(where.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd_ < 0) throw leat::error(errno, "open", where);
        owned_ = true;
    }
    out_ = std::make_unique<output>(fd_);
}

event_log::~event_log() {
    out_.reset();
    if (owned_) ::close(fd_);
}

event_log::line event_log::begin(const char* event) {
    const leat::duration elapsed = leat::now() - began_;
    line made;
    made.fields["time"] = utc(began_wall_ + std::chrono::duration<double>(elapsed).count());
    made.fields["elapsed"] = json_seconds(elapsed);
    made.fields["event"] = event;
    return made;
}

void event_log::write(const line& text) { out_->write(json_line(text.fields) + "\n"); }

void event_log::happened(const leat::download_event& event) {
    using kind = leat::download_event::kind;
    if (event.what == kind::done || event.what == kind::failed || event.what == kind::skip) {
        ends_.push_back({event.index, std::string{event.name}, event.attempt});
        return pair_ends();
    }
    line made = begin(name_of(event.what));
    json& to = made.fields;
    to["index"] = event.index;
    to["name"] = event.name;
    to["url"] = without_password(event.url);
    to["bytes"] = event.received;
    to["size"] = size_or_null(event.size);
    to["attempt"] = event.attempt;
    if (event.what == kind::retry) to["pause"] = json_seconds(event.pause);
    if (!event.detail.empty()) to["detail"] = event.what == kind::segment ? without_password(event.detail) : error_of(std::string{event.url}, std::string{event.detail});
    write(made);
}

void event_log::ended(const leat::file_report& file) {
    reports_.push_back(file);
    pair_ends();
}

/// The library tells that a file has ended, and how, right after each other.
void event_log::pair_ends() {
    while (!ends_.empty() && !reports_.empty()) {
        const end& what = ends_.front();
        const leat::file_report& file = reports_.front();
        line made = begin(!file.ok() ? "failed" : file.skipped ? "skip" : "done");
        json& to = made.fields;
        to["index"] = what.index;
        to["name"] = what.name;
        to["url"] = without_password(file.url);
        to["bytes"] = file.bytes;
        to["size"] = file.ok() ? json(file.bytes) : json(nullptr);
        to["attempt"] = what.attempt;
        to["path"] = file.target.string();
        to["state"] = state_of(file);
        to["seconds"] = json_seconds(file.elapsed);
        to["resumed"] = file.resumed;
        to["status"] = file.status;
        if (!file.ok()) {
            to["class"] = leat::name_of(file.why);
            to["error"] = error_of(file);
        }
        write(made);
        shown_.erase(what.index);
        ends_.pop_front();
        reports_.pop_front();
    }
}

void event_log::progress(const leat::download_progress& now) {
    out_->flush();
    const leat::time_point at = leat::now();
    if (now.last || (last_progress_ != leat::time_point{} && at - last_progress_ < every) || !out_->idle()) return;
    last_progress_ = at;
    for (const leat::running_file& file : now.running) {
        shown& before = shown_[file.index];
        if (before.at != leat::time_point{} && before.received == file.received) continue;
        const bool known = before.at != leat::time_point{} && file.received >= before.received;
        line made = begin("progress");
        json& to = made.fields;
        to["index"] = file.index;
        to["name"] = file.name;
        to["url"] = without_password(file.url);
        to["bytes"] = file.received;
        to["size"] = size_or_null(file.size);
        to["attempt"] = file.attempt;
        to["state"] = name_of(file.state);
        to["connections"] = file.connections;
        to["rate"] = known ? rate(file.received - before.received, at - before.at) : 0.0;
        write(made);
        before = {file.received, at};
    }
    line made = begin("total");
    json& to = made.fields;
    to["files"] = now.files;
    to["succeeded"] = now.succeeded;
    to["failed"] = now.failed;
    to["running"] = now.running.size();
    to["bytes"] = now.received;
    to["rate"] = std::round(now.bytes_per_second);
    write(made);
}

void event_log::summary(const leat::download_report& report, int status) {
    line made = begin("summary");
    json& to = made.fields;
    to["files"] = report.files.size();
    to["succeeded"] = report.succeeded;
    to["skipped"] = report.skipped;
    to["failed"] = report.failed;
    to["bytes"] = report.bytes;
    to["received"] = report.received;
    to["seconds"] = json_seconds(report.elapsed);
    to["rate"] = rate(report.received, report.elapsed);
    to["exit_status"] = status;
    write(made);
}

}  // namespace tool
