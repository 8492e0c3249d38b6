#pragma once
// A list of downloads that many machines share: a Redis Stream with one consumer group. Its data are described in docs/guide/queue.md.
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leat/download/download.hpp"
#include "queue/redis.hpp"
#include "queue/scripts.hpp"

namespace tool {

/// What is written down of a file that is there: the value in NAME:done.
struct done_record {
    std::string worker;
    std::uint64_t size = 0;
    std::string checksum;  // empty: none was compared
    long long time = 0;    // seconds since 1970, on the clock of Redis
};

/// An entry of the queue that a worker has taken.
struct queue_entry {
    std::string id;
    std::string key;         // what makes two items the same
    std::string name;        // the file's, below the worker's directory
    std::string item;        // JSON
    long long deliveries = 1;
    std::optional<done_record> done;  // it was there once
    std::string had_by;      // the worker that had it before; empty: none
    leat::duration age{};    // since it was added; only if somebody had it before
};

struct queue_status {
    struct worker {
        std::string name;
        std::size_t running = 0;
        double idle = 0;  // seconds since it was last heard of
    };
    struct failure {
        std::string id;
        std::string url;  // without credentials
        std::string name;
        std::string reason;
        std::string worker;
    };
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t done = 0;
    std::size_t failed = 0;
    std::vector<worker> workers;
    std::vector<failure> failures;  // the first `failures_shown` of them
    static constexpr std::size_t failures_shown = 1000;
};

/// All errors are those of redis::client. Every call may be repeated: it then does nothing that is done already.
class stream_queue {
public:
    /// The client must outlive it. Throws std::invalid_argument for a name that is none.
    stream_queue(redis::client& through, std::string name);

    // For whoever fills it and looks at it.

    /// So many items are worth one call of add.
    static constexpr std::size_t at_once = 2000;
    /// Adds items, and decides their names. @return how many were new: one that waits or is being fetched is not added again.
    /// Throws std::invalid_argument for an item whose name leads out of the directory; nothing is added then.
    leat::task<std::size_t> add(std::vector<leat::download_item> items);
    leat::task<queue_status> status();
    /// Puts what has failed back. @return how many.
    leat::task<std::size_t> retry();

    // For a worker, called `consumer`.

    /// Makes the stream and the group if they are not there, and the consumer if it has a name, so that `status` shows it before it has anything.
    leat::task<> open(std::string consumer = {});
    /// Takes entries that nobody has had. `wait`: for so long it waits for the first; zero: not at all. Over a connection of its own: it holds it up.
    leat::task<std::vector<queue_entry>> take(redis::client& waiting, const std::string& consumer, std::size_t count, leat::duration wait);
    /// Takes entries over that were handed back, or whose worker has not been heard of for `idle`; one that was delivered `most` times becomes a dead letter.
    leat::task<std::vector<queue_entry>> claim(const std::string& consumer, std::size_t count, leat::duration idle, unsigned most);
    /// Says that the entries are still being worked on. @return those that somebody else has taken over meanwhile.
    leat::task<std::vector<std::string>> keep(const std::string& consumer, std::span<const std::string> ids);
    /// The file is there. @return how many entries are left in the queue.
    leat::task<std::size_t> finish(const std::string& id, const std::string& key, const done_record& record);
    /// It is not there. `for_good`: another try would not help. Else it goes to whoever claims it next, until it was delivered `most` times.
    /// @return is it a dead letter now?
    leat::task<bool> fail(const std::string& consumer, const std::string& id, const std::string& reason, bool for_good, unsigned most);
    /// Hands everything back that the consumer still has, to be taken at once, and removes the consumer. @return how many entries that were.
    leat::task<std::size_t> leave(const std::string& consumer);
    /// How many entries wait or are being worked on.
    leat::task<std::size_t> size();

    const std::string& name() const noexcept { return name_; }

private:
    leat::task<redis::reply> run(const queue_scripts::script& which, std::vector<std::string> arguments);
    leat::task<> load(const queue_scripts::script& which);
    redis::command call_of(const queue_scripts::script& which, std::span<const std::string> arguments) const;
    leat::task<> look_up_done(std::vector<queue_entry>& entries);

    redis::client& redis_;
    std::string name_;
    std::map<std::string_view, std::string> loaded_;  // name of a script -> its SHA-1
};

/// "HOST-PID-RANDOM": unique among all workers there are and were.
std::string new_consumer_name();

}  // namespace tool
