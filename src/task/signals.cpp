#include "leat/task/signals.hpp"

#include <bit>
#include <stdexcept>

#include "task/caught_signals.hpp"
#include "task/loop.hpp"

namespace leat {
namespace detail {

class signal_core final : public signal_listener {
public:
    explicit signal_core(std::initializer_list<int> signals) : here_(loop::current()) {
        try {
            for (const int signal : signals) add(signal);
            here_.listen(*this);
        } catch (...) {
            give_all();
            throw;
        }
    }
    ~signal_core() {
        here_.unlisten(*this);
        give_all();
    }

    bool claims() const noexcept override { return true; }
    bool on_signal(int signal) noexcept override {
        const std::uint64_t bit = bit_of(signal);
        if ((wanted_ & bit) == 0) return false;
        pending_ |= bit;
        if (waiting_) waiting_->wake();
        return true;
    }

private:
    friend class signal_awaiter;

    void add(int signal) {
        if (signal > 0 && signal < 64 && (wanted_ >> signal & 1) != 0) return;
        take_signal(signal);
        wanted_ |= bit_of(signal);
    }
    void give_all() noexcept {
        for (int signal = 1; signal < 64; ++signal)
            if (wanted_ >> signal & 1) give_signal(signal);
    }

    loop& here_;
    std::uint64_t wanted_ = 0;
    std::uint64_t pending_ = 0;
    signal_awaiter* waiting_ = nullptr;
};

signal_awaiter::~signal_awaiter() {
    if (of_.waiting_ == this) of_.waiting_ = nullptr;
}

bool signal_awaiter::await_ready() noexcept { return of_.pending_ != 0 && spend(); }

bool signal_awaiter::start(promise_base& frame, std::source_location at) {
    if (of_.waiting_) throw std::logic_error("signal_set: two tasks wait at once");
    if (!suspend(frame, at)) return false;
    of_.waiting_ = this;
    if (of_.pending_ != 0) wake();  // there already, but others have to have their turn
    return true;
}

int signal_awaiter::take() noexcept {
    of_.waiting_ = nullptr;
    const int signal = std::countr_zero(of_.pending_);
    of_.pending_ &= of_.pending_ - 1;
    return signal;
}

void signal_awaiter::cancel() noexcept {
    of_.waiting_ = nullptr;
    wake_cancelled();
}

/// What has come stays pending.
void signal_awaiter::give_back() noexcept {
    if (of_.waiting_ == this && of_.pending_ != 0) cancel();
}

}  // namespace detail

signal_set::signal_set(std::initializer_list<int> signals) : core_(std::make_unique<detail::signal_core>(signals)) {}
signal_set::~signal_set() = default;

}  // namespace leat
