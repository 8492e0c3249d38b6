#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "leat/task/detail/timer.hpp"

namespace leat::detail {

/// Timers by due time: a heap of four children a node, whose entries hold the time, so that sifting touches no timer but to
/// tell it its new place. A timer that is taken out costs what moving one entry costs: most time-outs never fire.
class timer_heap {
public:
    timer_heap() { entries_.reserve(256); }
    bool empty() const noexcept { return entries_.empty(); }
    time_point earliest() const noexcept { return entries_.front().when; }
    void insert(timer& t, time_point when);
    void remove(timer& t) noexcept;
    /// Takes out and calls every timer that is due; those armed meanwhile wait for the next call.
    void fire(time_point now) noexcept;

private:
    struct entry {
        time_point when;
        timer* owner;
    };
    void place(std::size_t index, entry e) noexcept;
    void sift_up(std::size_t index, entry e) noexcept;
    void sift_down(std::size_t index, entry e) noexcept;

    std::vector<entry> entries_;
};

}  // namespace leat::detail
