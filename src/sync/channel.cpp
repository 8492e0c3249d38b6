#include "leat/sync/channel.hpp"

#include <condition_variable>
#include <mutex>

#include "task/loop.hpp"

namespace leat::detail {

struct channel_core::state {
    std::mutex mutex;
    std::condition_variable changed;  // for plain threads, which come after the tasks in line
    waiter_list senders;
    waiter_list receivers;
    std::size_t threads_waiting = 0;
    std::size_t items = 0;
    std::size_t items_reserved = 0;
    std::size_t room_reserved = 0;
    bool closed = false;

    bool has_item() const noexcept { return items > items_reserved; }
    /// Closed, and nothing that is stored, or will be, is left for one who comes now.
    bool exhausted() const noexcept { return closed && room_reserved == 0 && !has_item(); }
};

channel_core::channel_core(std::size_t capacity) : capacity_(capacity), state_(std::make_unique<state>()) {
    if (capacity == 0) throw std::invalid_argument("channel: its capacity must be at least 1");
}

channel_core::~channel_core() = default;

void channel_core::lock() const noexcept { state_->mutex.lock(); }
void channel_core::unlock() const noexcept { state_->mutex.unlock(); }

bool channel_core::room() const noexcept {
    return !state_->closed && state_->senders.empty() && state_->items + state_->room_reserved < capacity_;
}

bool channel_core::item_free() const noexcept { return state_->receivers.empty() && state_->has_item(); }
bool channel_core::closed() const noexcept { return state_->closed; }

void channel_core::stored(bool was_reserved) noexcept {
    ++state_->items;
    if (was_reserved) --state_->room_reserved;
    serve();
}

void channel_core::taken(bool was_reserved) noexcept {
    --state_->items;
    if (was_reserved) --state_->items_reserved;
    serve();
}

void channel_core::shut() noexcept {
    state_->closed = true;
    serve();
}

/// Whoever is first in line and can be served now is told; it acts on its own thread, when its letter arrives.
void channel_core::serve() noexcept {
    state& s = *state_;
    const auto tell = [](waiter_list& line, channel_waiter::phase outcome) {
        auto& first = static_cast<channel_waiter&>(*line.first());
        line.remove(first);
        first.phase_ = outcome;
        [[maybe_unused]] const bool posted = first.loop_->mail.post(first);  // a loop with somebody who waits is still there
    };
    while (!s.senders.empty() && s.closed) tell(s.senders, channel_waiter::refused_by_close);
    while (!s.senders.empty() && s.items + s.room_reserved < capacity_) {
        ++s.room_reserved;
        tell(s.senders, channel_waiter::reserved);
    }
    while (!s.receivers.empty() && s.has_item()) {
        ++s.items_reserved;
        tell(s.receivers, channel_waiter::reserved);
    }
    while (!s.receivers.empty() && s.exhausted()) tell(s.receivers, channel_waiter::refused_by_close);
    if (s.threads_waiting != 0) s.changed.notify_all();
}

bool channel_core::reserve_in_thread(bool to_send) {
    if (loop::current_or_null()) throw std::logic_error("channel: a blocking call on a loop's thread; await instead");
    state& s = *state_;
    std::unique_lock lock{s.mutex};
    ++s.threads_waiting;
    s.changed.wait(lock, [&] { return to_send ? s.closed || room() : s.exhausted() || item_free(); });
    --s.threads_waiting;
    if (to_send ? s.closed : !item_free()) return false;
    ++(to_send ? s.room_reserved : s.items_reserved);
    return true;
}

void channel_core::give_up_reservation(channel_waiter& waiting) noexcept {
    --(waiting.sends_ ? state_->room_reserved : state_->items_reserved);
    waiting.phase_ = channel_waiter::idle;
    serve();
}

channel_waiter::~channel_waiter() {
    if (!loop_) return;
    {
        channel_core::guard lock{of_};
        if (phase_ == queued) (sends_ ? of_.state_->senders : of_.state_->receivers).remove(*this);
        if (phase_ == reserved) of_.give_up_reservation(*this);
    }
    loop_->mail.take_back(*this);
}

bool channel_waiter::start(promise_base& frame, std::source_location at) {
    loop_ = loop::current().shared();
    channel_core::guard lock{of_};
    auto& s = *of_.state_;
    if (frame.strand->cancelled) return suspend(frame, at);  // false: nothing is reserved for one who will not take it
    if (sends_ ? s.closed : s.exhausted()) {
        phase_ = refused_by_close;
        return false;
    }
    if (sends_ ? of_.room() : of_.item_free()) {
        ++(sends_ ? s.room_reserved : s.items_reserved);
        phase_ = reserved;
        if (spend()) return false;
        suspend(frame, at);  // it is there, but the others have to have their turn
        wake();
        return true;
    }
    if (!suspend(frame, at)) return false;
    phase_ = queued;
    (sends_ ? s.senders : s.receivers).push(*this);
    return true;
}

void channel_waiter::cancel() noexcept {
    channel_core::guard lock{of_};
    if (phase_ != queued) return;  // served or refused: its letter is on the way, and what it brings stands
    (sends_ ? of_.state_->senders : of_.state_->receivers).remove(*this);
    phase_ = idle;
    wake_cancelled();
}

void channel_waiter::give_back() noexcept {
    channel_core::guard lock{of_};
    if (phase_ != reserved) return;
    of_.give_up_reservation(*this);
    wake_cancelled();
}

}  // namespace leat::detail
