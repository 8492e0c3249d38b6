#pragma once
// What `leat get --queue` fetches from: a queue in Redis that other workers share.
#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "get/source.hpp"
#include "leat/http/headers.hpp"
#include "leat/task/group.hpp"
#include "leat/task/shield.hpp"
#include "queue/place.hpp"
#include "queue/stream_queue.hpp"

namespace tool {

struct worker_options {
    queue_place place;
    std::string url;              // as the command line has it, of a server; "": the one in LEAT_QUEUE
    std::string directory = ".";  // where the files are saved
    std::size_t jobs = 32;        // files at once, as the downloader has it
    bool follow = false;          // wait for more when the queue is empty
    leat::duration claim_after = std::chrono::seconds{60};  // a worker that is not heard of for so long is taken to be dead
    unsigned deliveries = 3;      // after so many a file is given up
    leat::http::headers headers = {};  // sent with each request, beside the file's own
    bool synced = true;           // a file is on the disk itself before it has its name
};

/// --queue [URL], --queue-follow, --claim-after, --deliveries, and those of the place.
void add_worker_options(CLI::App& to, worker_options& options);
/// Is there a --queue on the command line? Then its URL is read; throws CLI::ValidationError.
bool wants_queue(const CLI::App& of, worker_options& options);

/// Made and used inside one task:
///
///     tool::queue_worker worker(options);
///     co_await tool::work(worker, fetch(worker, …));
///
/// An entry is acknowledged when its file has its final name, which it has when it is on the disk. While Redis is away, what runs goes on, and what has ended is reported when it is back
/// (for up to an hour).
class queue_worker final : public item_source {
public:
    explicit queue_worker(worker_options options);

    /// Connects. Errors: at once, if the server is not there.
    leat::task<> start();
    /// Hands back what is not finished, so that others take it at once. Bounded by some seconds; a failure is logged. For a shielded place.
    leat::task<> leave();

    void fills(leat::downloader& job) override { job_ = &job; }
    leat::task<std::optional<leat::download_item>> next() override;
    std::size_t ahead() const noexcept override { return 1; }
    bool wants_ends() const noexcept override { return true; }
    leat::task<> ended(std::size_t index, leat::file_report report) override;

    /// Entries that could not be used; each was told.
    std::size_t refused() const noexcept { return refused_; }
    /// Where a worker of the directory writes down what has come of its files. They may share the directory, and a journal has one owner.
    std::string journal_of(std::string_view consumer) const;
    std::string journal() const { return journal_of(consumer_); }

private:
    struct outcome {
        std::string key;
        bool ok = false;
        done_record record;  // if it is there
        std::string reason;  // if it is not
        bool for_good = false;
    };
    leat::task<> keep_alive();
    leat::task<bool> refill();
    std::size_t batch();
    void accept(std::vector<queue_entry> entries);
    bool holds(const std::string& id) const;
    leat::task<> look_behind();
    leat::task<std::optional<leat::download_item>> prepare(const queue_entry& entry);
    leat::task<std::optional<leat::existing_file>> fate_of_existing(const queue_entry& entry) const;
    leat::task<> adopt(const queue_entry& entry);
    leat::task<outcome> outcome_of(const queue_entry& entry, const leat::file_report& report) const;
    leat::task<std::size_t> settle(std::string id, outcome how);
    leat::task<> hand_back();

    worker_options options_;
    std::string consumer_ = new_consumer_name();
    redis::client redis_;
    redis::client waiting_;  // a connection that waits for entries is held up by that
    stream_queue queue_;
    std::size_t most_at_once_;
    std::size_t ended_ = 0;   // files, since then
    leat::time_point since_{};
    std::size_t recent_ = 0;  // that ended within the time that Redis may take to answer
    std::deque<queue_entry> taken_;                // and not given out
    std::map<std::size_t, queue_entry> running_;   // by the index of next's answer
    std::map<std::string, outcome> unsettled_;     // ended, and Redis has not confirmed it
    std::size_t answers_ = 0;
    std::size_t refused_ = 0;
    bool in_take_ = false;
    leat::time_point looked_{};  // at what others have left behind
    leat::downloader* job_ = nullptr;
    unsigned disk_failures_ = 0;
    leat::task_group beside_;
};

/// Runs a task that fetches from the worker: connects before, and hands back afterwards, however it ends.
template <class T>
leat::task<T> work(queue_worker& worker, leat::task<T> run) {
    co_await worker.start();
    std::exception_ptr why;
    std::optional<T> value;
    try {
        value.emplace(co_await std::move(run));
    } catch (...) {
        why = std::current_exception();
    }
    co_await leat::shield(worker.leave());
    if (why) std::rethrow_exception(why);
    co_return std::move(*value);
}

}  // namespace tool
