#include "queue/worker.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <stdexcept>

#include "http/retry.hpp"
#include "http/wall_clock.hpp"
#include "leat/fs/status.hpp"
#include "leat/log/log.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "queue/item_text.hpp"
#include "seconds_option.hpp"

namespace tool {
namespace {

using namespace std::chrono_literals;

constexpr leat::duration patience = 1h;
constexpr leat::duration longest_wait = 1s;       // for new entries, before it is looked what others have left behind
constexpr leat::duration answer_time = 100ms;     // of a Redis that is far away
constexpr leat::duration farewell = 5s;
constexpr leat::duration until_all_are_back = redis::client::longest_pause + 1s;
constexpr leat::duration slack = 2s;              // between the clock and the dates of a file system
constexpr unsigned most_disk_failures = 3;        // in a row; a machine whose disk is full must not go through the whole queue
constexpr std::size_t longest_reason = 500;

/// Would another try, perhaps on another machine, be as bad?
bool is_for_good(const leat::file_report& report) {
    switch (report.why) {
        case leat::failure_class::status: return !leat::detail::status_may_pass(report.status);
        case leat::failure_class::url:
        case leat::failure_class::redirect:
        case leat::failure_class::checksum:
        case leat::failure_class::exists: return true;
        default: return false;
    }
}

redis::client_options client_options_of(const queue_place& place, const std::string& consumer) {
    redis::client_options options = client_options_for(place);
    options.name = "leat-" + consumer;
    return options;
}

leat::http::headers joined(leat::http::headers own, const leat::http::headers& others) {
    leat::http::headers all = own;
    for (const auto field : others)
        if (!own.contains(field.name)) all.add(field.name, field.value);
    return all;
}

leat::task<std::optional<std::uint64_t>> size_of(leat::path file) {
    auto found = co_await (leat::stat(std::move(file)) | leat::as_result);
    std::optional<std::uint64_t> size;
    if (found && found->kind == leat::file_kind::regular) size = found->size;
    co_return size;
}

}  // namespace

void add_worker_options(CLI::App& to, worker_options& options) {
    CLI::Option* queue = to.add_option("--queue", options.url, "Fetch what 'leat queue add' has put into Redis, beside other workers: redis://HOST:PORT; without a URL the one in LEAT_QUEUE")
        ->option_text("[URL]")
        ->expected(0, 1)
        ->group("Queue");
    add_place_options(to, options.place);
    to.add_flag("--queue-follow", options.follow, "Wait for more when the queue is empty, until Ctrl-C")->group("Queue");
    add_seconds(to, "--claim-after", options.claim_after, 0.1, "Take over the files of a worker that was not heard of for so long; the same for all (default 60)")
        ->group("Queue");
    to.add_option("--deliveries", options.deliveries, "Workers that may try a file before it is given up (default 3)")
        ->option_text("N")
        ->check(CLI::Range(1u, 1000u))
        ->group("Queue");
    for (const char* name : {"--queue-name", "--queue-cacert", "--queue-insecure", "--queue-follow", "--claim-after", "--deliveries"})
        to.get_option(name)->needs(queue);
}

bool wants_queue(const CLI::App& of, worker_options& options) {
    if (of.get_option("--queue")->count() == 0) return false;
    set_server(options.place, options.url);
    return true;
}

queue_worker::queue_worker(worker_options options)
    : options_(std::move(options)),
      redis_(options_.place.server, client_options_of(options_.place, consumer_)),
      waiting_(options_.place.server, client_options_of(options_.place, consumer_)),
      queue_(redis_, options_.place.queue),
      // More than one at a time, so that the way to Redis does not bound how many small files a second are begun; few, so that others get some.
      most_at_once_(std::clamp<std::size_t>(options_.jobs / 4, 1, 16)) {}

leat::task<> queue_worker::start() {
    co_await queue_.open(consumer_);
    redis_.set_patience(patience);
    waiting_.set_patience(patience);
    beside_.spawn(keep_alive());
}

leat::task<> queue_worker::keep_alive() {
    for (;;) {
        co_await leat::sleep(options_.claim_after / 3);
        std::vector<std::string> ids;
        for (const queue_entry& each : taken_) ids.push_back(each.id);
        for (const auto& [index, each] : running_) ids.push_back(each.id);
        for (const auto& [id, how] : unsettled_) ids.push_back(id);
        auto lost = co_await (queue_.keep(consumer_, ids) | leat::as_result);
        if (!lost) {
            leat::log::warn("{}", lost.error().message());
            continue;
        }
        for (const std::string& id : *lost) {
            // One that is running goes on: its bytes are here already. Whoever is first writes it down.
            if (std::erase_if(taken_, [&](const queue_entry& each) { return each.id == id; }) != 0)
                leat::log::info("entry {} belongs to another worker by now", id);
        }
    }
}

bool queue_worker::holds(const std::string& id) const {
    const auto has_it = [&](const auto& each) { return each.id == id; };
    return std::any_of(taken_.begin(), taken_.end(), has_it) || unsettled_.contains(id) ||
           std::any_of(running_.begin(), running_.end(), [&](const auto& each) { return each.second.id == id; });
}

void queue_worker::accept(std::vector<queue_entry> entries) {
    // Its own are among what it claims if its heart has stood still for too long.
    for (queue_entry& each : entries)
        if (!holds(each.id)) taken_.push_back(std::move(each));
}

/// How many entries to take at once: what is done while Redis answers, and some for the places that are free. What it cannot begin is not to wait here while
/// others have nothing to do.
std::size_t queue_worker::batch() {
    const leat::duration time = leat::now() - since_;
    if (time >= answer_time) {
        recent_ = static_cast<std::size_t>(static_cast<leat::duration::rep>(ended_) * answer_time.count() / time.count());
        ended_ = 0;
        since_ = leat::now();
    }
    const std::size_t free = options_.jobs - std::min(options_.jobs, running_.size());
    return std::clamp<std::size_t>(std::max(recent_, free / 4), 1, most_at_once_);
}

/// Takes what others have left behind or handed back. When Redis has been away, nobody could say that he lives: they are given the time to.
leat::task<> queue_worker::look_behind() {
    const leat::time_point here = leat::now();
    if (here - std::max(redis_.back_at(), waiting_.back_at()) < until_all_are_back) co_return;
    looked_ = here;
    accept(co_await queue_.claim(consumer_, batch(), options_.claim_after, options_.deliveries));
}

/// Takes more entries; false: there will be no more.
leat::task<bool> queue_worker::refill() {
    for (;;) {
        // Now and then before what is new: there may be new ones for ever.
        if (leat::now() - looked_ >= longest_wait) co_await look_behind();
        if (taken_.empty()) accept(co_await queue_.take(redis_, consumer_, batch(), leat::duration::zero()));
        if (taken_.empty()) co_await look_behind();
        if (!taken_.empty()) co_return true;
        // An entry is in the stream until its file is there or has failed: while others have some, one of them may die.
        if (!options_.follow) {
            const std::size_t left = co_await queue_.size();
            if (left == 0) co_return false;
        }
        in_take_ = true;
        auto entries = co_await (queue_.take(waiting_, consumer_, batch(), std::min(longest_wait, options_.claim_after / 3)) | leat::as_result);
        in_take_ = false;
        accept(std::move(entries).value());
        if (!taken_.empty()) co_return true;
    }
}

leat::task<std::optional<leat::download_item>> queue_worker::next() {
    for (;;) {
        while (!taken_.empty()) {
            queue_entry entry = std::move(taken_.front());
            taken_.pop_front();
            const std::size_t index = answers_;
            running_.emplace(index, entry);  // from now on its heart beats for this one as well
            auto item = co_await prepare(entry);
            if (item) {
                ++answers_;
                co_return item;
            }
            running_.erase(index);
        }
        bool gone = false;
        bool more = true;
        try {
            more = co_await refill();
        } catch (const redis::command_error& e) {
            if (!e.mentions("NOGROUP") && !e.mentions("UNBLOCKED")) throw;
            leat::log::warn("{}; the queue was removed, and is made anew", e.what());
            gone = true;
        }
        if (gone) {
            co_await queue_.open(consumer_);
            co_await leat::sleep(longest_wait);
        }
        if (!more) co_return std::nullopt;
    }
}

leat::task<std::optional<leat::download_item>> queue_worker::prepare(const queue_entry& entry) {
    std::optional<leat::download_item> item;
    outcome refused{entry.key, false, {}, {}, true};
    try {
        item = item_from_json(entry.item);
        if (!stays_below(entry.name)) throw std::invalid_argument("its name does not stay below the directory");
    } catch (const std::invalid_argument& e) {
        item.reset();
        refused.reason = leat::printable(e.what(), longest_reason);
    }
    if (!item) {
        leat::log::warn("entry {}: {}", entry.id, refused.reason);
        ++refused_;
        co_await settle(entry.id, std::move(refused));
        co_return item;
    }
    item->name = entry.name;
    leat::item_options with;
    if (item->options) with = *item->options;
    with.exact_name = true;  // it was made unique when it was added
    with.headers = joined(std::move(with.headers), options_.headers);
    if (!with.existing) with.existing = co_await fate_of_existing(entry);
    if (with.existing != leat::existing_file::skip) co_await adopt(entry);
    item->options = std::make_shared<const leat::item_options>(std::move(with));
    co_return item;
}

/// What was written down as complete, and lies here, is not fetched again. Else a worker may have died between giving a file its name and saying so; then the
/// server is asked whether this is its file, which costs no body if it is. What is older than the entry is none of its workers' work.
leat::task<std::optional<leat::existing_file>> queue_worker::fate_of_existing(const queue_entry& entry) const {
    std::optional<leat::existing_file> fate;
    if (!entry.done && entry.had_by.empty()) co_return fate;
    auto found = co_await (leat::stat(leat::path{options_.directory} / entry.name) | leat::as_result);
    if (!found || found->kind != leat::file_kind::regular) co_return fate;
    const leat::duration since = std::chrono::nanoseconds{leat::detail::nanoseconds_since_1970()} - found->changed;
    if (entry.done && entry.done->size == found->size)
        fate = leat::existing_file::skip;
    else if (!entry.had_by.empty() && options_.synced && since <= entry.age + slack)
        fate = leat::existing_file::if_newer;
    co_return fate;
}

/// Goes on from what the one who had it before has left, if that was in this directory.
leat::task<> queue_worker::adopt(const queue_entry& entry) {
    if (!job_ || entry.had_by.empty() || entry.had_by == consumer_ || !stays_below(entry.had_by) || entry.had_by.find('/') != std::string::npos) co_return;
    co_await job_->adopt(journal_of(entry.had_by), entry.name);
}

std::string queue_worker::journal_of(std::string_view consumer) const {
    return (leat::path{options_.directory} / (".leat-journal-" + std::string{consumer})).string();
}

leat::task<queue_worker::outcome> queue_worker::outcome_of(const queue_entry& entry, const leat::file_report& report) const {
    outcome how;
    how.key = entry.key;
    how.ok = report.ok();
    if (how.ok) {
        how.record.worker = consumer_;
        how.record.size = report.bytes;
        if (report.skipped) {
            const auto size = co_await size_of(report.target);
            if (size) how.record.size = *size;
            if (entry.done) how.record.checksum = entry.done->checksum;
        }
        const leat::download_item item = item_from_json(entry.item);
        if (report.verified && item.options) how.record.checksum = item.options->checksum;
    } else {
        how.reason = leat::printable(report.error, longest_reason);
        how.for_good = is_for_good(report);
    }
    co_return how;
}

leat::task<> queue_worker::ended(std::size_t index, leat::file_report report) {
    const auto found = running_.find(index);
    if (found == running_.end()) co_return;
    const queue_entry entry = found->second;
    outcome how = co_await outcome_of(entry, report);
    disk_failures_ = report.why == leat::failure_class::disk ? disk_failures_ + 1 : 0;
    if (disk_failures_ == most_disk_failures) throw std::runtime_error(fmt::format("{} files in a row could not be saved: {}", disk_failures_, report.error));
    running_.erase(index);
    ++ended_;
    unsettled_.emplace(entry.id, how);
    const std::size_t left = co_await settle(entry.id, std::move(how));
    unsettled_.erase(entry.id);
    // Nothing is left: whoever waits for more here need not wait for the end of that.
    if (left == 0 && in_take_ && waiting_.id() != 0) {
        redis::command unblock("CLIENT", "UNBLOCK", std::to_string(waiting_.id()));
        auto ignored = co_await (redis_.call(std::move(unblock)) | leat::as_result);
        static_cast<void>(ignored);
    }
}

leat::task<std::size_t> queue_worker::settle(std::string id, outcome how) {
    if (how.ok) co_return co_await queue_.finish(id, how.key, how.record);
    const bool dead = co_await queue_.fail(consumer_, id, how.reason, how.for_good, options_.deliveries);
    if (!dead) co_return 1;
    co_return co_await queue_.size();
}

leat::task<> queue_worker::hand_back() {
    for (auto& [id, how] : unsettled_) co_await settle(id, how);
    unsettled_.clear();
    const std::size_t handed = co_await queue_.leave(consumer_);
    if (handed != 0) leat::log::info("{} files were handed back to the queue", handed);
}

leat::task<> queue_worker::leave() {
    beside_.cancel();
    redis_.set_patience(farewell / 2);
    std::string why;
    try {
        co_await leat::timeout(farewell, hand_back());
    } catch (const std::exception& e) {
        why = e.what();
    }
    if (!why.empty())
        leat::log::warn("handing back to {}: {}; others take over what this worker had when {:.3g} seconds have passed", redis_.server().to_string(), why,
                        std::chrono::duration_cast<std::chrono::duration<double>>(options_.claim_after).count());
    waiting_.drop();
    redis_.drop();
}

}  // namespace tool
