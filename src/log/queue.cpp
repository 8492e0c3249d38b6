#include "log/queue.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>  // check-idioms: allow thread, the sinks' own, which may block where the loop may not
#include <utility>

namespace leat::log {
namespace {

using time_point = std::chrono::system_clock::time_point;

struct header {
    time_point when;
    std::uint32_t length;
    level at;
};

void append_record(std::string& to, const header& head, std::string_view text) {
    to.append(reinterpret_cast<const char*>(&head), sizeof head);  // check-idioms: allow cast, the bytes of a record
    to.append(text);
}

/// Signals are the loop's: one that this thread took would interrupt nobody.
class all_signals_blocked {
public:
    all_signals_blocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~all_signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

}  // namespace

queue& queue::instance() {
    static queue* only = new queue;
    return *only;
}

queue::queue() {
    pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().after_fork_in_child(); });
    std::atexit([] { instance().finish(); });
}

/// The thread stayed with the parent, and so does the writing of what is queued. The child's first message starts one.
void queue::after_fork_in_child() {
    // Destroying them would wait for the parent's thread to leave them.
    std::construct_at(&work_to_do_);
    std::construct_at(&written_);
    pending_.clear();
    done_ = queued_;
    running_ = asleep_ = false;
    settings_changed_ = true;
    mutex_.unlock();
}

void queue::append(level at, std::string_view text) noexcept {
    bool wake = false;
    try {
        const header head{std::chrono::system_clock::now(),  // check-idioms: allow clock, a message's date
                          static_cast<std::uint32_t>(text.size()), at};
        std::lock_guard lock{mutex_};
        if (!running_) start();
        wake = std::exchange(asleep_, false);
        if (pending_.size() + sizeof head + text.size() <= settings_.queue_limit) {
            append_record(pending_, head, text);
            ++queued_;
        } else {
            count_dropped();
        }
    } catch (...) {  // no memory, or no thread to be had
        count_dropped();
    }
    if (wake) work_to_do_.notify_one();
}

void queue::start() {
    all_signals_blocked here;
    std::thread{[this] { work(); }}.detach();  // check-idioms: allow thread detach, it may be in a write that never ends
    running_ = true;
}

void queue::work() noexcept {
    pthread_setname_np(pthread_self(), "leat-log");
    std::optional<sinks> to;
    std::string batch;
    std::uint64_t dropped_reported = 0;
    std::unique_lock lock{mutex_};
    for (;;) {
        while (pending_.empty() && dropped() == dropped_reported) {
            asleep_ = true;
            work_to_do_.wait(lock);
        }
        batch.swap(pending_);
        const auto upto = queued_;
        const auto dropped_upto = dropped();  // after what is in the batch, since it was that which left no room
        std::optional<settings> changed;
        if (std::exchange(settings_changed_, false)) changed = settings_;
        lock.unlock();

        if (changed) {
            to.reset();  // closes the old file before a new one of the same name is opened
            to.emplace(*changed);
        }
        for (std::string_view rest = batch; !rest.empty();) {
            header head;
            std::memcpy(&head, rest.data(), sizeof head);
            to->write(head.at, head.when, rest.substr(sizeof head, head.length));
            rest.remove_prefix(sizeof head + head.length);
        }
        if (dropped_upto != dropped_reported) {
            const auto text = fmt::format("{} messages dropped: the log could not be written as fast as it was filled",
                                          dropped_upto - dropped_reported);
            to->write(level::warn, std::chrono::system_clock::now(), text);  // check-idioms: allow clock
            dropped_reported = dropped_upto;
        }
        to->flush();
        batch.clear();

        lock.lock();
        done_ = upto;
        written_.notify_all();
    }
}

bool queue::flush(std::chrono::milliseconds wait) noexcept {
    std::unique_lock lock{mutex_};
    const auto upto = queued_;
    return written_.wait_for(lock, wait, [&] { return done_ >= upto; });
}

void queue::configure(settings chosen) {
    finish();
    std::lock_guard lock{mutex_};
    settings_ = std::move(chosen);
    settings_changed_ = true;
}

void queue::finish() noexcept {
    std::chrono::milliseconds wait;
    {
        std::lock_guard lock{mutex_};
        wait = settings_.exit_wait;
    }
    flush(wait);
}

}  // namespace leat::log
