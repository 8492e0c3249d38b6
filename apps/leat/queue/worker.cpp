#include "queue/worker.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <stdexcept>

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
constexpr leat::duration farewell = 5s;
constexpr unsigned most_disk_failures = 3;        // in a row; a machine whose disk is full must not go through the whole queue
constexpr std::size_t longest_reason = 500;

/// Would another try, perhaps on another machine, be as bad?
bool is_for_good(leat::failure_class why) {
    switch (why) {
        case leat::failure_class::url:
        case leat::failure_class::status:
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

leat::task<std::optional<std::uint64_t>> size_of(leat::path file) {
    auto found = co_await (leat::stat(std::move(file)) | leat::as_result);
    std::optional<std::uint64_t> size;
    if (found && found->kind == leat::file_kind::regular) size = found->size;
    co_return size;
}

}  // namespace

void add_worker_options(CLI::App& to, worker_options& options) {
    to.add_option("--queue", options.url, "Fetch what 'leat queue add' has put into Redis, beside other workers: redis://HOST:PORT; without a URL the one in LEAT_QUEUE")
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
      batch_(std::clamp<std::size_t>(options_.jobs / 4, 1, 16)) {}

leat::task<> queue_worker::start() {
    co_await queue_.open();
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

/// Takes more entries; false: there will be no more.
leat::task<bool> queue_worker::refill() {
    for (;;) {
        accept(co_await queue_.take(redis_, consumer_, batch_, leat::duration::zero()));
        if (taken_.empty()) accept(co_await queue_.claim(consumer_, batch_, options_.claim_after, options_.deliveries));
        if (!taken_.empty()) co_return true;
        // An entry is in the stream until its file is there or has failed: while others have some, one of them may die.
        if (!options_.follow) {
            const std::size_t left = co_await queue_.size();
            if (left == 0) co_return false;
        }
        in_take_ = true;
        auto entries = co_await (queue_.take(waiting_, consumer_, batch_, std::min(longest_wait, options_.claim_after / 3)) | leat::as_result);
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
            if (!e.mentions("NOGROUP")) throw;
            leat::log::warn("{}; the queue was removed, and is made anew", e.what());
            gone = true;
        }
        if (gone) {
            co_await queue_.open();
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
        refused.reason = e.what();
    }
    if (!item) {
        leat::log::warn("entry {}: {}", entry.id, refused.reason);
        co_await settle(entry.id, std::move(refused));
        co_return item;
    }
    item->name = entry.name;
    const bool chosen = item->options && item->options->existing;
    if (chosen || (!entry.done && entry.deliveries < 2)) co_return item;
    const auto size = co_await size_of(leat::path{options_.directory} / entry.name);
    if (!size) co_return item;
    // It was written down as complete, and lies here: nothing is fetched. Else a worker may have died between giving a file its name and saying so; then the
    // server is asked whether this is its file, which costs no body if it is.
    std::optional<leat::existing_file> what;
    if (entry.done && entry.done->size == *size)
        what = leat::existing_file::skip;
    else if (entry.deliveries > 1)
        what = leat::existing_file::if_newer;
    if (!what) co_return item;
    leat::item_options with;
    if (item->options) with = *item->options;
    with.existing = what;
    item->options = std::make_shared<const leat::item_options>(std::move(with));
    co_return item;
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
        how.for_good = is_for_good(report.why);
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
    // What waits for entries must not be given any after this: Redis might not have seen yet that it is gone.
    if (waiting_.id() != 0) {
        redis::command kill("CLIENT", "KILL", "ID", std::to_string(waiting_.id()));
        auto ignored = co_await (redis_.call(std::move(kill)) | leat::as_result);
        static_cast<void>(ignored);
    }
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
        leat::log::warn("{}; others take over what this worker had when {:.3g} seconds have passed", why,
                        std::chrono::duration_cast<std::chrono::duration<double>>(options_.claim_after).count());
    waiting_.drop();
    redis_.drop();
}

}  // namespace tool
