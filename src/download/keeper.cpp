#include "download/keeper.hpp"

#include <algorithm>
#include <utility>

#include "download/job.hpp"
#include "engine/open_beneath.hpp"
#include "engine/part_calls.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {
namespace {

constexpr duration between_commits = std::chrono::milliseconds{250};
constexpr unsigned commits_per_checkpoint = 4;
constexpr duration between_syncs = std::chrono::seconds{1};
constexpr unsigned most_between_syncs = 5;                       // so many of them
constexpr std::uint64_t worth_a_sync = std::uint64_t{64} << 20;  // bytes of one file
constexpr duration worth_a_stamp = std::chrono::seconds{3};      // a shorter job's small files are not asked for their dates unless it ends early
constexpr int in_working_directory = -100;                       // AT_FDCWD

struct finished_file {
    std::uint64_t key;
    std::string target;
    std::uint64_t size;
    std::int64_t changed = -1;  // it is there no more, or has another size
};

std::vector<finished_file> stamps_of(std::vector<finished_file> files) {
    for (finished_file& each : files) {
        const file_stamp found = stamp_at(in_working_directory, each.target.c_str());
        if (found.error == 0 && found.regular && found.size == each.size) each.changed = found.modified_ns;
    }
    return files;
}

int sync_call(const owned_descriptor& part) noexcept { return sync_data(part.get()); }

}  // namespace

task<> keeper::open(path file) {
    auto opened = co_await (journal::open(file) | as_result);
    if (opened)
        journal_ = std::move(*opened);
    else
        log::warn("download: nothing is written down, and nothing of an earlier run is used: {}", describe(opened.error().exception()));
}

bool keeper::knows_finished(const file_work& work) const noexcept {
    return journal_ && journal_->finished(job_.key_of(work.index)).has_value();
}

bool keeper::was_finished(const file_work& work, std::uint64_t size, std::int64_t modified_ns) const noexcept {
    if (!journal_) return false;
    const auto known = journal_->finished(job_.key_of(work.index));
    return known && known->size == size && known->changed == modified_ns;
}

const partial_record* keeper::partial(const file_work& work) {
    const partial_record* found = journal_ ? journal_->partial(work.key()) : nullptr;
    if (found) met_.insert(found->name);
    return found;
}

void keeper::forget(const file_work& work) {
    if (journal_) journal_->forget_partial(work.key());
}

void keeper::note(file_work& work) {
    file_data& data = *work.data;
    partial_record state;
    state.name = work.key();
    state.url = data.url;
    state.etag = data.tags.etag;
    state.last_modified = data.tags.last_modified;
    state.size = data.size;
    state.part_name = data.part.part_name();
    state.inode = data.part.inode();
    state.written = data.written();
    state.synced = data.synced;
    work.was_noted = data.noted = true;
    worth_it_ = true;
    journal_->note_partial(std::move(state));
}

void keeper::finished(const file_work& work) {
    if (!journal_) return;
    if (work.was_noted) journal_->forget_partial(work.key());
    finished_.push_back(static_cast<std::uint32_t>(work.index));
}

void keeper::keep_or_drop(file_work& work) {
    if (!work.data) return;
    file_data& data = *work.data;
    if (journal_ && data.part.is_open() && data.may_resume() && data.have.total() != 0) {
        note(work);
        data.part.keep();
    } else if (journal_ && work.was_noted) {
        journal_->forget_partial(work.key());
    }
}

/// When each of the files that have been finished was changed last: asked for in a thread, and only if the job lasts long enough for a journal.
task<> keeper::stamp_finished() {
    if (finished_.empty()) co_return;
    std::vector<finished_file> files;
    files.reserve(finished_.size());
    for (const std::uint32_t file : finished_) {
        const file_report& report = job_.report(file);
        files.push_back({job_.key_of(file), report.target.string(), report.bytes});
    }
    files = co_await to_thread(stamps_of, std::move(files));
    finished_.erase(finished_.begin(), finished_.begin() + static_cast<std::ptrdiff_t>(files.size()));
    for (const finished_file& each : files)
        if (each.changed != -1) journal_->note_finished({each.key, each.size, each.changed, job_.options().sync});
}

task<> keeper::commit() {
    if (job_.lasts() >= worth_a_stamp) co_await stamp_finished();
    if (!journal_->dirty()) co_return;
    auto done = co_await (journal_->commit() | as_result);
    if (!done && !std::exchange(failing_, true)) log::warn("download: what has come cannot be written down: {}", describe(done.error().exception()));
}

task<> keeper::tend(event& over) {
    for (unsigned turn = 1;; ++turn) {
        auto ended = co_await (timeout(between_commits, over.wait()) | as_result);
        if (ended) co_return;
        worth_it_ = true;
        if (turn % commits_per_checkpoint == 0)
            for (file_work& work : job_.works())
                if (work.data && work.data->part.is_open() && work.data->may_resume() && work.data->received() != 0) note(work);
        co_await commit();
        if (turn % commits_per_checkpoint == 0 && !failing_)
            for (file_work& work : job_.works())
                if (work.data && work.data->noted) work.data->part.appear();
    }
}

task<> keeper::sync(event& over) {
    for (unsigned turn = 1;; ++turn) {
        auto ended = co_await (timeout(between_syncs, over.wait()) | as_result);
        if (ended) co_return;
        std::vector<std::size_t> grown;
        for (const file_work& work : job_.works())
            if (work.data && work.was_noted && work.data->part.is_open()) {
                const std::uint64_t more = work.data->received() - std::min(work.data->received(), work.data->synced.total());
                if (more >= worth_a_sync || (more != 0 && turn % most_between_syncs == 0)) grown.push_back(work.index);
            }
        for (const std::size_t file : grown) {
            file_work* work = job_.work_of(file);
            if (!work || !work->data || !work->data->part.is_open()) continue;
            const std::uint64_t inode = work->data->part.inode();
            byte_ranges there = work->data->written();
            const int copy = duplicate(work->data->part.descriptor());
            if (copy < 0) continue;
            const int failed = co_await to_thread(sync_call, owned_descriptor{copy});
            work = job_.work_of(file);  // much may have happened meanwhile
            if (failed == 0 && work && work->data && work->data->part.is_open() && work->data->part.inode() == inode) work->data->synced = std::move(there);
        }
    }
}

task<> keeper::end(bool all_there) {
    if (!journal_) co_return;
    auto done = co_await (leave(all_there) | as_result);
    if (!done) log::warn("download: {}", describe(done.error().exception()));
}

task<> keeper::leave(bool all_there) {
    // What other jobs have left in this directory stays theirs.
    const bool others = met_.size() < journal_->partials().size();
    if (all_there && !others) co_return co_await journal_->remove();
    if (!worth_it_ && met_.empty()) co_return;
    co_await stamp_finished();
    if (journal_->dirty()) co_await journal_->commit();
    co_await journal_->close();
}

}  // namespace leat::detail
