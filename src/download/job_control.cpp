#include <algorithm>
#include <utility>

#include "download/job.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"

namespace leat::detail {

job_file::~job_file() {
    if (job) job->forget_handle(index);
}

std::shared_ptr<job_file> download_job::watch(std::size_t file) {
    auto made = std::make_shared<job_file>(*this, file);
    entries_[file].handle = made.get();
    return made;
}

/// Everything has come: it is compared, or gets its name, which is not to be interrupted.
bool download_job::is_verified_now(std::size_t file) const noexcept {
    const file_work* work = entries_[file].work;
    return work && !work->running && (work->state == file_state::verifying || work->result == reached::arrived);
}

/// The job is over: handles know from now on what they will ever know.
void download_job::release_handles() noexcept {
    for (std::size_t file = 0; file < entries_.size(); ++file) {
        job_file* handle = std::exchange(entries_[file].handle, nullptr);
        if (!handle) continue;
        handle->job = nullptr;
        if (handle->result) continue;
        if (file < reports_.size()) {
            auto left = std::make_unique<file_report>(reports_[file]);
            left->why = failure_class::cancelled;
            left->error = "the job was cancelled or has failed";
            handle->result = std::move(left);
        }
        handle->ended.set();
    }
}

std::size_t download_job::waiting() const noexcept { return schedule_.in_line() + (entries_.size() - planned_); }

void download_job::strike(file_work& work, stop_reason why) {
    if (why == stop_reason::too_slow && work.stop != stop_reason::none) return;  // a handle was faster
    work.stop = why;
    if (work.limit) work.limit->reschedule(now());
}

void download_job::pause(std::size_t file) {
    entry& its = entries_[file];
    if (its.flags & (is_over | is_paused) || is_verified_now(file)) return;
    its.flags |= is_paused;
    if (its.work && its.work->running) return strike(*its.work, stop_reason::paused);
    if (its.work) {
        its.work->state = file_state::paused;
        schedule_.hurry(file);  // out of the queue
    }
}

void download_job::resume(std::size_t file) {
    entry& its = entries_[file];
    if ((its.flags & is_over) || !(its.flags & is_paused)) return;
    its.flags &= static_cast<std::uint8_t>(~is_paused);
    if (its.work && !its.work->running) its.work->state = file_state::waiting;
    if (!(its.flags & is_held)) return;
    its.flags &= static_cast<std::uint8_t>(~is_held);
    schedule_.back(file);
    hire();
}

void download_job::cancel(std::size_t file) {
    entry& its = entries_[file];
    if (its.flags & (is_over | is_given_up)) return;
    its.flags |= is_given_up;
    if (its.work && its.work->running) return strike(*its.work, stop_reason::cancelled);
    if (is_verified_now(file)) return;  // it ends when the thread that hashes has looked at what it has; one that gets its name is there
    // First, since the callbacks that are told may throw.
    if (its.flags & is_held)
        schedule_.drop();
    else
        schedule_.hurry(file);  // a worker passes over it
    give_up(file, failure_class::cancelled, "cancelled");
}

void download_job::set_max_rate(std::size_t file, std::uint64_t per_second) {
    entry& its = entries_[file];
    if (its.flags & is_over) return;
    if (!its.work) {
        rates_[file] = per_second;
        return;
    }
    set_rate(its.work->rate, per_second);
    if (its.work->data)
        for (piece* each : its.work->data->pieces) each->stop_at = 0;  // it looks around
}

void download_job::set_max_rate(std::uint64_t per_second) {
    limits_.set_max_rate(per_second);
    for (file_work& work : works_)
        if (work.data)
            for (piece* each : work.data->pieces) each->stop_at = 0;
}

// ---- what is told

void download_job::tell(download_event::kind what, const file_work& work, std::string_view detail, duration pause) {
    if (!options_.on_event) return;
    const running_file shown = row(work);
    options_.on_event({what, work.index, shown.name, shown.url, shown.received, shown.size, std::max(shown.attempt, 1u), pause, detail});
}

running_file download_job::row(const file_work& work) const {
    running_file made;
    made.name = work.name;
    made.url = url_of(work);
    made.attempt = reports_[work.index].attempts;
    made.state = work.state;
    made.index = work.index;
    made.connections = 0;
    for (const live_body* each = work.bodies; each; each = each->next) {
        ++made.connections;
        if (work.data) continue;
        made.received = each->body.received();
        made.size = each->body.size();
    }
    if (work.result != reached::nothing) {
        made.received = reports_[work.index].bytes;
        made.size = made.received;
    } else if (work.data) {
        made.received = work.data->received();
        made.size = work.data->size;
    }
    return made;
}

running_file download_job::row_of(job_file& file) {
    const entry& its = entries_[file.index];
    if (its.work) return row(*its.work);
    running_file made;
    if (file.name.empty()) file.name = file.index < planned_ ? name_of_file(file.index) : wanted_name(file.index);
    made.name = file.name;
    made.url = reports_[file.index].url;
    made.state = its.flags & is_paused ? file_state::paused : file_state::waiting;
    made.connections = 0;
    made.index = file.index;
    return made;
}

task<> download_job::report_progress() {
    const duration interval = std::max<duration>(options_.progress_interval, std::chrono::milliseconds{1});
    for (;;) {
        auto over = co_await (timeout(interval, finished_.wait()) | as_result);
        if (over) co_return;
        tell_progress(false);
    }
}

void download_job::tell_progress(bool last) {
    download_progress now_is;
    now_is.files = entries_.size();
    now_is.succeeded = report_.succeeded;
    now_is.failed = report_.failed;
    now_is.received = report_.bytes;
    std::uint64_t wire = wire_bytes_;
    shown_.clear();
    for (const file_work& each : works_) {
        if (!each.running && each.state != file_state::verifying) {
            if (each.data) now_is.received += each.data->have.total();
            continue;
        }
        for (const live_body* body = each.bodies; body; body = body->next) wire += body->body.received();
        now_is.received += shown_.emplace_back(row(each)).received;
    }
    const time_point here = now();
    speed_.sample(here, wire);
    now_is.elapsed = here - began_;
    now_is.bytes_per_second = speed_.per_second(here, wire);
    now_is.running = shown_;
    now_is.last = last;
    options_.on_progress(now_is);
}

}  // namespace leat::detail
