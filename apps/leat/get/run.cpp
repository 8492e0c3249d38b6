#include "get/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "command.hpp"
#include "get/client.hpp"
#include "get/done_hooks.hpp"
#include "get/event_log.hpp"
#include "get/exit_status.hpp"
#include "get/jars.hpp"
#include "get/list_source.hpp"
#include "get/report_file.hpp"
#include "get/shown.hpp"
#include "leat/fs/replace.hpp"
#include "leat/io/error.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/group.hpp"
#include "leat/task/shield.hpp"
#include "leat/task/sleep.hpp"
#include "terminal/output.hpp"
#include "terminal/terminal.hpp"

namespace tool {
namespace {

/// What the tasks of one run have in common.
struct running {
    item_source& source;
    display& show;
    leat::downloader job;
    leat::task_group group;
    leat::event moved;      // a file has begun or ended
    std::size_t added = 0;  // files
    std::size_t ended = 0;  // of them
    leat::download_report report = {};
};

leat::task<> tell_end(item_source& source, std::size_t index, leat::download_handle file) {
    leat::file_report report = co_await file.wait();
    co_await source.ended(index, std::move(report));
}

/// From the source to the job, no faster than the source wants it. Files that wait for their next attempt do not hold others up, unless they are many.
leat::task<> feed(running& run, std::size_t jobs) {
    const std::size_t ahead = std::max<std::size_t>(run.source.ahead(), 1);
    const std::size_t most = ahead == std::numeric_limits<std::size_t>::max() ? ahead : ahead + 2 * jobs;
    for (std::size_t index = 0;; ++index) {
        while (run.job.waiting() >= ahead || run.added - run.ended >= most) {
            run.moved.clear();
            co_await run.moved.wait();
        }
        auto item = co_await run.source.next();
        if (!item) break;
        const leat::download_handle file = run.job.add(std::move(*item));
        ++run.added;
        if (run.source.wants_ends()) run.group.spawn(tell_end(run.source, index, file));
    }
    run.job.close();
}

leat::task<> transfer(running& run) { run.report = co_await run.job.run(); }

leat::task<> list_failures(const leat::download_report& report, std::size_t files) {
    if (report.ok()) co_return;
    if (files > 1) complain("get", fmt::format("{} of {} files failed:", report.failed, files));
    for (const leat::file_report& file : report.files) {
        if (!file.ok()) complain("get", without_password(file.url) + ": " + error_of(file));
        // None of many is dropped.
        if (standard_error().waiting() > 64 * 1024) co_await standard_error().drain();
    }
}

/// What is known of a run that was interrupted.
leat::download_report report_of(std::vector<leat::file_report> ended, leat::duration elapsed) {
    leat::download_report report;
    for (const leat::file_report& file : ended) {
        ++(file.ok() ? report.succeeded : report.failed);
        if (file.skipped) ++report.skipped;
        report.bytes += file.bytes;
        if (!file.skipped) report.received += file.bytes - std::min(file.bytes, file.resumed);
    }
    report.files = std::move(ended);
    report.elapsed = elapsed;
    return report;
}

leat::task<> write_report(const get_arguments& asked, const leat::download_report& report, int status, bool interrupted, const std::string& error) {
    if (asked.report.empty()) co_return;
    const std::string text = report_text(report, status, interrupted, error);
    co_await leat::replace_file(asked.report, text);
}

/// Whoever reads the report or the events has to learn there that the job could not go on.
leat::task<> tell_broken(const get_arguments& asked, std::optional<event_log>& events, const leat::download_report& report, const std::string& why) {
    if (events) events->summary(report, failed);
    try {
        co_await write_report(asked, report, failed, false, why);
    } catch (const std::exception& error) {
        complain("get", error.what());  // and then what it is about
    }
    if (events) co_await events->out().drain();
}

std::string table_of(const leat::download_report& report) {
    const screen on = screen_of(STDOUT_FILENO);
    return table_text(report, is_terminal(STDOUT_FILENO) ? on.columns : 0, on.unicode);
}

/// False: nothing of it is lost.
bool tell_lost(const output& out, std::string_view operation, std::string_view subject) {
    if (out.lost()) complain("get", leat::error(out.error(), operation, subject).what());
    return out.lost();
}

}  // namespace

leat::task<int> fetch(item_source& source, const list_source* list, const get_arguments& asked, display& show) {
    const leat::time_point began = leat::now();
    std::optional<event_log> events;
    if (!asked.events.empty()) {
        events.emplace(asked.events);
        if (events->on_standard_output()) show.no_lines();
    }
    if (asked.table) show.no_lines();

    std::exception_ptr broken;  // of the job, not of a file
    std::string why;
    jars kept;
    try {
        co_await source.open();
        co_await kept.load(asked);
    } catch (const std::exception& error) {
        broken = std::current_exception();
        why = without_known_passwords(error.what());
    }
    if (broken) {
        const leat::download_report nothing;
        co_await tell_broken(asked, events, nothing, why);
        std::rethrow_exception(broken);
    }
    leat::http::client_options http = client_options_of(asked);
    kept.put_into(http);

    std::vector<leat::file_report> ended;  // for the report of a run that is interrupted
    running* current = nullptr;
    done_hooks* hooks = nullptr;
    auto on_progress = [&](const leat::download_progress& now) {
        show.progress(now, list != nullptr && list->more());
        if (events) events->progress(now);
        current->moved.set();  // a second attempt begins without an event
    };
    auto on_file = [&](const leat::file_report& file) {
        if (!asked.report.empty() || events) ended.push_back(file);
        show.ended(file);
        if (events) events->ended(file);
        hooks->ended(file);
        ++current->ended;
        current->moved.set();
    };
    auto on_event = [&](const leat::download_event& event) {
        if (events) events->happened(event);
        current->moved.set();
    };
    leat::download_options options = download_options_of(asked, http);
    options.on_progress = on_progress;
    options.on_file = on_file;
    // Nobody else wants to know of each step.
    if (events || source.ahead() != std::numeric_limits<std::size_t>::max()) options.on_event = on_event;

    running run{.source = source, .show = show, .job = leat::downloader{options}, .group = {}, .moved = {}, .added = 0};
    done_hooks runs_hooks{asked.on_done, run.group, [&show](const std::string& what) { show.complain(what); }};
    current = &run;
    source.fills(run.job);
    hooks = &runs_hooks;
    run.group.spawn(transfer(run));
    run.group.spawn(feed(run, asked.jobs));
    bool interrupted = false;
    try {
        co_await run.group.join();
    } catch (const leat::cancelled&) {
        interrupted = true;
    } catch (const std::exception& error) {
        broken = std::current_exception();
        why = without_known_passwords(error.what());
    }
    if (broken) {
        const leat::download_report report = report_of(std::move(ended), leat::now() - began);
        co_await tell_broken(asked, events, report, why);
        std::rethrow_exception(broken);
    }
    if (interrupted) {
        show.interrupt();
        complain("get", fmt::format("interrupted; {} of {} files are complete", show.succeeded(), run.added));
        const leat::download_report report = report_of(std::move(ended), leat::now() - began);
        if (events) events->summary(report, 130);
        co_await leat::shield(write_report(asked, report, 130, true, why));
        co_await leat::shield(kept.save(asked));
        if (events) co_await leat::shield(events->out().drain_briefly());
        co_await leat::shield(show.drain_briefly());
        throw leat::cancelled{};
    }

    const leat::download_report& report = run.report;
    int status = exit_status_of(report);
    const bool lost = show.out().lost() || (events && events->out().lost());
    if (status == 0 && (lost || runs_hooks.failed() > 0 || (list != nullptr && list->refused() > 0))) status = failed;
    show.finish(report);
    if (events) events->summary(report, status);
    // Before anything waits for readers.
    co_await write_report(asked, report, status, false, why);
    co_await kept.save(asked);
    if (asked.table && !asked.quiet) show.print(table_of(report));
    co_await show.drain();
    co_await list_failures(report, report.files.size());
    if (events) co_await events->out().drain();
    if (tell_lost(show.out(), "write", "standard output") && status == 0) status = failed;
    if (events && tell_lost(events->out(), "write events to", asked.events) && status == 0) status = failed;
    co_return status;
}

}  // namespace tool
