#pragma once
#include <cstdint>

#include "leat/io/duration.hpp"

namespace leat::detail {

/// A place in the loop's timer heap. Disarms itself when destroyed.
class timer {
public:
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    /// Called by the loop, once, when the time has come.
    virtual void expired() noexcept = 0;

    bool armed() const noexcept { return slot_ != 0; }
    /// Fires after `delay` from now; at the loop's next turn if that is not positive. Arming again moves it.
    void arm(duration delay);
    void arm_at(time_point when);
    void disarm() noexcept;

protected:
    timer() = default;
    ~timer() {
        if (armed()) disarm();
    }

private:
    friend class timer_heap;
    std::uint32_t slot_ = 0;  // index in the heap plus one, 0: not armed
};

}  // namespace leat::detail
