#include "download/keeper.hpp"

#include <algorithm>
#include <utility>

#include "download/job.hpp"
#include "engine/open_beneath.hpp"
#include "engine/part_calls.hpp"
#include "http/wall_clock.hpp"
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
constexpr duration between_tries = std::chrono::milliseconds{50};
constexpr int most_tries = 10;
constexpr std::uint64_t worth_a_sync = std::uint64_t{64} << 20;  // bytes of one file

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
    return journal_ && journal_->knows_finished() && journal_->finished(job_.key_of(work)).has_value();
}

bool keeper::was_finished(const file_work& work, std::uint64_t size, std::int64_t modified_ns) const noexcept {
    if (!journal_) return false;
    const auto known = journal_->finished(job_.key_of(work));
    return known && known->size == size && modified_ns <= known->changed;
}

std::optional<partial_record> keeper::partial(const file_work& work) {
    if (auto later = left_.extract(work.key())) return std::move(later.mapped());
    const partial_record* found = journal_ ? journal_->partial(work.key()) : nullptr;
    // What this job has made of it since counts, and that would be among those left.
    if (!found || !met_.insert(found->name).second) return std::nullopt;
    return *found;
}

task<> keeper::adopt(path other, std::string name) {
    if (!journal_ || other == journal_->file()) co_return;
    auto opened = co_await (journal::open(other) | as_result);
    for (int tries = 0; !opened && tries < most_tries && opened.error().code() == journal_fault::in_use; ++tries) {
        // By another heir, perhaps, who needs but a moment.
        co_await sleep(between_tries);
        opened = co_await (journal::open(other) | as_result);
    }
    if (!opened) {
        log::debug("download: {}", describe(opened.error().exception()));
        co_return;
    }
    const std::unique_ptr<journal> from = std::move(*opened);
    const partial_record* found = from->partial(name);
    const bool empties = from->partials().size() == (found ? 1u : 0u);
    if (found) {
        left_.insert_or_assign(name, *found);
        journal_->note_partial(*found);
        worth_it_ = true;
        // Here first: if this process is killed between the two, both have it.
        co_await commit();
        if (failing_) co_return;
        from->forget_partial(name);
    }
    // One that says nothing of what is not complete is of no use to anybody.
    task<> leaving = empties ? from->remove() : from->close();
    auto done = co_await (std::move(leaving) | as_result);
    if (!done) log::debug("download: {}", describe(done.error().exception()));
}

void keeper::forget(const file_work& work) {
    if (journal_) journal_->forget_partial(work.key());
}

partial_record keeper::record_of(const file_work& work) const {
    const file_data& data = *work.data;
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
    return state;
}

void keeper::note(file_work& work) {
    work.was_noted = work.data->noted = true;
    worth_it_ = true;
    journal_->note_partial(record_of(work));
}

/// What changes it later has a later date, so its own need not be asked for, which is a call for each small file.
void keeper::finished(const file_work& work) {
    if (!journal_) return;
    if (work.was_noted) journal_->forget_partial(work.key());
    journal_->note_finished({job_.key_of(work), job_.report(work.index).bytes, nanoseconds_since_1970(), job_.options().sync});
}

void keeper::keep_or_drop(file_work& work) {
    if (!work.data) return;
    file_data& data = *work.data;
    if (journal_ && data.part.is_open() && data.may_resume() && data.have.total() != 0) {
        note(work);
        left_.insert_or_assign(work.key(), record_of(work));
        data.part.keep();
    } else if (journal_ && work.was_noted) {
        journal_->forget_partial(work.key());
    }
}

task<> keeper::commit() {
    if (!journal_->dirty()) co_return;
    auto done = co_await (journal_->commit() | as_result);
    if (!done && !std::exchange(failing_, true)) log::warn("download: what has come cannot be written down: {}", describe(done.error().exception()));
}

task<> keeper::tend(event& over) {
    for (unsigned turn = 1;; ++turn) {
        auto ended = co_await (timeout(between_commits, over.wait()) | as_result);
        if (ended) co_return;
        worth_it_ = true;
        // A large part for the first time at once: a job that is killed each second must get on, too.
        const bool all = turn % commits_per_checkpoint == 0;
        for (file_work& work : job_.works())
            if (work.data && work.data->part.is_open() && (all || (work.data->part.findable() && !work.data->noted)) && work.data->may_resume() && work.data->received() != 0)
                note(work);
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
    const bool others = met_.size() < journal_->partials().size() || !left_.empty();
    if (all_there && !others) co_return co_await journal_->remove();
    if (!worth_it_ && met_.empty()) co_return;
    if (journal_->dirty()) co_await journal_->commit();
    co_await journal_->close();
}

}  // namespace leat::detail
