#include "task/timer_heap.hpp"

#include <new>

namespace leat::detail {

void timer_heap::place(std::size_t index, entry e) noexcept {
    entries_[index] = e;
    e.owner->slot_ = static_cast<std::uint32_t>(index + 1);
}

void timer_heap::sift_up(std::size_t index, entry e) noexcept {
    while (index > 0) {
        std::size_t parent = (index - 1) / 4;
        if (entries_[parent].when <= e.when) break;
        place(index, entries_[parent]);
        index = parent;
    }
    place(index, e);
}

void timer_heap::sift_down(std::size_t index, entry e) noexcept {
    for (;;) {
        std::size_t first = index * 4 + 1;
        if (first >= entries_.size()) break;
        std::size_t least = first;
        std::size_t last = std::min(first + 4, entries_.size());
        for (std::size_t child = first + 1; child < last; ++child)
            if (entries_[child].when < entries_[least].when) least = child;
        if (e.when <= entries_[least].when) break;
        place(index, entries_[least]);
        index = least;
    }
    place(index, e);
}

void timer_heap::insert(timer& t, time_point when) {
    if (t.armed()) remove(t);
    // Before it is full, since what closes a connection arms a timer and has nobody to tell that there is no memory just now.
    constexpr std::size_t spare = 32;
    if (entries_.capacity() - entries_.size() < spare) {
        try {
            entries_.reserve(2 * entries_.capacity());
        } catch (const std::bad_alloc&) {
            if (entries_.capacity() == entries_.size()) throw;
        }
    }
    entries_.push_back({when, &t});
    sift_up(entries_.size() - 1, {when, &t});
}

void timer_heap::remove(timer& t) noexcept {
    std::size_t index = t.slot_ - 1;
    t.slot_ = 0;
    entry moved = entries_.back();
    entries_.pop_back();
    if (index == entries_.size()) return;
    if (index > 0 && moved.when < entries_[(index - 1) / 4].when)
        sift_up(index, moved);
    else
        sift_down(index, moved);
}

void timer_heap::fire(time_point now) noexcept {
    // A timer armed by one that fires is due later than `now` or waits a turn: the count bounds the work of one call.
    for (std::size_t most = entries_.size(); most > 0 && !entries_.empty() && entries_.front().when <= now; --most) {
        timer& due = *entries_.front().owner;
        remove(due);
        due.expired();
    }
}

}  // namespace leat::detail
